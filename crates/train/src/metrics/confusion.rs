//! Precision, recall and F1: what is said beside what is right, class by class.
use super::Scoring;
use super::labelled::{flagged, labelled};
use crate::metric::{Metric, MetricBatch};
use crate::recipe::{MetricKind, Task};
use serde::{Deserialize, Serialize};

/// How often a class was said, was right, and both.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Class {
    said: u64,
    right: u64,
    both: u64,
}

impl Class {
    /// 0 where nothing is to be divided, as in scikit-learn.
    fn value(self, kind: MetricKind) -> f64 {
        let (part, whole) = match kind {
            MetricKind::Precision => (self.both, self.said),
            MetricKind::Recall => (self.both, self.right),
            // 2 / (1 / precision + 1 / recall), without dividing by either.
            _ => (2 * self.both, self.said + self.right),
        };
        part as f64 / whole.max(1) as f64
    }
}

/// Counts classes (van Rijsbergen 1979).
#[derive(Clone, Debug)]
pub(super) struct Confusion {
    name: String,
    kind: MetricKind,
    scoring: Scoring,
    classes: Vec<Class>,
}

impl Confusion {
    pub(super) const fn new(name: String, kind: MetricKind, scoring: Scoring) -> Self {
        Self { name, kind, scoring, classes: Vec::new() }
    }

    fn count(&mut self, class: usize, said: bool, right: bool) {
        if class >= self.classes.len() {
            self.classes.resize(class + 1, Class::default());
        }
        let class = &mut self.classes[class];
        class.said += u64::from(said);
        class.right += u64::from(right);
        class.both += u64::from(said && right);
    }
}

impl Metric for Confusion {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn see(&mut self, batch: &MetricBatch<'_>) {
        for (label, score, right) in flagged(self.scoring, batch) {
            self.count(label, score > self.scoring.threshold(), right);
        }
        if self.scoring.task == Task::Multilabel {
            return;
        }
        for question in labelled(self.scoring, batch) {
            let said = question.said(self.scoring);
            self.count(said, true, said == question.class);
            if said != question.class {
                self.count(question.class, false, true);
            }
        }
    }

    fn value(&self) -> Option<f64> {
        let values: Vec<f64> = match self.scoring.task {
            Task::Binary if !self.classes.is_empty() => {
                vec![self.classes.get(1).copied().unwrap_or_default().value(self.kind)]
            }
            _ => {
                let occurring = self.classes.iter().filter(|class| class.said + class.right > 0);
                occurring.map(|class| class.value(self.kind)).collect()
            }
        };
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }

    fn state(&self) -> String {
        serde_json::to_string(&self.classes).unwrap_or_default()
    }

    fn restore(&mut self, state: &str) {
        self.classes = serde_json::from_str(state).unwrap_or_default();
    }
}
