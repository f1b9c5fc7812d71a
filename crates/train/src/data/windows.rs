//! Time series: each example is a stretch of rows that follow one another.
use super::{DataError, RowSource, Split, Targets, counted};
use crate::recipe::{Recipe, Task};
use std::path::Path;
use std::sync::Arc;

/// Windows over the rows of a table, which stand in the order of time.
#[derive(Debug)]
pub(crate) struct Windows {
    table: Arc<dyn RowSource>,
    shape: WindowShape,
    count: usize,
    /// Columns of targets that the table has.
    target_columns: usize,
}

/// The rows of a window, counted from its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowShape {
    /// Rows of inputs.
    pub(crate) length: usize,
    /// The first row of targets.
    pub(crate) target: usize,
    /// Rows of targets.
    pub(crate) horizon: usize,
    /// From the beginning of one window to that of the next.
    pub(crate) stride: usize,
}

impl WindowShape {
    /// Rows that a window touches from its first to its last.
    fn span(self) -> usize {
        self.length.max(self.target + self.horizon)
    }
}

impl Windows {
    /// The windows that lie within a table.
    pub(crate) fn over(
        table: Arc<dyn RowSource>,
        shape: WindowShape,
        noun: &str,
        path: &Path,
        recipe: &Recipe,
    ) -> Result<Self, DataError> {
        let rows = table.rows();
        let refuse = |text: String| Err(DataError::content(recipe.place("data.examples"), text));
        let Some(last) = rows.checked_sub(shape.span()) else {
            let text = format!(
                "an example takes {} with its targets, but {} has {rows}; make examples shorter",
                counted(shape.span(), noun),
                path.display()
            );
            return refuse(text);
        };
        let target_columns = match table.targets(&[])? {
            Targets::Classes(_) if shape.horizon > 1 => {
                return refuse(format!(
                    "a window can have one class, not one for each of horizon = {} rows; set horizon = 1",
                    shape.horizon
                ));
            }
            Targets::Classes(_) => 1,
            Targets::Real { columns, .. } => columns,
        };
        let windows = Self { table, shape, count: last / shape.stride + 1, target_columns };
        let share = recipe.data.validation;
        if windows.split(share, 0).train.is_empty() {
            let text = format!(
                "with validation = {share} no window is left to train on: of {} each shares {noun}s with those that are held out; hold out fewer, or bring more {noun}s",
                counted(windows.count, "window")
            );
            return refuse(text);
        }
        Ok(windows)
    }

    /// The rows of these windows from `first` on, `count` of each.
    fn rows_of(&self, windows: &[usize], first: usize, count: usize) -> Vec<usize> {
        windows
            .iter()
            .flat_map(|window| {
                let begin = window * self.shape.stride + first;
                begin..begin + count
            })
            .collect()
    }
}

impl RowSource for Windows {
    fn rows(&self) -> usize {
        self.count
    }

    fn features(&self) -> usize {
        self.shape.length * self.table.features()
    }

    /// `load[-2]`: two rows before the last one of the window.
    fn feature_name(&self, column: usize) -> String {
        let (time, column) = (column / self.table.features(), column % self.table.features());
        let name = self.table.feature_name(column);
        match self.shape.length - 1 - time {
            0 => format!("{name}[0]"),
            before => format!("{name}[-{before}]"),
        }
    }

    fn target_name(&self, column: usize) -> String {
        self.table.target_name(column % self.target_columns.max(1))
    }

    fn class_names(&self) -> &[String] {
        self.table.class_names()
    }

    fn target_classes(&self, column: usize) -> &[String] {
        self.table.target_classes(column % self.target_columns.max(1))
    }

    fn inputs(&self, windows: &[usize], into: &mut Vec<f32>) -> Result<(), DataError> {
        self.table.inputs(&self.rows_of(windows, 0, self.shape.length), into)
    }

    fn targets(&self, windows: &[usize]) -> Result<Targets, DataError> {
        let targets = self.table.targets(&self.rows_of(windows, self.shape.target, self.shape.horizon))?;
        Ok(match targets {
            Targets::Classes(classes) => Targets::Classes(classes),
            Targets::Real { values, columns } => Targets::Real { values, columns: columns * self.shape.horizon },
        })
    }

    fn weights(&self, windows: &[usize]) -> Result<Option<Vec<f32>>, DataError> {
        self.table.weights(&self.rows_of(windows, self.shape.target, 1))
    }

    /// Windows of the end are held out, and those that share a row with one of them are left out of both parts: a network that has seen the
    /// answer would otherwise be measured on it.
    fn split(&self, share: f64, _: u64) -> Split {
        let wanted = (self.count as f64 * share.clamp(0.0, 1.0)).round() as usize;
        let held_out = wanted.clamp(usize::from(share > 0.0 && self.count > 1), self.count.max(1) - 1);
        let first = self.count - held_out;
        let before = |window: &usize| window * self.shape.stride + self.shape.span() <= first * self.shape.stride;
        let train = if held_out == 0 { self.count } else { (0..first).take_while(before).count() };
        Split { train: (0..train as u32).collect(), validation: (first as u32..self.count as u32).collect() }
    }

    fn scale_group(&self, column: usize) -> usize {
        self.table.scale_group(column % self.table.features())
    }

    fn target_scale_group(&self, column: usize) -> usize {
        self.table.target_scale_group(column % self.target_columns)
    }

    fn task(&self) -> Option<Task> {
        self.table.task()
    }

    fn is_slow(&self) -> bool {
        self.table.is_slow()
    }
}
