//! Trains a model written in Rust, and prints what Barograph says of the run.
use barograph::callbacks::EarlyStopping;
use barograph::data::{Dataset, Targets};
use barograph::recipe::{LossKind, OptimizerKind, OptimizerSpec, Recipe, Watch};
use barograph::report::{Curves, Report, TerminalOptions, terminal};
use barograph::vocab::Scalar;
use barograph::{Model, Trainer, cpu, tap};
use burn::{module::Module, nn::Linear, nn::LinearConfig, prelude::*, tensor::activation::relu};

/// Any burn module with a forward pass from `[batch, features]` to `[batch, outputs]` can be trained.
#[derive(Module, Debug)]
struct TwoLayers {
    hidden: Linear,
    output: Linear,
}

impl Model for TwoLayers {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        // `tap` shows Barograph an activation and its gradient. It changes neither.
        let x = tap("hidden", relu(self.hidden.forward(x)));
        tap("output", self.output.forward(x))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Points in a square: are both coordinates on the same side of zero?
    let points: Vec<[f32; 2]> = (0..500u16).map(f32::from).map(|i| [(i * 0.7).sin(), (i * 1.3).cos()]).collect();
    let classes = points.iter().map(|[x, y]| i64::from(x * y > 0.0)).collect();
    let data = Dataset::new(points.concat(), 2, Targets::Classes(classes))?;

    let device = cpu(true);
    let hidden = LinearConfig::new(2, 32).init(&device);
    let output = LinearConfig::new(32, 2).init(&device);

    // Everything a recipe file can say, it can say here.
    let mut recipe = Recipe { name: "same-side".to_owned(), epochs: 60, ..Recipe::default() };
    recipe.data.validation = 0.2;
    recipe.optimizer = OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.01);

    let outcome = Trainer::new(TwoLayers { hidden, output }, LossKind::CrossEntropy)
        .recipe(recipe)
        .callback(EarlyStopping::new(Watch::default(), 10))
        .fit(&data)?;

    let accuracy = outcome.last(Scalar::ValidationAccuracy).unwrap_or(0.0);
    println!("{} steps, {:.0}% of the points held out are right\n", outcome.steps, 100.0 * accuracy);

    let diagnosis = outcome.diagnosis().ok_or("the training was not observed")?;
    let report = Report { diagnosis: &diagnosis, curves: &Curves::default(), samples: &[] };
    print!("{}", terminal(&report, &TerminalOptions::default()));
    Ok(())
}
