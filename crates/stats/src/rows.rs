//! What the accumulators over an epoch share: walking the rows of a batch, and keeping a few row numbers.
use crate::columns::EXAMPLES;
use crate::elements::{Elements, ElementsError, for_each_dtype};

/// Walks a batch row by row, in f64.
#[derive(Clone, Debug)]
pub(crate) struct RowReader {
    row: Vec<f64>,
}

impl RowReader {
    pub(crate) fn new(width: usize) -> Self {
        Self { row: vec![0.0; width] }
    }

    /// Calls `see` with the data-set number and the values of each row of a batch `[rows, width]`.
    pub(crate) fn for_each_row(
        &mut self,
        batch: Elements<'_>,
        rows: &[u64],
        mut see: impl FnMut(u64, &[f64]),
    ) -> Result<(), ElementsError> {
        batch.expect_len(&[rows.len(), self.row.len()])?;
        let mut cursor = batch.cursor();
        for &number in rows {
            for_each_dtype!(batch.data, slice => cursor.fill(slice, &mut self.row, Into::into));
            see(number, &self.row);
        }
        Ok(())
    }
}

/// How many rows are concerned, and the first of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Examples {
    count: u64,
    first: Vec<u64>,
}

impl Examples {
    pub(crate) fn add(&mut self, row: u64) {
        self.count += 1;
        if self.first.len() < EXAMPLES {
            self.first.push(row);
        }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    pub(crate) fn examples(&self) -> &[u64] {
        &self.first
    }

    pub(crate) fn clear(&mut self) {
        self.count = 0;
        self.first.clear();
    }
}
