//! One climb and one long descent, with the momentum going the other way (Smith and Topin, 2018).
use super::cosine;

/// The shape of the cycle.
#[derive(Clone, Copy)]
pub(super) struct OneCycle {
    /// Steps of the whole cycle.
    pub(super) steps: u64,
    /// Share of them that climbs.
    pub(super) warmup_share: f64,
}

impl OneCycle {
    /// From `1 / initial_division` to 1, and on to the first rate divided by `final_division`.
    pub(super) fn share(self, step: u64, initial_division: f64, final_division: f64) -> f64 {
        let first = initial_division.recip();
        self.between(step, first, 1.0, first / final_division)
    }

    /// From `maximum` to `minimum` at the highest rate, and back.
    pub(super) fn momentum(self, step: u64, minimum: f64, maximum: f64) -> f64 {
        self.between(step, maximum, minimum, maximum)
    }

    /// Two half cosines: from `start` to `peak`, then to `end`, where it stays. As in torch the peak falls on the last step of the
    /// climb, which need not be a whole number.
    fn between(self, step: u64, start: f64, peak: f64, end: f64) -> f64 {
        let (step, last) = (step as f64, self.steps as f64 - 1.0);
        let top = self.warmup_share * self.steps as f64 - 1.0;
        if step < top {
            peak + (start - peak) * cosine::descent(step / top)
        } else if step < last {
            end + (peak - end) * cosine::descent((step - top) / (last - top))
        } else {
            end
        }
    }
}
