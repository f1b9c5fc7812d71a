//! What is measured of an epoch besides its loss.
use super::visit::words;
use super::{LossWants, OutputSpec, Recipe, Task};
use crate::recipe::monitor::HELD_OUT;

words! {
    /// A measure of an epoch besides its loss, on the training rows and on those that are held out.
    ///
    /// A callback, a checkpoint's name and every file of numbers call it by this name; of one of several outputs with the output's name before
    /// it, and of rows that are held out with `validation_` before that: `validation_species_f1`. Of classes, `precision`, `recall` and `f1`
    /// are those of class 1 where there are two, else the mean over the classes (or labels) that occur.
    MetricKind, "metric", {
        /// Of classes: the share that is answered right. It is measured in any case.
        Accuracy = "accuracy",
        /// Of classes: how many of those that are said to be one are.
        Precision = "precision",
        /// Of classes: how many of those that are one are found.
        Recall = "recall",
        /// Of classes: the harmonic mean of precision and recall.
        F1 = "f1",
        /// Of classes: the area under the curve of true against false positives (Fawcett 2006), exact; of several classes the mean of each
        /// against the rest. It holds 8 bytes for each row and class of an epoch.
        Auc = "auc",
        /// Of classes: the share whose right answer is among the five with the highest scores.
        TopFiveAccuracy = "top_5_accuracy",
        /// Of numbers: the coefficient of determination. It is measured in any case.
        R2 = "r2",
        /// Of numbers: the mean distance to the target, in the unit that it has in the data, before it is scaled; so are the next ones.
        Mae = "mae",
        /// Of numbers: the mean squared distance.
        Mse = "mse",
        /// Of numbers: the square root of the mean squared distance.
        Rmse = "rmse",
        /// Of numbers: the largest distance.
        MaxError = "max_error",
        /// Of numbers: the mean distance in percent of the target, where a target below 1e-7 counts as that.
        Mape = "mape",
    }
}

impl MetricKind {
    /// Whether it is of numbers; else it is of classes.
    pub(crate) const fn is_of_numbers(self) -> bool {
        matches!(self, Self::R2 | Self::Mae | Self::Mse | Self::Rmse | Self::MaxError | Self::Mape)
    }
}

impl Recipe {
    /// What the numbers of its epochs are called, in the order of the log. Code may add others.
    pub(crate) fn epoch_numbers(&self) -> Vec<String> {
        let mut names = vec!["loss".to_owned()];
        if self.outputs.is_empty() {
            let scores: &[&str] = match (self.task, self.loss.kind.wants()) {
                (Some(Task::Regression), _) => &["r2"],
                (None, LossWants::Numbers) => &["accuracy", "r2"],
                (_, LossWants::Labels) => &[],
                _ => &["accuracy"],
            };
            names.extend(scores.iter().map(|score| (*score).to_owned()));
            names.extend(measured(&self.metrics).map(str::to_owned));
        } else {
            names.extend(self.outputs.iter().map(|output| format!("{}_loss", output.name)));
            names.extend(self.outputs.iter().filter_map(|output| Some(format!("{}_{}", output.name, output.score()?))));
            let of = |output: &OutputSpec| {
                let name = output.name.clone();
                measured(&output.metrics).map(move |metric| format!("{name}_{metric}")).collect::<Vec<_>>()
            };
            names.extend(self.outputs.iter().flat_map(of));
        }
        if self.data.holds_out() {
            let held_out: Vec<String> = names.iter().map(|name| format!("{HELD_OUT}{name}")).collect();
            names.extend(held_out);
        }
        names
    }
}

