//! The course of the learning rate over a run.
use crate::recipe::{ScheduleKind, ScheduleSpec, Unit};
use std::f64::consts::PI;

/// A schedule with the length of the run filled in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    spec: ScheduleSpec,
    steps_per_epoch: u64,
    total_steps: u64,
}

impl Schedule {
    /// The schedule of a run of `total_steps`.
    #[must_use]
    pub const fn new(spec: ScheduleSpec, steps_per_epoch: u64, total_steps: u64) -> Self {
        Self { spec, steps_per_epoch, total_steps }
    }

    /// The factor of the base learning rate at a step: above 0 in warm-up, and where the schedule says so 0.
    #[must_use]
    pub fn factor(&self, step: u64) -> f64 {
        let warmup = self.spec.warmup_steps;
        if step < warmup {
            return (step + 1) as f64 / warmup as f64;
        }
        let (step, left) = (step - warmup, self.total_steps.saturating_sub(warmup).max(1));
        match self.spec.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Step { every, unit, factor } => factor.powf((step / self.steps_of(every, unit)) as f64),
            ScheduleKind::Exponential { every, unit, factor } => {
                factor.powf(step as f64 / self.steps_of(every, unit) as f64)
            }
            ScheduleKind::Cosine { steps, floor } => {
                let done = (step as f64 / steps.unwrap_or(left).max(1) as f64).min(1.0);
                floor + (1.0 - floor) * f64::midpoint(1.0, (PI * done).cos())
            }
        }
    }

    fn steps_of(&self, every: u64, unit: Unit) -> u64 {
        let length = match unit {
            Unit::Epoch => self.steps_per_epoch,
            Unit::Step => 1,
        };
        (every * length).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(kind: ScheduleKind, warmup_steps: u64, steps: &[u64]) -> Vec<f64> {
        let schedule = Schedule::new(ScheduleSpec { kind, warmup_steps }, 10, 100);
        steps.iter().map(|&step| (schedule.factor(step) * 1e6).round() / 1e6).collect()
    }

    #[test]
    fn step_jumps_at_multiples_of_every() {
        let kind = ScheduleKind::Step { every: 2, unit: Unit::Epoch, factor: 0.5 };
        assert_eq!(factors(kind, 0, &[0, 19, 20, 39, 40]), [1.0, 1.0, 0.5, 0.5, 0.25]);
    }

    #[test]
    fn exponential_reaches_its_factor_after_every() {
        let kind = ScheduleKind::Exponential { every: 4, unit: Unit::Step, factor: 0.5 };
        assert_eq!(factors(kind, 0, &[0, 4, 8, 12]), [1.0, 0.5, 0.25, 0.125]);
    }

    #[test]
    fn cosine_goes_from_one_to_its_floor_and_stays() {
        let kind = ScheduleKind::Cosine { steps: None, floor: 0.1 };
        assert_eq!(factors(kind, 0, &[0, 50, 100, 500]), [1.0, 0.55, 0.1, 0.1]);
    }

    #[test]
    fn warm_up_climbs_to_the_full_rate_and_never_starts_at_zero() {
        assert_eq!(factors(ScheduleKind::Constant, 4, &[0, 1, 3, 4, 9]), [0.25, 0.5, 1.0, 1.0, 1.0]);
    }
}
