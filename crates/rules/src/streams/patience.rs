//! How long to look before speaking.

/// Fewer observations than this are never enough: one odd batch is not a symptom.
const LEAST: u64 = 3;

/// A number of observations in steps and as a share of the run, whichever is less, so that short runs are judged too.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// In steps.
    pub steps: u64,
    /// As a share of the planned steps, 0..=1.
    pub share: f64,
}

impl Patience {
    /// The patience in steps for a run of `planned` steps; in steps alone where that is not known.
    #[must_use]
    pub fn of(self, planned: Option<u64>) -> u64 {
        let share = planned.map_or(self.steps, |planned| (planned as f64 * self.share).ceil() as u64);
        share.min(self.steps).max(LEAST.min(self.steps))
    }
}

#[cfg(test)]
mod tests {
    use super::Patience;

    #[test]
    fn a_short_run_needs_less() {
        let patience = Patience { steps: 50, share: 0.2 };
        assert_eq!([None, Some(10_000), Some(100), Some(5)].map(|planned| patience.of(planned)), [50, 50, 20, 3]);
    }
}
