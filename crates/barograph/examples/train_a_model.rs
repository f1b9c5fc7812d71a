//! Trains a network written in Rust, and prints what Barograph says of the run.
use barograph::data::{Dataset, Targets};
use barograph::recipe::{LossKind, OptimizerKind, OptimizerSpec, Recipe};
use barograph::report::{Curves, Report, TerminalOptions, terminal};
use barograph::{Model, Trainer, callbacks::EarlyStopping, cpu, tap};
use burn::{module::Module, nn::Linear, nn::LinearConfig, prelude::*, tensor::activation::relu};

/// Any burn module with a forward pass over `[batch, features]` can be trained.
#[derive(Module, Debug)]
struct TwoLayers {
    hidden: Linear,
    output: Linear,
}

impl Model for TwoLayers {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        // `tap` shows Barograph an activation and its gradient. It changes neither, and is free when nobody watches.
        let x = tap("hidden", relu(self.hidden.forward(x)));
        tap("output", self.output.forward(x))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Two numbers, and whether they have the same sign.
    let points: Vec<[f32; 2]> = (0..400).map(|i| [(i as f32 * 0.7).sin(), (i as f32 * 1.3).cos()]).collect();
    let classes = points.iter().map(|[a, b]| i64::from(a * b > 0.0)).collect();
    let data = Dataset::new(points.concat(), 2, Targets::Classes(classes))?;

    let device = cpu(true);
    let model = TwoLayers { hidden: LinearConfig::new(2, 32).init(&device), output: LinearConfig::new(32, 2).init(&device) };

    let mut recipe = Recipe { name: "same-sign".to_owned(), epochs: 60, ..Recipe::default() };
    recipe.optimizer = OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.01);
    recipe.data.validation = 0.2;

    let outcome = Trainer::new(model, recipe_loss())
        .recipe(recipe)
        .callback(EarlyStopping::new(barograph::recipe::Watch::default(), 10))
        .fit(&data)?;

    let diagnosis = outcome.diagnosis().ok_or("the training was not observed")?;
    let report = Report { diagnosis: &diagnosis, curves: &Curves::default() };
    print!("{}", terminal(&report, &TerminalOptions::default()));
    Ok(())
}
