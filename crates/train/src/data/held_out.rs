//! Rows to learn from, and rows of another source to be measured on.
use super::renumbering::Renumbering;
use super::{DataError, RowSource, Split, Targets, quoted};
use crate::recipe::Task;
use std::sync::Arc;

/// A data set to learn from, with another one that is held out: the rows of the second follow those of the first.
///
/// ```
/// use barograph_train::{Trainer, data::{Dataset, HeldOut, Targets}, recipe::{LayerSpec, LossKind, Recipe}};
/// use barograph_vocab::Scalar;
///
/// let line = |x: Vec<f32>| {
///     let values = x.iter().map(|x| 2.0 * x + 1.0).collect();
///     Dataset::new(x, 1, Targets::Real { values, columns: 1 })
/// };
/// let data = HeldOut::new(line(vec![0.0, 1.0, 2.0, 3.0])?, line(vec![0.5, 1.5])?)?;
/// let recipe = Recipe { layers: vec![LayerSpec::dense(1)], loss: LossKind::Mse.into(), ..Recipe::default() };
/// let outcome = Trainer::from_recipe(&recipe, &data)?.fit(&data)?;
/// assert!(outcome.last(Scalar::ValidationLoss).is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct HeldOut {
    training: Arc<dyn RowSource>,
    validation: Arc<dyn RowSource>,
    /// What the first source calls each class of the second.
    renumbering: Renumbering,
}

impl HeldOut {
    /// Holds out the second source. Columns are those of the first, and scales are fitted on it alone; classes are told by their names, where
    /// they have some.
    ///
    /// # Errors
    /// When the second has other columns, answers of another kind, or a class that the first does not know.
    pub fn new(training: impl RowSource + 'static, validation: impl RowSource + 'static) -> Result<Self, DataError> {
        Self::of(Arc::new(training), Arc::new(validation), "the rows that are held out")
    }

    /// The same; `place` is what messages call the second source.
    pub(super) fn of(
        training: Arc<dyn RowSource>,
        validation: Arc<dyn RowSource>,
        place: &str,
    ) -> Result<Self, DataError> {
        same_columns(training.as_ref(), validation.as_ref(), place)?;
        let of_column = |column| training.target_classes(column);
        let renumbering = Renumbering::new(training.class_names(), of_column, validation.as_ref(), place)?;
        Ok(Self { training, validation, renumbering })
    }

    /// Calls `see` with each run of rows that lie in one source, and that source; `true` for the one that is held out.
    fn each_run(
        &self,
        rows: &[usize],
        mut see: impl FnMut(&dyn RowSource, &[usize], bool) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let first = self.training.rows();
        let is_held_out = |row: &usize| *row >= first;
        for run in rows.chunk_by(|a, b| is_held_out(a) == is_held_out(b)) {
            if run.first().is_some_and(is_held_out) {
                let own: Vec<usize> = run.iter().map(|row| row - first).collect();
                see(self.validation.as_ref(), &own, true)?;
            } else {
                see(self.training.as_ref(), run, false)?;
            }
        }
        Ok(())
    }
}

fn same_columns(training: &dyn RowSource, validation: &dyn RowSource, place: &str) -> Result<(), DataError> {
    let refuse = |text: String| Err(DataError::content(place, text));
    let (known, given) = (training.features(), validation.features());
    if known != given {
        return refuse(format!(
            "they have {}, and those to learn from {known}; give both the same columns",
            super::counted(given, "input value")
        ));
    }
    let differs = (0..known).find(|&column| training.feature_name(column) != validation.feature_name(column));
    if let Some(column) = differs {
        let (known, given) = (training.feature_name(column), validation.feature_name(column));
        return refuse(format!(
            "input {column} is {}, and of the rows to learn from {}; bring the columns into one order, or name them with data.inputs",
            quoted(&given),
            quoted(&known)
        ));
    }
    let columns = |targets: Targets| match targets {
        Targets::Classes(_) => None,
        Targets::Real { columns, .. } => Some(columns),
    };
    let said = |columns: Option<usize>| {
        columns.map_or_else(|| "classes".to_owned(), |columns| super::counted(columns, "column") + " of numbers")
    };
    let (known, given) = (columns(training.targets(&[])?), columns(validation.targets(&[])?));
    if known != given {
        return refuse(format!("their answers are {}, and those to learn are {}", said(given), said(known)));
    }
    Ok(())
}

impl RowSource for HeldOut {
    fn rows(&self) -> usize {
        self.training.rows() + self.validation.rows()
    }

    fn features(&self) -> usize {
        self.training.features()
    }

    fn feature_name(&self, column: usize) -> String {
        self.training.feature_name(column)
    }

