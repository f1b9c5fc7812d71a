//! The course of the learning rate over a run. Each schedule is one file with one function of the step.
mod cosine;
mod cosine_restarts;
mod cyclical;
mod exponential;
mod inverse_time;
mod multistep;
mod one_cycle;
mod piecewise;
mod polynomial;
mod step;
mod warm_up;

use crate::recipe::{ScheduleKind, ScheduleSpec, Unit};
use one_cycle::OneCycle;

/// A schedule with the length of the run filled in.
#[derive(Clone, Debug, PartialEq)]
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
        warm_up::share(step, self.spec.warmup_steps).unwrap_or_else(|| self.after_warm_up(self.since_warm_up(step)))
    }

    /// The momentum of the optimizer at a step, or `beta1` of Adam and its kin; `None` where the schedule leaves it alone.
    #[must_use]
    pub fn momentum(&self, step: u64) -> Option<f64> {
        match self.spec.kind {
            ScheduleKind::OneCycle {
                steps, warmup_share, cycle_momentum: true, base_momentum, max_momentum, ..
            } => {
                let cycle = OneCycle { steps: self.or_rest(steps), warmup_share };
                Some(cycle.momentum(self.since_warm_up(step), base_momentum, max_momentum))
            }
            _ => None,
        }
    }

    fn after_warm_up(&self, step: u64) -> f64 {
        match self.spec.kind {
            ScheduleKind::Constant => 1.0,
            ScheduleKind::Step { every, unit, factor } => step::share(step, self.steps_of(every, unit), factor),
            ScheduleKind::Multistep { ref milestones, unit, factor } => {
                multistep::share(step, self.all_steps_of(milestones, unit), factor)
            }
            ScheduleKind::Exponential { every, unit, factor } => {
                exponential::share(step, self.steps_of(every, unit), factor)
            }
            ScheduleKind::Polynomial { steps, power, floor } => {
                polynomial::share(step, self.or_rest(steps), power, floor)
            }
            ScheduleKind::Cosine { steps, floor } => cosine::share(step, self.or_rest(steps), floor),
            ScheduleKind::CosineRestarts { period, unit, multiplier, floor } => {
                cosine_restarts::share(step, self.steps_of(period, unit), multiplier, floor)
            }
            ScheduleKind::Cyclical { half_cycle, unit, swing, gamma, minimum, maximum } => {
                cyclical::share(step, self.steps_of(half_cycle, unit), swing, gamma, minimum, maximum)
            }
            ScheduleKind::OneCycle { steps, warmup_share, initial_division, final_division, .. } => {
                let cycle = OneCycle { steps: self.or_rest(steps), warmup_share };
                cycle.share(step, initial_division, final_division)
            }
            ScheduleKind::InverseTime { every, unit, decay } => {
                inverse_time::share(step, self.steps_of(every, unit), decay)
            }
            ScheduleKind::Piecewise { ref boundaries, unit, ref factors } => {
                piecewise::share(step, self.all_steps_of(boundaries, unit), factors)
            }
        }
    }

    fn since_warm_up(&self, step: u64) -> u64 {
        step.saturating_sub(self.spec.warmup_steps)
    }

    /// A length in steps, or what warm-up leaves of the run.
    fn or_rest(&self, steps: Option<u64>) -> u64 {
        steps.unwrap_or_else(|| self.since_warm_up(self.total_steps)).max(1)
    }

    fn steps_of(&self, every: u64, unit: Unit) -> u64 {
        let length = match unit {
            Unit::Epoch => self.steps_per_epoch,
            Unit::Step => 1,
        };
        every.saturating_mul(length).max(1)
    }

    fn all_steps_of(&self, places: &[u64], unit: Unit) -> impl Iterator<Item = u64> {
        places.iter().map(move |&place| self.steps_of(place, unit))
    }
}

#[cfg(test)]
mod tests;
