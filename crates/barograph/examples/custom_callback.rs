//! A callback of one's own: it looks on, and asks for what it wants.
use barograph::Trainer;
use barograph::callbacks::{Action, Callback, RunInfo, StepReport};
use barograph::data::{Dataset, Targets};
use barograph::recipe::{Activation, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe};
use barograph::vocab::{EpochRecord, Scalar};

/// Draws the loss of each epoch as a bar, and ends the training once all rows were right for some epochs in a row.
struct UntilPerfect {
    wanted: u32,
    perfect: u32,
    hardest: (f64, u64),
}

impl Callback for UntilPerfect {
    fn train_begin(&mut self, run: &RunInfo<'_>) -> Action {
        println!("at most {} epochs of {} steps", run.epochs, run.steps_per_epoch);
        Action::Continue
    }

    fn epoch_begin(&mut self, _: u64) -> Action {
        self.hardest = (0.0, 0);
        Action::Continue
    }

    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        if step.loss > self.hardest.0 {
            self.hardest = (step.loss, step.rows.first().copied().unwrap_or(0));
        }
        Action::Continue
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let loss = epoch.scalar(Scalar::Loss).unwrap_or(f64::NAN);
        let bar = "█".repeat((40.0 * loss).clamp(0.0, 60.0) as usize);
        if epoch.epoch.is_multiple_of(5) {
            println!("{:5}  {loss:.4}  {bar}  hardest: the batch with row {}", epoch.epoch, self.hardest.1);
        }
        let is_perfect = epoch.scalar(Scalar::Accuracy) == Some(1.0);
        self.perfect = if is_perfect { self.perfect + 1 } else { 0 };
        if self.perfect < self.wanted {
            return Action::Continue;
        }
        // The log says so, and the training ends after this epoch.
        let reason = format!("every row was right for {} epochs in a row", self.wanted);
        Action::Stop { reason, restore_best: false, failed: false }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Three spokes of a wheel.
    let points: Vec<[f32; 2]> = (0..300u16)
        .map(|i| {
            let (turn, along) = (f32::from(i % 3) * 2.1 + 0.3 * f32::from(i).sin(), 0.2 + f32::from(i) / 300.0);
            [along * turn.cos(), along * turn.sin()]
        })
        .collect();
    let data = Dataset::new(points.concat(), 2, Targets::Classes((0..300).map(|i| i % 3).collect()))?;
    let recipe = Recipe {
        layers: vec![LayerSpec::dense(16).with_activation(Activation::Relu), LayerSpec::dense(3)],
        loss: LossKind::CrossEntropy.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.001),
        epochs: 200,
        ..Recipe::default()
    };
    let callback = UntilPerfect { wanted: 3, perfect: 0, hardest: (0.0, 0) };
    let outcome = Trainer::from_recipe(&recipe, &data)?.callback(callback).fit(&data)?;

    println!("ended after {} of {} epochs", outcome.history.len(), recipe.epochs);
    let last: Vec<_> = outcome.history.iter().rev().take(4).map(|epoch| epoch.scalar(Scalar::Accuracy)).collect();
    assert!(outcome.history.len() < 200, "it never was perfect");
    assert!(last[..3].iter().all(|accuracy| *accuracy == Some(1.0)) && last.get(3) != Some(&Some(1.0)), "{last:?}");
    Ok(())
}