/// The names of those that are not measured in any case.
fn measured(metrics: &[MetricKind]) -> impl Iterator<Item = &'static str> {
    let more = metrics.iter().filter(|metric| !matches!(metric, MetricKind::Accuracy | MetricKind::R2));
    more.map(|metric| metric.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = r#"
[data]
file = "two.csv"
validation = 0.2
[[layers]]
kind = "dense"
units = 4
[[outputs]]
name = "species"
target = "species"
metrics = ["f1", "auc"]
layers = [{ kind = "dense", units = 3 }]
loss = { kind = "cross_entropy" }
[[outputs]]
name = "price"
target = "price"
metrics = "mae"
loss = { kind = "mse" }
[[callbacks]]
"#;

    const ONE: &str = r#"
metrics = ["precision", "accuracy"]
[data]
file = "one.csv"
validation = 0.2
[[layers]]
kind = "dense"
units = 4
[loss]
kind = "cross_entropy"
[[callbacks]]
"#;

    /// What is wrong with the recipe with this callback behind it.
    fn said(recipe: &str, callback: &str) -> String {
        let read = Recipe::parse(&format!("{recipe}{callback}"), "a.toml");
        read.map_or_else(
            |error| error.to_string(),
            |recipe| {
                // What is read is written, and read again as the same.
                assert_eq!(
                    Recipe::parse(&recipe.to_toml(), "b.toml").expect("it was read").callbacks,
                    recipe.callbacks
                );
                String::new()
            },
        )
    }

    fn watching(monitor: &str) -> String {
        format!("kind = \"early_stopping\"\nmonitor = \"{monitor}\"\n")
    }

    #[test]
    fn every_number_of_an_output_can_be_watched() {
        for monitor in [
            "validation_species_loss",
            "price_loss",
            "validation_species_accuracy",
            "price_r2",
            "validation_species_f1",
            "species_auc",
            "validation_price_mae",
            "validation_loss",
        ] {
            assert_eq!(said(TWO, &watching(monitor)), "", "{monitor}");
        }
        for monitor in ["precision", "validation_precision", "validation_accuracy"] {
            assert_eq!(said(ONE, &watching(monitor)), "", "{monitor}");
        }
    }

    #[test]
    fn a_number_that_is_meant_is_named() {
        for (monitor, meant) in [
            ("val_species_loss", "validation_species_loss"),
            ("val_loss", "validation_loss"),
            ("validation_specis_loss", "validation_species_loss"),
            ("species_acc", "species_accuracy"),
            ("validation_price_mea", "validation_price_mae"),
        ] {
            let said = said(TWO, &watching(monitor));
            let words = format!("unknown monitor \"{monitor}\"; did you mean \"{meant}\"?");
            assert!(said.contains(&words) && said.starts_with("a.toml:21: "), "{said}");
        }
        // Of several outputs each is scored by itself.
        assert!(said(TWO, &watching("validation_accuracy")).contains("unknown monitor"), "{}", said(TWO, ""));
        let without = TWO.replace("validation = 0.2", "");
        let said = said(&without, &watching("validation_price_mae"));
        assert!(said.contains("no rows are held out") && said.contains("monitor = \"price_mae\""), "{said}");
    }

    #[test]
    fn names_of_checkpoints_hold_numbers_that_there_are() {
        let named = |recipe: &str, file: &str, more: &str| {
            said(recipe, &format!("kind = \"model_checkpoint\"\nfile = \"{file}\"\n{more}"))
        };
        assert_eq!(named(TWO, "{epoch:03}-{validation_species_loss:.3f}", ""), "");
        assert_eq!(named(TWO, "{epoch:03d}-{step}-{price_mae:.2e}", ""), "");
        let wrong = named(TWO, "{epoch:03}-{val_price_loss:.3f}", "");
        assert!(
            wrong.contains("did you mean \"validation_price_loss\"?") && wrong.starts_with("a.toml:21: "),
            "{wrong}"
        );
        assert!(named(TWO, "{epoch:0x}", "").contains("{epoch:03}"));
        let of_steps = named(ONE, "{step}-{validation_loss}", "unit = \"step\"\n");
        assert!(of_steps.contains("{validation_loss} is no number of a checkpoint"), "{of_steps}");
    }

    #[test]
    fn a_measure_must_fit_the_loss() {
        let metrics = |metrics: &str, loss: &str| {
            let recipe = ONE.replace(r#"["precision", "accuracy"]"#, metrics).replace("cross_entropy", loss);
            said(&recipe, "kind = \"terminate_on_nan\"\n")
        };
        assert_eq!(metrics(r#"["mae", "rmse", "r2"]"#, "mse"), "");
        assert_eq!(metrics(r#""accuracy""#, "mse"), "");
        for (wrong, loss, words) in [
            (r#"["f1"]"#, "mse", "f1 is of classes, and the loss mse learns numbers"),
            (r#"["mae"]"#, "cross_entropy", "mae is of numbers, and the loss cross_entropy learns classes"),
            (r#"["f1", "f1"]"#, "cross_entropy", "names \"f1\" twice"),
            (r#"["f1_score"]"#, "cross_entropy", "unknown metric \"f1_score\"; did you mean \"f1\"?"),
            ("[1]", "cross_entropy", "metrics must be a text, or a list of texts"),
        ] {
            let said = metrics(wrong, loss);
            assert!(said.contains(words) && said.starts_with("a.toml:2: "), "{wrong}: {said}");
        }
        let above = said(&format!("metrics = [\"f1\"]\n{TWO}"), "kind = \"terminate_on_nan\"\n");
        assert!(above.contains("give each its own"), "{above}");
    }
}
