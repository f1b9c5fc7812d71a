//! Which rows are learned from, and which are held out.
use crate::random::{Purpose, Random};

/// Rows that the network learns from, and rows that it is only measured on; each ascending, so that a file keeps its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Rows to learn from; at least one of a data set that has any.
    pub train: Vec<u32>,
    /// Rows held out; empty for a share of 0.
    pub validation: Vec<u32>,
}

impl Split {
    /// Holds out a share of the rows, chosen by the seed alone. At least one row is held out of two or more, unless the share is 0.
    #[must_use]
    pub fn new(rows: u32, share: f64, seed: u64) -> Self {
        let wanted = (f64::from(rows) * share.clamp(0.0, 1.0)).round() as u32;
        let least = u32::from(share > 0.0 && rows > 1);
        let held_out = wanted.clamp(least, rows.saturating_sub(1).max(least));
        let mut order = Random::new(seed, Purpose::Split, 0, 0).permutation(rows);
        let mut train = order.split_off(held_out.min(rows) as usize);
        order.sort_unstable();
        train.sort_unstable();
        Self { train, validation: order }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_alone_decides() {
        let split = Split::new(10, 0.3, 7);
        assert_eq!(split, Split::new(10, 0.3, 7));
        assert_ne!(split, Split::new(10, 0.3, 8));
        assert_eq!((split.train.len(), split.validation.len()), (7, 3));
    }

    proptest::proptest! {
        #[test]
        fn every_row_is_in_one_part(rows in 0_u32..200, share in 0.0..1.0_f64, seed: u64) {
            let Split { train, validation } = Split::new(rows, share, seed);
            let mut all: Vec<u32> = train.iter().chain(&validation).copied().collect();
            all.sort_unstable();
            proptest::prop_assert_eq!(all, (0..rows).collect::<Vec<_>>());
            proptest::prop_assert_eq!(train.is_empty(), rows == 0);
            proptest::prop_assert_eq!(validation.is_empty(), rows < 2 || share == 0.0);
        }
    }
}
