//! A limit on the global norm that follows its mean and its spread.
use crate::callbacks::memory;
use crate::gradient_hook::{GradientHook, Review, StepGradients};
use serde::{Deserialize, Serialize};

/// Added to the standard deviation, so that a constant norm has a score too; as the authors' own.
const EPSILON: f64 = 1e-6;

/// ZClip (Kumar, Owen, Chowdhury and Güra, 2025, arXiv:2504.02507).
///
/// With mean `m` and standard deviation `s` of the global norm `g` so far, as exponential moving averages, `z = (g - m) / s`. Where `z` is
/// above the threshold `t`, the gradients are scaled to the norm `m + s * t^2 / z`: the farther out, the closer to the mean. The averages
/// begin with the plain mean and variance of the first steps, and take in the norm as it was clipped.
#[derive(Clone, Debug)]
pub(super) struct ZClip {
    decay: f64,
    threshold: f64,
    warmup_steps: u64,
    memory: Memory,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Memory {
    /// The norms of the first steps, until there are enough of them.
    first: Vec<f64>,
    mean: f64,
    variance: f64,
}

impl ZClip {
    pub(super) const fn new(decay: f64, threshold: f64, warmup_steps: u64) -> Self {
        Self { decay, threshold, warmup_steps, memory: Memory { first: Vec::new(), mean: 0.0, variance: 0.0 } }
    }

    /// Takes in a norm. Returns the norm to scale to, where it is out of the ordinary.
    fn limit(&mut self, norm: f64) -> Option<f64> {
        let Memory { first, mean, variance } = &mut self.memory;
        if (first.len() as u64) < self.warmup_steps {
            first.push(norm);
            let count = first.len() as f64;
            *mean = first.iter().sum::<f64>() / count;
            *variance = first.iter().map(|norm| (norm - *mean).powi(2)).sum::<f64>() / count;
            return None;
        }
        let deviation = variance.sqrt();
        let score = (norm - *mean) / (deviation + EPSILON);
        let limit = (score > self.threshold).then(|| *mean + deviation * self.threshold.powi(2) / score);
        let taken = limit.unwrap_or(norm);
        *mean = self.decay * *mean + (1.0 - self.decay) * taken;
        *variance = self.decay * *variance + (1.0 - self.decay) * (taken - *mean).powi(2);
        limit
    }
}

impl GradientHook for ZClip {
    fn review(&mut self, step: &mut StepGradients) -> Review {
        let norm = step.global_norm();
        if !norm.is_finite() {
            return Review::Kept;
        }
        let Some(limit) = self.limit(norm) else { return Review::Kept };
        step.scale(limit / norm);
        Review::Clipped
    }

    fn copy(&self) -> Box<dyn GradientHook> {
        Box::new(self.clone())
    }

    fn state(&self) -> String {
        memory::write(&self.memory)
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        self.memory = memory::read(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ZClip;

    /// Norms of 1 and 2 in turn: mean 1.5 and deviation 0.5.
    fn warm() -> ZClip {
        let mut clip = ZClip::new(0.97, 2.5, 20);
        assert!((0..20).all(|step| clip.limit(f64::from(1 + step % 2)).is_none()));
        clip
    }

    #[test]
    fn the_first_steps_give_mean_and_variance_and_are_not_clipped() {
        let clip = warm();
        assert_eq!((clip.memory.mean, clip.memory.variance), (1.5, 0.25));
    }

    #[test]
    fn the_farther_out_the_closer_to_the_mean() {
        // At z = 5 the limit is 1.5 + 0.5 * 6.25 / 5, at z = 17 it is 1.5 + 0.5 * 6.25 / 17.
        for (norm, limit) in [(4.0, 2.125), (10.0, 1.5 + 0.5 * 6.25 / 17.0)] {
            let found = warm().limit(norm).expect("far out");
            assert!((found - limit).abs() < 1e-5, "{found}");
        }
        assert_eq!(warm().limit(2.7), None);
        assert_eq!(warm().limit(0.001), None);
    }

    #[test]
    fn the_averages_take_in_the_clipped_norm() {
        let mut clip = warm();
        let limit = clip.limit(4.0).expect("far out");
        let mean = 0.97 * 1.5 + 0.03 * limit;
        assert!((clip.memory.mean - mean).abs() < 1e-12);
        assert!((clip.memory.variance - (0.97 * 0.25 + 0.03 * (limit - mean).powi(2))).abs() < 1e-12);
    }
}
