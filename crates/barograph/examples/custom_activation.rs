//! An activation function of one's own: a function becomes a layer without weights.
use barograph::data::{Dataset, Targets};
use barograph::recipe::{Activation, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe};
use barograph::{Trainer, ops};
use burn::prelude::*;

/// With squares a network can multiply: `a b = ((a + b)^2 - (a - b)^2) / 4`.
fn square(x: Tensor<2>) -> Tensor<2> {
    ops::square(x)
}

/// Learns to multiply two numbers from -1 to 1. Returns what it then says of 3 times 4.
fn three_times_four(activation: LayerSpec) -> Result<f32, Box<dyn std::error::Error>> {
    let pairs: Vec<[f32; 2]> = (0..400u16).map(f32::from).map(|i| [(i * 0.7).sin(), (i * 1.3).cos()]).collect();
    let products = pairs.iter().map(|[a, b]| a * b).collect();
    let data = Dataset::new(pairs.concat(), 2, Targets::Real { values: products, columns: 1 })?;
    let recipe = Recipe {
        layers: vec![LayerSpec::dense(8), activation, LayerSpec::dense(1)],
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.01),
        epochs: 100,
        ..Recipe::default()
    };
    let outcome = Trainer::from_recipe(&recipe, &data)?.fit(&data)?;
    Ok(outcome.predict(&[3.0, 4.0], 2)[0])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let relu = three_times_four(LayerSpec::activation(Activation::Relu))?;
    let ours = three_times_four(LayerSpec::function("square", square))?;
    println!("3 times 4, by networks that learned from numbers up to 1:");
    println!("  relu    {relu:.3}");
    println!("  square  {ours:.3}");
    assert!((ours - 12.0).abs() < 0.5, "squares multiply beyond what they have seen: {ours}");
    assert!((relu - 12.0).abs() > 1.0, "and rectifiers do not: {relu}");
    Ok(())
}
