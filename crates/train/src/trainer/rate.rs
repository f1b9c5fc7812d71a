//! The learning rate of a run: a base that callbacks change, times what the schedule says.
use crate::schedules::Schedule;

/// The learning rate of a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rate {
    /// What callbacks made of the recipe's rate.
    pub(super) base: f64,
    /// Whether the schedule has a say.
    pub(super) scheduled: bool,
    schedule: Schedule,
}

impl Rate {
    pub(super) const fn new(base: f64, schedule: Schedule) -> Self {
        Self { base, scheduled: true, schedule }
    }

    /// The rate at a step.
    pub(super) fn at(&self, step: u64) -> f64 {
        if self.scheduled { self.base * self.schedule.factor(step) } else { self.base }
    }

    /// The momentum at a step, where the schedule has one.
    pub(super) fn momentum(&self, step: u64) -> Option<f64> {
        self.schedule.momentum(step)
    }

    /// Gives the rate a value of its own.
    pub(super) fn set(&mut self, rate: f64) {
        (self.base, self.scheduled) = (rate, false);
    }

    /// Lowers the base, from what it was when the wishes of this moment began, to `factor` of that, and not below `floor`.
    pub(super) fn scale(&mut self, from: f64, factor: f64, floor: f64) {
        self.base = self.base.min((from * factor).max(floor));
    }
}

#[cfg(test)]
mod tests {
    use super::Rate;
    use crate::recipe::{ScheduleKind, ScheduleSpec, Unit};
    use crate::schedules::Schedule;

    fn rate() -> Rate {
        let kind = ScheduleKind::Step { every: 10, unit: Unit::Step, factor: 0.5 };
        Rate::new(0.8, Schedule::new(ScheduleSpec { kind, warmup_steps: 0 }, 10, 100))
    }

    #[test]
    fn the_schedule_multiplies_the_base_until_a_rate_is_set() {
        let mut rate = rate();
        assert_eq!((rate.at(0), rate.at(10)), (0.8, 0.4));
        rate.scale(0.8, 0.5, 0.0);
        assert_eq!(rate.at(10), 0.2);
        rate.set(0.3);
        assert_eq!((rate.at(10), rate.at(90)), (0.3, 0.3));
    }

    #[test]
    fn of_several_wishes_the_lowest_rate_counts_and_the_floor_holds() {
        let mut rate = rate();
        rate.scale(0.8, 0.1, 0.2);
        rate.scale(0.8, 0.5, 0.0);
        assert_eq!(rate.base, 0.2);
    }
}
