//! Observations in a row.

/// Counts how often in a row something held.
#[derive(Clone, Copy, Debug, Default)]
pub struct Streak(u64);

impl Streak {
    /// Adds an observation; one that does not hold starts over. Returns the length of the streak.
    pub fn push(&mut self, holds: bool) -> u64 {
        self.0 = if holds { self.0 + 1 } else { 0 };
        self.0
    }
}
