//! A loss of one's own, at which outliers do not pull: any function from outputs and targets to one number is a loss.
use barograph::data::{Dataset, Targets};
use barograph::recipe::{LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe};
use barograph::{Loss, Network, TargetTensor, Trainer, cpu, ops};
use burn::prelude::*;

/// The mean of `log(1 + error^2)`, the Cauchy loss: the larger an error is, the less it counts. Written with `ops`, so that Barograph
/// names the operation if one of them breaks.
fn cauchy(outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
    let targets = targets.like(&outputs);
    let error = ops::sub(outputs, targets);
    ops::mean(ops::log(ops::add_scalar(ops::square(error), 1.0)))
}

/// What a line that is fitted with this loss says at x = 0, where 1 is right.
fn fitted(loss: impl Loss + 'static) -> Result<f32, Box<dyn std::error::Error>> {
    // The line y = 2x + 1, but every tenth point is far off.
    let x: Vec<f32> = (0..200u8).map(|i| f32::from(i) / 100.0 - 1.0).collect();
    let y = x.iter().enumerate().map(|(i, x)| if i % 10 == 0 { 30.0 } else { 2.0 * x + 1.0 }).collect();
    let data = Dataset::new(x, 1, Targets::Real { values: y, columns: 1 })?;

    let optimizer = OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.02);
    let recipe = Recipe { layers: vec![LayerSpec::dense(1)], epochs: 100, optimizer, ..Recipe::default() };
    let line = Network::from_recipe(&recipe, 1, &cpu(true))?;
    let outcome = Trainer::new(line, loss).recipe(recipe).fit(&data)?;
    Ok(outcome.predict(&[0.0], 1)[0])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (squared, ours) = (fitted(LossKind::Mse)?, fitted(cauchy)?);
    println!("A line through points of which a tenth are far off, at x = 0, where 1 is right:");
    println!("  mean squared error  {squared:.3}");
    println!("  our Cauchy loss     {ours:.3}");
    assert!((ours - 1.0).abs() < 0.1, "outliers pulled at the Cauchy loss: {ours}");
    assert!((squared - 1.0).abs() > 1.0, "outliers did not pull at the squared error: {squared}");
    Ok(())
}
