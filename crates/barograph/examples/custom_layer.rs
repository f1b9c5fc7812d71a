//! A layer of one's own with a weight that is learned; and what Barograph says when an operation inside of it breaks.
use barograph::data::{Dataset, Targets};
use barograph::layers::{CustomLayer, LayerWeights, NewWeight};
use barograph::recipe::{Initializer, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe, Shape};
use barograph::report::{Curves, Report, TerminalOptions, terminal};
use barograph::{Network, Outcome, Trainer, ops, to_vec};
use burn::prelude::*;

/// Raises each feature to a power that is learned: `x^p = e^(p log x)`, for x above 0.
#[derive(Debug)]
struct Power;

impl CustomLayer for Power {
    fn weights(&self, input: Shape) -> Vec<NewWeight> {
        vec![NewWeight::new("exponent", [1, input.values() as usize], Initializer::Constant { value: 1.0 })]
    }

    fn forward(&self, x: Tensor<2>, weights: &LayerWeights<'_>) -> Tensor<2> {
        ops::exp(ops::mul(ops::log(x), weights.get("exponent")))
    }
}

/// Learns y = 3 x^1.7 from these x.
fn learn(x: Vec<f32>) -> Result<Outcome<Network>, Box<dyn std::error::Error>> {
    let y = x.iter().map(|x| 3.0 * x.abs().powf(1.7)).collect();
    let data = Dataset::new(x, 1, Targets::Real { values: y, columns: 1 })?;
    let recipe = Recipe {
        layers: vec![LayerSpec::custom("power", Power), LayerSpec::dense(1)],
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.05),
        epochs: 400,
        ..Recipe::default()
    };
    Ok(Trainer::from_recipe(&recipe, &data)?.fit(&data)?)
}

fn exponent(network: &Network) -> Option<f32> {
    let (_, layer) = network.layers().find(|(site, _)| *site == "power1")?;
    let barograph::layers::Layer::Custom(power) = layer else { return None };
    to_vec(&power.weights().get::<2>("exponent")).first().copied()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x: Vec<f32> = (1..=128u8).map(|i| f32::from(i) / 64.0).collect();
    let learned = exponent(&learn(x.clone())?.model).ok_or("the layer is gone")?;
    println!("The data is y = 3 x^1.7; the exponent that was learned is {learned:.3}.\n");
    assert!((learned - 1.7).abs() < 0.02, "{learned}");

    // The logarithm of a negative number is not a number.
    let broken = learn(x.into_iter().enumerate().map(|(row, x)| if row == 77 { -x } else { x }).collect())?;
    let diagnosis = broken.diagnosis().ok_or("the training was not observed")?;
    print!(
        "{}",
        terminal(
            &Report { diagnosis: &diagnosis, curves: &Curves::default(), samples: &[] },
            &TerminalOptions::default()
        )
    );
    let incident = diagnosis.incident.ok_or("the operation was not found")?;
    assert_eq!((incident.site.as_str(), incident.operation.as_str()), ("power1", "log"));
    assert_eq!(incident.rows, [77]);
    assert!(incident.source.is_some_and(|line| line.file.ends_with("custom_layer.rs")));
    Ok(())
}
