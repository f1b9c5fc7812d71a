//! At which steps a measurement is due.

/// A measurement that is taken at the first steps and then every so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cadence {
    /// Due at every step below this.
    pub first: u64,
    /// Afterwards due at the multiples of this; 0 means never.
    pub every: u64,
}

impl Cadence {
    /// At every step.
    pub const ALWAYS: Self = Self { first: 0, every: 1 };

    /// At no step.
    pub const NEVER: Self = Self { first: 0, every: 0 };

    /// At the first five steps, where most broken runs break, then at every tenth.
    pub const UNITS: Self = Self { first: 5, every: 10 };

    /// Whether the measurement is due at `step`.
    #[must_use]
    pub const fn is_due(self, step: u64) -> bool {
        step < self.first || (self.every > 0 && step.is_multiple_of(self.every))
    }
}

#[cfg(test)]
mod tests {
    use super::Cadence;

    #[test]
    fn the_first_steps_and_then_every_tenth() {
        let due: Vec<u64> = (0..32).filter(|&step| Cadence::UNITS.is_due(step)).collect();
        assert_eq!(due, [0, 1, 2, 3, 4, 10, 20, 30]);
    }

    #[test]
    fn never_is_never_and_always_always() {
        assert!((0..100).all(|step| !Cadence::NEVER.is_due(step) && Cadence::ALWAYS.is_due(step)));
    }
}
