//! Measures of an epoch that users write.
use crate::metrics::Answers;
use std::fmt;

/// A measure that is gathered over the batches of an epoch, for training rows and for those that are held out, each by itself.
///
/// Every epoch begins with a copy of the metric as it was given to [`crate::Trainer::metric`], so that there is nothing to reset.
/// The history and the log hold it under its name, that of held-out rows with `validation_` before it.
///
/// ```
/// use barograph_train::{Answers, Metric, MetricBatch};
///
/// /// The largest error of an epoch.
/// #[derive(Clone, Default)]
/// struct LargestError(Option<f64>);
///
/// impl Metric for LargestError {
///     fn name(&self) -> String {
///         "largest_error".to_owned()
///     }
///
///     fn see(&mut self, batch: &MetricBatch<'_>) {
///         let Answers::Real(targets) = batch.targets else { return };
///         for (output, target) in batch.outputs.iter().zip(targets) {
///             let error = f64::from((output - target).abs());
///             self.0 = Some(self.0.map_or(error, |largest| largest.max(error)));
///         }
///     }
///
///     fn value(&self) -> Option<f64> {
///         self.0
///     }
/// }
/// ```
pub trait Metric: Send {
    /// What it is called: letters, digits and `_`.
    fn name(&self) -> String;

    /// Takes in a batch.
    fn see(&mut self, batch: &MetricBatch<'_>);

    /// What the batches so far came to; `None` where that is nothing yet.
    fn value(&self) -> Option<f64>;

    /// What it has gathered, as a text of its own form: a training that was interrupted within an epoch goes on with it. A metric that
    /// keeps nothing here counts the batches after the interruption alone.
    fn state(&self) -> String {
        String::new()
    }

    /// Takes back what [`Metric::state`] gave. A text that is not of its own form changes nothing.
    fn restore(&mut self, _state: &str) {}
}

/// What the network says of a batch, and what is right.
#[derive(Clone, Copy, Debug)]
pub struct MetricBatch<'a> {
    /// `[rows, width]`, as the network puts them out: scores, where the loss takes scores.
    pub outputs: &'a [f32],
    /// Outputs of a row.
    pub width: usize,
    /// A class number a row, or `[rows, columns]`. Of classes, a number below 0 is one that is not known.
    pub targets: Answers<'a>,
}

impl MetricBatch<'_> {
    /// Rows of the batch.
    #[must_use]
    pub const fn rows(&self) -> usize {
        match self.outputs.len().checked_div(self.width) {
            Some(rows) => rows,
            None => 0,
        }
    }

    /// The outputs, row by row.
    pub fn outputs_by_row(&self) -> impl Iterator<Item = &[f32]> {
        self.outputs.chunks(self.width.max(1))
    }

    /// The place of the largest output of each row: the class that the network would say.
    pub fn classes(&self) -> impl Iterator<Item = i64> {
        self.outputs_by_row().map(|row| {
            row.iter().enumerate().fold(0, |best, (place, value)| if *value > row[best] { place } else { best }) as i64
        })
    }
}

/// A metric that can be copied behind a pointer.
pub(crate) trait Copied: Metric {
    fn copied(&self) -> Box<dyn Copied>;
}

impl<M: Metric + Clone + 'static> Copied for M {
    fn copied(&self) -> Box<dyn Copied> {
        Box::new(self.clone())
    }
}

/// The metrics of an epoch under way; or, before it, as they were given.
#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) metrics: Vec<Box<dyn Copied>>,
    /// What a backup holds of them, until the first batch after it.
    saved: Vec<String>,
}

impl Metrics {
    /// Adds one, not seen by anything.
    pub(crate) fn add(&mut self, metric: impl Metric + Clone + 'static) {
        self.metrics.push(Box::new(metric));
    }

    /// Takes in a batch. The first is the first of an epoch, which begins with the metrics as they were given.
    pub(crate) fn see(&mut self, given: &Self, batch: &MetricBatch<'_>) {
        if self.metrics.is_empty() {
            self.metrics = given.clone().metrics;
            for (metric, state) in self.metrics.iter_mut().zip(std::mem::take(&mut self.saved)) {
                metric.restore(&state);
            }
        }
        for metric in &mut self.metrics {
            metric.see(batch);
        }
    }

    /// Their values by name.
    pub(crate) fn values(&self) -> impl Iterator<Item = (String, f64)> {
        self.metrics.iter().filter_map(|metric| Some((metric.name(), metric.value()?)))
    }

    /// The names that some share with each other, or with what is measured anyway.
    pub(crate) fn problem(&self) -> Option<String> {
        let names: Vec<String> = self.metrics.iter().map(|metric| metric.name()).collect();
        names.iter().enumerate().find_map(|(place, name)| {
            let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
            if name.is_empty() || !name.chars().all(is_word) {
                return Some(format!("a metric is called {name:?}; use letters, digits and _"));
            }
            names[..place].contains(name).then(|| format!("two metrics are called {name:?}; rename one"))
        })
    }
}

impl Clone for Metrics {
    fn clone(&self) -> Self {
        Self { metrics: self.metrics.iter().map(|metric| metric.copied()).collect(), saved: self.saved.clone() }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.metrics.iter().map(|metric| (metric.name(), metric.value()))).finish()
    }
}

/// A backup holds what each has gathered.
impl serde::Serialize for Metrics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.metrics.is_empty() {
            return self.saved.serialize(serializer);
        }
        serializer.collect_seq(self.metrics.iter().map(|metric| metric.state()))
    }
}

impl<'de> serde::Deserialize<'de> for Metrics {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { metrics: Vec::new(), saved: Vec::deserialize(deserializer)? })
    }
}

/// Metrics are equal that have gathered the same.
impl PartialEq for Metrics {
    fn eq(&self, other: &Self) -> bool {
        self.values().eq(other.values())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts rows.
    #[derive(Clone, Default)]
    struct Rows(usize);

    impl Metric for Rows {
        fn name(&self) -> String {
            "rows".to_owned()
        }

        fn see(&mut self, batch: &MetricBatch<'_>) {
            self.0 += batch.rows();
        }

        fn value(&self) -> Option<f64> {
            Some(self.0 as f64)
        }

        fn state(&self) -> String {
            self.0.to_string()
        }

        fn restore(&mut self, state: &str) {
            self.0 = state.parse().unwrap_or(self.0);
        }
    }

    #[test]
    fn a_training_that_goes_on_within_an_epoch_goes_on_with_what_was_gathered() -> Result<(), serde_json::Error> {
        let mut given = Metrics::default();
        given.add(Rows(0));
        let batch = MetricBatch { outputs: &[0.1, 0.9, 0.5, 0.5], width: 2, targets: Answers::Classes(&[1, 0]) };
        let mut before = Metrics::default();
        before.see(&given, &batch);
        let mut after: Metrics = serde_json::from_str(&serde_json::to_string(&before)?)?;
        // Backed up twice before the next batch.
        after = serde_json::from_str(&serde_json::to_string(&after)?)?;
        after.see(&given, &batch);
        assert_eq!(after.values().collect::<Vec<_>>(), [("rows".to_owned(), 4.0)]);
        assert_eq!(batch.classes().collect::<Vec<_>>(), [1, 0]);
        Ok(())
    }
}
