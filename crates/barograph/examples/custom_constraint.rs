//! A constraint of one's own: any function that brings a weight back after each update.
use barograph::Trainer;
use barograph::data::{Dataset, Targets};
use barograph::recipe::{LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe};
use burn::prelude::*;

/// Shares: none below 0, and together 1. A weight is seen as `[units, inputs]`, and each unit has shares of its own.
fn shares(weight: Tensor<2>) -> Tensor<2> {
    let positive = weight.clamp_min(0.0);
    let sums = positive.clone().sum_dim(1).clamp_min(1e-6);
    positive / sums
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A blend of three signals: 0.7, 0.3 and nothing of the third, measured badly.
    let noise = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0;
    let x: Vec<f32> = (0..300).map(noise).collect();
    let y = x.chunks(3).enumerate().map(|(row, s)| 0.7 * s[0] + 0.3 * s[1] + 0.2 * noise(row * 31 + 5)).collect();
    let data = Dataset::new(x, 3, Targets::Real { values: y, columns: 1 })?;
    let recipe = Recipe {
        layers: vec![LayerSpec::dense(1).with_bias(false)],
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.02),
        epochs: 60,
        ..Recipe::default()
    };
    let outcome = Trainer::from_recipe(&recipe, &data)?.constraint("dense1.weight", shares).fit(&data)?;

    let found = outcome.predict(&[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0], 3);
    println!("The blend is 0.7, 0.3, 0; found, as shares: {found:.3?}");
    assert!(found.iter().all(|share| *share >= 0.0), "no share is negative: {found:?}");
    assert!((found.iter().sum::<f32>() - 1.0).abs() < 1e-5, "together they are 1: {found:?}");
    assert!((found[0] - 0.7).abs() < 0.1 && (found[1] - 0.3).abs() < 0.1, "{found:?}");
    Ok(())
}
