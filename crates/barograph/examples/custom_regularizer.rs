//! A regularizer of one's own: any function from a weight to a number that is added to the loss.
use barograph::data::{Dataset, Targets};
use barograph::recipe::{LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe};
use barograph::{Network, Outcome, Trainer, ops};
use burn::prelude::*;

/// Points of a signal that a filter sees.
const WIDTH: usize = 32;

/// The sum of squares of the steps from each weight to the next: neighbours should be alike. A weight is seen as
/// `[units, inputs]`.
fn roughness(weight: Tensor<2>) -> Tensor<1> {
    let steps = weight.dims()[1] - 1;
    let step = ops::sub(ops::narrow(weight.clone(), 1, 1, steps), ops::narrow(weight, 1, 0, steps));
    ops::sum(ops::square(step))
}

fn filter(outcome: &Outcome<Network>) -> Vec<f32> {
    // What a linear network makes of a single 1 is the weight at its place, beside the bias.
    let said = |at: Option<usize>| {
        let input: Vec<f32> = (0..WIDTH).map(|place| if at == Some(place) { 1.0 } else { 0.0 }).collect();
        outcome.predict(&input, WIDTH)[0]
    };
    let bias = said(None);
    (0..WIDTH).map(|place| said(Some(place)) - bias).collect()
}

/// Largest step from one weight to the next.
fn roughest(filter: &[f32]) -> f32 {
    filter.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

fn plot(filter: &[f32]) -> String {
    let bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let (low, high) = filter.iter().fold((f32::MAX, f32::MIN), |(low, high), &w| (low.min(w), high.max(w)));
    filter.iter().map(|w| bars[((w - low) / (high - low).max(1e-9) * 7.0) as usize]).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Signals, and how much of a smooth bump is in each, measured badly; there are hardly more signals than weights.
    let noise = |i: usize| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0;
    let bump: Vec<f32> = (0..WIDTH).map(|place| (-((place as f32 - 16.0) / 6.0).powi(2)).exp() / 4.0).collect();
    let x: Vec<f32> = (0..40 * WIDTH).map(noise).collect();
    let measured = |(row, signal): (usize, &[f32])| {
        signal.iter().zip(&bump).map(|(x, w)| x * w).sum::<f32>() + 0.1 * noise(row * 31 + 5)
    };
    let y = x.chunks(WIDTH).enumerate().map(measured).collect();
    let data = Dataset::new(x, WIDTH, Targets::Real { values: y, columns: 1 })?;
    let optimizer = OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.01);
    let (layers, loss) = (vec![LayerSpec::dense(1)], LossKind::Mse.into());
    let recipe = Recipe { layers, loss, optimizer, epochs: 300, ..Recipe::default() };

    let plain = filter(&Trainer::from_recipe(&recipe, &data)?.fit(&data)?);
    let trainer = Trainer::from_recipe(&recipe, &data)?.regularizer("dense1.weight", roughness);
    let smooth = filter(&trainer.fit(&data)?);

    let distance = |filter: &[f32]| filter.iter().zip(&bump).map(|(w, b)| (w - b).powi(2)).sum::<f32>().sqrt();
    println!("the truth     {}", plot(&bump));
    println!("plain         {}  off by {:.3}", plot(&plain), distance(&plain));
    println!("regularized   {}  off by {:.3}", plot(&smooth), distance(&smooth));
    assert!(roughest(&smooth) < roughest(&plain) / 3.0, "it is not smoother");
    assert!(distance(&smooth) < distance(&plain), "it is not closer to the truth");
    Ok(())
}
