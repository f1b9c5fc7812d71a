//! One JSON object per step and epoch.
use super::json::{Object, number};
use super::line_file::LineFile;
use super::{Action, Callback, StepReport, memory};
use barograph_vocab::{EpochRecord, Finding, RunEnd};
use std::path::PathBuf;

/// Writes one JSON object a line: for each step, each finding, each epoch, and the end.
///
/// | `"kind"` | keys |
/// |---|---|
/// | `"step"` | `step`, `epoch`, `loss`, `learning_rate`, `rows`; `accuracy` where there is one; `refused`, why no weight changed; and, where the training is observed, each other number of the step by its name, such as `gradient_norm` |
/// | `"finding"` | `step`, `code`, `name`, `severity`, `message`; `site` and `role` where it is about a tensor |
/// | `"epoch"` | `epoch`, `steps` done until then, and each number of the epoch by its name, such as `validation_loss` |
/// | `"end"` | `reason`: `"completed"`, `"stopped"`, `"interrupted"` or `"failed"` |
///
/// Steps and epochs count from 0. Numbers that are not finite are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, so that each line is
/// valid JSON. Each line is with the system at once: a process that is killed loses none. When the file cannot be written the run goes on,
/// and the user hears of it once.
#[derive(Debug)]
pub struct JsonlLogger {
    file: LineFile,
    every: u64,
}

impl JsonlLogger {
    /// Writes to this file, with a line for every step.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { file: LineFile::new(path), every: 1 }
    }

    /// Steps between two that have a line, beginning with the first; for 0 no step has one. A step that was refused, and one whose loss is
    /// not finite, always has.
    #[must_use]
    pub const fn every(mut self, steps: u64) -> Self {
        self.every = steps;
        self
    }

    /// Whether a file that is there already is written on, instead of replaced.
    #[must_use]
    pub fn append(mut self, append: bool) -> Self {
        self.file.set_append(append);
        self
    }

    fn write(&mut self, object: &Object) -> Action {
        self.file.write("", &format!("{object}\n"));
        Action::Continue
    }
}

impl Callback for JsonlLogger {
    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        let due = self.every > 0 && step.step.is_multiple_of(self.every);
        if !due && (self.every == 0 || (step.refused.is_none() && step.loss.is_finite())) {
            return Action::Continue;
        }
        let mut object = Object::default()
            .with("kind", "step")
            .with("step", step.step)
            .with("epoch", step.epoch)
            .with("loss", number(step.loss))
            .with("learning_rate", number(step.learning_rate))
            .with("rows", step.rows.len());
        object.add_numbers(step.accuracy.map(|accuracy| ("accuracy", accuracy)));
        if let Some(reason) = step.refused {
            object.add("refused", reason);
        }
        if let Some(readings) = step.readings {
            object.add_numbers(readings.record.scalars.iter().map(|(scalar, value)| (scalar.name(), *value)));
        }
        self.write(&object)
    }

    fn finding(&mut self, finding: &Finding) -> Action {
        let mut object = Object::default()
            .with("kind", "finding")
            .with("step", finding.step)
            .with("code", finding.code.as_str())
            .with("name", finding.name.as_str())
            .with("severity", finding.severity.name())
            .with("message", finding.message.as_str());
        if let Some(site) = &finding.site {
            object.add("site", site.as_str());
        }
        if let Some(role) = finding.role {
            object.add("role", role.name());
        }
        self.write(&object)
    }

    fn epoch_end(&mut self, epoch: &EpochRecord) -> Action {
        let mut object = Object::default().with("kind", "epoch").with("epoch", epoch.epoch).with("steps", epoch.steps);
        object.add_numbers(numbers(epoch));
        self.write(&object)
    }

    fn train_end(&mut self, end: RunEnd) -> Action {
        let reason = match end {
            RunEnd::Completed => "completed",
            RunEnd::Stopped => "stopped",
            RunEnd::Interrupted => "interrupted",
            RunEnd::Failed => "failed",
        };
        self.write(&Object::default().with("kind", "end").with("reason", reason))
    }

    fn state(&self) -> String {
        memory::write(&self.file.place())
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        self.file.resume(memory::read(state)?);
        Ok(())
    }

    fn trouble(&mut self) -> Option<String> {
        self.file.trouble()
    }
}

/// The numbers of an epoch by their names, those of single outputs too.
pub(super) fn numbers(epoch: &EpochRecord) -> impl Iterator<Item = (&str, f64)> {
    let scalars = epoch.scalars.iter().map(|(scalar, value)| (scalar.name(), *value));
    scalars.chain(epoch.named.iter().map(|(name, value)| (name.as_str(), *value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::callbacks::tests::epoch;
    use barograph_vocab::{Role, Severity};

    fn step(step: u64, loss: f64) -> StepReport<'static> {
        StepReport { step, loss, learning_rate: 0.5, rows: &[3, 4], ..StepReport::default() }
    }

    #[test]
    fn each_line_is_valid_json_with_documented_keys_even_for_nan() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let mut logger = JsonlLogger::new(&path);
        logger.step_end(&step(0, f64::NAN));
        logger.step_end(&StepReport { accuracy: Some(0.25), refused: Some("it is \"NaN\""), ..step(1, 2.5) });
        logger.finding(&Finding {
            code: "LOS001".to_owned(),
            name: "loss-not-finite".to_owned(),
            severity: Severity::Error,
            step: 0,
            site: Some("dense1.weight".to_owned()),
            role: Some(Role::Gradient),
            message: "bad".to_owned(),
            evidence: Vec::new(),
        });
        logger.epoch_end(&EpochRecord { named: vec![("a_loss".to_owned(), 1.0)], ..epoch(0, f64::NEG_INFINITY) });
        logger.train_end(RunEnd::Failed);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            text.lines().collect::<Vec<_>>(),
            [
                r#"{"kind":"step","step":0,"epoch":0,"loss":"NaN","learning_rate":0.5,"rows":2}"#,
                r#"{"kind":"step","step":1,"epoch":0,"loss":2.5,"learning_rate":0.5,"rows":2,"accuracy":0.25,"refused":"it is \"NaN\""}"#,
                r#"{"kind":"finding","step":0,"code":"LOS001","name":"loss-not-finite","severity":"error","message":"bad","site":"dense1.weight","role":"gradient"}"#,
                r#"{"kind":"epoch","epoch":0,"steps":10,"loss":"-Infinity","a_loss":1.0}"#,
                r#"{"kind":"end","reason":"failed"}"#,
            ]
        );
        assert!(text.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    }

    #[test]
    fn steps_between_are_left_out_unless_something_is_wrong_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let written = |every: u64| {
            let mut logger = JsonlLogger::new(&path).every(every);
            for number in 0..8 {
                logger.step_end(&step(number, if number == 5 { f64::INFINITY } else { 1.0 }));
            }
            logger.epoch_end(&epoch(0, 1.0));
            std::fs::read_to_string(&path).unwrap().lines().count()
        };
        assert_eq!([written(1), written(3), written(0)], [9, 5, 1]);
    }
}
