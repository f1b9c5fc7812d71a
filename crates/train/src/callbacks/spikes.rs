//! When a loss leaps up.

/// Steps the usual loss is taken over (our choice).
const SPAN: f64 = 30.0;

/// The usual deviation is at least this share of the usual loss: a loss that hardly moves has a tiny deviation, and many of them are no
/// spike (our choice).
const LEAST_DEVIATION: f64 = 0.05;

/// What a loss usually is, and when one leaps far above that.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Spikes {
    threshold: f64,
    warmup_steps: u64,
    seen: u64,
    level: f64,
    deviation: f64,
}

impl Spikes {
    /// A spike is `threshold` mean deviations above the usual loss, after `warmup_steps` in which every loss moves.
    pub(super) const fn new(threshold: f64, warmup_steps: u64) -> Self {
        Self { threshold, warmup_steps, seen: 0, level: 0.0, deviation: 0.0 }
    }

    /// The usual loss.
    pub(super) const fn level(&self) -> f64 {
        self.level
    }

    /// Takes in the loss of a step. Returns whether it is a spike, which then does not count as usual. A loss that is not finite is one.
    pub(super) fn see(&mut self, loss: f64) -> bool {
        if !loss.is_finite() {
            return true;
        }
        let usual = self.deviation.max(LEAST_DEVIATION * self.level.abs());
        if self.seen >= self.warmup_steps.max(1) && loss > self.level + self.threshold * usual {
            return true;
        }
        self.learn(loss);
        false
    }

    /// Takes a loss for a usual one.
    pub(super) fn learn(&mut self, loss: f64) {
        if !loss.is_finite() {
            return;
        }
        self.seen += 1;
        let share = 1.0 / (self.seen as f64).min(SPAN);
        let distance = if self.seen == 1 { 0.0 } else { (loss - self.level).abs() };
        self.level += share * (loss - self.level);
        self.deviation += share * (distance - self.deviation);
    }
}

#[cfg(test)]
mod tests {
    use super::Spikes;

    /// The steps that are spikes.
    fn spikes(losses: impl IntoIterator<Item = f64>) -> Vec<usize> {
        let mut spikes = Spikes::new(10.0, 20);
        losses.into_iter().enumerate().filter(|(_, loss)| spikes.see(*loss)).map(|(step, _)| step).collect()
    }

    #[test]
    fn a_leap_is_a_spike_and_does_not_become_usual() {
        let losses = (0..60).map(|step| if step == 40 || step == 41 { 9.0 } else { 1.0 - 0.1 * f64::from(step % 2) });
        assert_eq!(spikes(losses), [40, 41]);
    }

    #[test]
    fn nan_and_infinity_are_spikes_even_at_the_first_step() {
        assert_eq!(spikes([f64::NAN, 1.0, f64::INFINITY]), [0, 2]);
    }

    #[test]
    fn noise_a_falling_loss_and_one_that_hardly_moves_are_none() {
        assert_eq!(spikes((0..200).map(|step| 1.0 + 0.5 * f64::from(step * 7919 % 13 - 6) / 6.0)), [0; 0]);
        assert_eq!(spikes((0..200).map(|step| 10.0 * 0.97_f64.powi(step))), [0; 0]);
        assert_eq!(spikes((0..200).map(|step| if step == 100 { 1.2 } else { 1.0 })), [0; 0]);
    }

    #[test]
    fn a_loss_below_zero_spikes_upward_too() {
        let losses = (0..60).map(|step| if step == 50 { 5.0 } else { -1.0 - 0.1 * f64::from(step % 2) });
        assert_eq!(spikes(losses), [50]);
    }
}
