//! Classes by the numbers that another data set gives them.
use super::{DataError, RowSource, Targets, quoted};

/// The number that a training has for each class of another data set, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Renumbering {
    /// Of a single column of classes; empty where both number them alike.
    classes: Vec<i64>,
    /// Of each column of several outputs, likewise.
    columns: Vec<Vec<i64>>,
}

impl Renumbering {
    /// From the numbers of `given` to those of a training, which are the places in `classes`, and in those of each column; `place` is what
    /// messages call the data set.
    pub(crate) fn new<'a>(
        classes: &[String],
        of_column: impl Fn(usize) -> &'a [String],
        given: &dyn RowSource,
        place: &str,
    ) -> Result<Self, DataError> {
        let columns = if let Targets::Real { columns, .. } = given.targets(&[])? { columns } else { 0 };
        let column = |column| numbers(of_column(column), given.target_classes(column), place);
        let classes = numbers(classes, given.class_names(), place)?;
        Ok(Self { classes, columns: (0..columns).map(column).collect::<Result<_, _>>()? })
    }

    /// Gives classes the numbers of the training.
    pub(crate) fn apply(&self, targets: &mut Targets) {
        let number = |numbers: &[i64], class: i64| {
            usize::try_from(class).ok().and_then(|class| numbers.get(class)).copied().unwrap_or(class)
        };
        match targets {
            Targets::Classes(classes) => classes.iter_mut().for_each(|class| *class = number(&self.classes, *class)),
            Targets::Real { values, columns } => {
                for row in values.chunks_mut((*columns).max(1)) {
                    // What is not finite stands for no class, and stays what it is.
                    for (value, numbers) in row.iter_mut().zip(&self.columns).filter(|(value, _)| value.is_finite()) {
                        if !numbers.is_empty() {
                            *value = number(numbers, *value as i64) as f32;
                        }
                    }
                }
            }
        }
    }
}

/// The place in `known` of each of the names; empty where both are the same.
fn numbers(known: &[String], given: &[String], place: &str) -> Result<Vec<i64>, DataError> {
    if known == given {
        return Ok(Vec::new());
    }
    let number = |name: &String| {
        let number = known.iter().position(|known| known == name);
        number.map(|number| number as i64).ok_or_else(|| {
            let text = format!("there is the class {}, and no row to learn from has it", quoted(name));
            DataError::content(place, text)
        })
    };
    given.iter().map(number).collect()
}
