//! The inputs and targets of a run, read over its first epoch.
use barograph_stats::{Columns, Elements, ElementsError, NeighbourSample, TargetBatch, Targets};
use barograph_vocab::DataReading;

/// The targets of some rows.
#[derive(Clone, Copy, Debug)]
pub enum TargetRows<'a> {
    /// Class numbers, one a row, and how many outputs there are to tell them apart.
    Classes {
        /// The class of each row.
        classes: &'a [i64],
        /// Outputs of the network; a binary network with one output has two classes.
        outputs: usize,
    },
    /// Real targets, `[rows, columns]`.
    Real {
        /// The values in row-major order.
        values: &'a [f32],
        /// Columns.
        columns: usize,
    },
}

/// Gathers a [`DataReading`].
pub(crate) struct DataAccumulator {
    inputs: Columns,
    targets: Targets,
    sample: NeighbourSample,
}

impl DataAccumulator {
    pub(crate) fn new(features: usize, targets: &TargetRows<'_>) -> Self {
        let (accumulator, columns) = match targets {
            TargetRows::Classes { outputs, .. } => (Targets::classes(Some((*outputs).max(2) as u32)), 1),
            TargetRows::Real { columns, .. } => (Targets::real(*columns), *columns),
        };
        Self { inputs: Columns::new(features), targets: accumulator, sample: NeighbourSample::new(features, columns) }
    }

    /// Takes in rows `[rows, features]` with their data-set numbers.
    pub(crate) fn see(&mut self, inputs: &[f32], rows: &[u64], targets: &TargetRows<'_>) -> Result<(), ElementsError> {
        let inputs = Elements::contiguous(inputs);
        self.inputs.add(inputs, rows)?;
        match targets {
            TargetRows::Classes { classes, .. } => {
                self.targets.add_classes(classes, rows);
                self.sample.add(inputs, TargetBatch::Classes(classes), rows)
            }
            TargetRows::Real { values, .. } => {
                let values = Elements::contiguous(values);
                self.targets.add_real(values, rows)?;
                self.sample.add(inputs, TargetBatch::Real(values), rows)
            }
        }
    }

    pub(crate) fn finish(self) -> DataReading {
        DataReading {
            rows: self.inputs.rows(),
            features: self.inputs.summary(),
            targets: self.targets.summary(),
            neighbour_skill: self.sample.skill(),
            neighbour_rows: self.sample.len() as u32,
        }
    }
}
