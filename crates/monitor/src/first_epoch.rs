//! Where the first epoch ends, for a training that does not say so.
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher as _};

/// Elements of a row that are looked at; more would cost more than they tell (our choice).
const SAMPLED: usize = 64;

/// Rows after which the reading of the data ends in any case (our choice: enough for every figure that is taken of them).
const MOST_ROWS: usize = 16_384;

/// Share of a batch that must have been seen before: data sets hold some rows twice, and batches are drawn at random.
const REPEATED: f64 = 0.5;

/// Tells by the rows themselves when a training has seen all of its data once.
#[derive(Debug, Default)]
pub struct FirstEpoch {
    seen: HashSet<u64>,
    rows: u64,
    over: bool,
}

impl FirstEpoch {
    /// Takes in the rows of a batch, `[rows, features]`. Returns whether they still belong to the first epoch.
    ///
    /// ```
    /// use barograph_monitor::FirstEpoch;
    ///
    /// let mut epoch = FirstEpoch::default();
    /// assert!(epoch.see(&[1.0, 2.0, 3.0, 4.0], 2));
    /// assert!(epoch.see(&[5.0, 6.0], 2));
    /// assert!(!epoch.see(&[3.0, 4.0, 1.0, 2.0], 2));
    /// assert_eq!(epoch.rows(), 3);
    /// ```
    pub fn see(&mut self, inputs: &[f32], features: usize) -> bool {
        if self.over || features == 0 {
            return false;
        }
        let hashes: Vec<u64> = inputs.chunks_exact(features).map(hash).collect();
        let repeated = hashes.iter().filter(|hash| self.seen.contains(*hash)).count();
        if repeated as f64 >= REPEATED * hashes.len() as f64 {
            return self.end();
        }
        self.rows += hashes.len() as u64;
        self.seen.extend(hashes);
        self.seen.len() < MOST_ROWS || self.end()
    }

    /// Rows of the first epoch, as far as it was seen.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    fn end(&mut self) -> bool {
        self.over = true;
        self.seen = HashSet::new();
        false
    }
}

fn hash(row: &[f32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    let stride = row.len().div_ceil(SAMPLED).max(1);
    for value in row.iter().step_by(stride) {
        hasher.write_u32(value.to_bits());
    }
    hasher.finish()
}