    fn target_name(&self, column: usize) -> String {
        self.training.target_name(column)
    }

    fn class_names(&self) -> &[String] {
        self.training.class_names()
    }

    fn target_classes(&self, column: usize) -> &[String] {
        self.training.target_classes(column)
    }

    fn inputs(&self, rows: &[usize], into: &mut Vec<f32>) -> Result<(), DataError> {
        self.each_run(rows, |source, rows, _| source.inputs(rows, into))
    }

    fn targets(&self, rows: &[usize]) -> Result<Targets, DataError> {
        let mut all = self.training.targets(&[])?;
        self.each_run(rows, |source, rows, is_held_out| {
            let mut own = source.targets(rows)?;
            if is_held_out {
                self.renumbering.apply(&mut own);
            }
            match (&mut all, own) {
                (Targets::Classes(all), Targets::Classes(own)) => all.extend(own),
                (Targets::Real { values: all, .. }, Targets::Real { values, .. }) => all.extend(values),
                // The kinds were compared when the two were put together.
                _ => {}
            }
            Ok(())
        })?;
        Ok(all)
    }

    /// Rows of a source without weights count 1 beside those of one that has some.
    fn weights(&self, rows: &[usize]) -> Result<Option<Vec<f32>>, DataError> {
        if self.training.weights(&[])?.is_none() && self.validation.weights(&[])?.is_none() {
            return Ok(None);
        }
        let mut all = Vec::with_capacity(rows.len());
        self.each_run(rows, |source, rows, _| {
            all.extend(source.weights(rows)?.unwrap_or_else(|| vec![1.0; rows.len()]));
            Ok(())
        })?;
        Ok(Some(all))
    }

    fn split(&self, _: f64, _: u64) -> Split {
        let first = self.training.rows() as u32;
        Split { train: (0..first).collect(), validation: (first..self.rows() as u32).collect() }
    }

    fn scale_group(&self, column: usize) -> usize {
        self.training.scale_group(column)
    }

    fn target_scale_group(&self, column: usize) -> usize {
        self.training.target_scale_group(column)
    }

    fn task(&self) -> Option<Task> {
        self.training.task()
    }

    fn is_slow(&self) -> bool {
        self.training.is_slow() || self.validation.is_slow()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;

    fn classes_of(names: &[&str], classes: Vec<i64>) -> Dataset {
        let inputs = (0..classes.len()).map(|row| row as f32).collect();
        let mut data = Dataset::new(inputs, 1, Targets::Classes(classes)).expect("a data set");
        data.class_names = names.iter().map(|name| (*name).to_owned()).collect();
        data
    }

    #[test]
    fn rows_of_the_second_follow_and_are_the_ones_held_out() {
        let data = HeldOut::new(classes_of(&[], vec![0, 1, 1]), classes_of(&[], vec![1, 0])).expect("they fit");
        assert_eq!(data.split(0.5, 3), Split { train: vec![0, 1, 2], validation: vec![3, 4] });
        let mut inputs = Vec::new();
        data.inputs(&[4, 0, 2, 3], &mut inputs).expect("rows");
        assert_eq!(inputs, [1.0, 0.0, 2.0, 0.0]);
        assert_eq!(data.targets(&[4, 0, 2, 3]).expect("rows"), Targets::Classes(vec![0, 0, 1, 1]));
    }

    #[test]
    fn classes_are_told_by_their_names() {
        let training = || classes_of(&["cat", "dog", "fox"], vec![0, 1, 2]);
        let data = HeldOut::new(training(), classes_of(&["dog", "fox"], vec![0, 1])).expect("they fit");
        assert_eq!(data.targets(&[1, 3, 4]).expect("rows"), Targets::Classes(vec![1, 1, 2]));
        let error = HeldOut::new(training(), classes_of(&["cat", "emu"], vec![0])).expect_err("an unknown class");
        assert!(error.to_string().contains("\"emu\""), "{error}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let real = |features: usize, columns: usize| {
            let values = vec![0.0; 2 * columns];
            Dataset::new(vec![0.0; 2 * features], features, Targets::Real { values, columns }).expect("a data set")
        };
        let mut renamed = real(2, 1);
        renamed.feature_names[1] = "age".to_owned();
        let said = [
            HeldOut::new(real(2, 1), real(3, 1)),
            HeldOut::new(real(2, 1), renamed),
            HeldOut::new(real(1, 1), classes_of(&[], vec![0, 1])),
            HeldOut::new(real(1, 1), real(1, 2)),
        ];
        let said: Vec<String> = said.into_iter().map(|held| held.expect_err("refused").to_string()).collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
