//! A metric of one's own, gathered over the batches of an epoch: F1, for classes of which one is rare.
use barograph::data::{Dataset, Targets};
use barograph::recipe::{Activation, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe};
use barograph::vocab::Scalar;
use barograph::{Answers, Metric, MetricBatch, Trainer};

/// The harmonic mean of precision and recall. A mean of the batches' F1 would be another number, so that counts are kept.
#[derive(Clone, Default)]
struct F1 {
    found: u64,
    false_alarms: u64,
    missed: u64,
}

impl Metric for F1 {
    fn name(&self) -> String {
        "f1".to_owned()
    }

    fn see(&mut self, batch: &MetricBatch<'_>) {
        let Answers::Classes(right) = batch.targets else { return };
        for (said, &right) in batch.classes().zip(right) {
            match (said, right) {
                (1, 1) => self.found += 1,
                (1, _) => self.false_alarms += 1,
                (_, 1) => self.missed += 1,
                _ => {}
            }
        }
    }

    fn value(&self) -> Option<f64> {
        let all = 2 * self.found + self.false_alarms + self.missed;
        (all > 0).then(|| 2.0 * self.found as f64 / all as f64)
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Few of these points lie within the circle.
    let points: Vec<[f32; 2]> = (0..1000u16).map(f32::from).map(|i| [(i * 0.7).sin(), (i * 1.3).cos()]).collect();
    let classes: Vec<i64> = points.iter().map(|[x, y]| i64::from(x * x + y * y < 0.3)).collect();
    let rare = classes.iter().sum::<i64>() as f64 / classes.len() as f64;
    let data = Dataset::new(points.concat(), 2, Targets::Classes(classes))?;

    let mut recipe = Recipe {
        layers: vec![LayerSpec::dense(32).with_activation(Activation::Relu), LayerSpec::dense(2)],
        loss: LossKind::CrossEntropy.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.01),
        epochs: 60,
        ..Recipe::default()
    };
    recipe.data.validation = 0.2;
    let outcome = Trainer::from_recipe(&recipe, &data)?.metric(F1::default()).fit(&data)?;

    println!("{:.0} % of the points lie within the circle. Of those held out:", 100.0 * rare);
    println!("epoch  accuracy     F1");
    let shown = |epoch: &usize| epoch.is_multiple_of(10) || epoch + 1 == outcome.history.len();
    for (number, epoch) in outcome.history.iter().enumerate().filter(|(number, _)| shown(number)) {
        let accuracy = epoch.scalar(Scalar::ValidationAccuracy).unwrap_or(0.0);
        println!("{number:5}  {accuracy:8.3}  {:5.3}", epoch.named("validation_f1").unwrap_or(0.0));
    }
    let (first, last) = (&outcome.history[0], &outcome.history[outcome.history.len() - 1]);
    let accuracy = first.scalar(Scalar::ValidationAccuracy).unwrap_or(0.0);
    assert!(accuracy > 0.8, "who always says no is right nearly always, not {accuracy}");
    assert!(first.named("validation_f1").unwrap_or(0.0) < 0.5, "F1 must not be taken in by that");
    assert!(last.named("validation_f1").is_some_and(|f1| f1 > 0.8) && last.named("f1").is_some_and(|f1| f1 > 0.8));
    Ok(())
}
