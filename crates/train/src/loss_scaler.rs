//! Keeps small gradients of half precision from becoming 0.
use crate::gradient_hook::{GradientHook, Review, StepGradients};
use crate::recipe::{LossScaleSpec, Precision, Recipe};
use burn::prelude::*;

/// Multiplies the loss, divides the gradients again, and finds the largest factor at which they stay within half precision: the rule of
/// `torch.amp.GradScaler` (Micikevicius et al., "Mixed precision training", 2018).
///
/// The factor never falls below 1: a gradient that is not finite even then is no matter of precision, and breaks the run as ever.
#[derive(Clone, Debug)]
pub(crate) struct LossScaler {
    spec: LossScaleSpec,
    factor: f64,
    /// Steps that were good since the factor changed.
    good: u64,
}

impl LossScaler {
    /// The scaler that a recipe asks for.
    pub(crate) fn of(recipe: &Recipe) -> Option<Box<dyn GradientHook>> {
        let spec = recipe.loss_scale;
        (recipe.precision == Precision::F16).then(|| Box::new(Self::new(spec)) as Box<dyn GradientHook>)
    }

    const fn new(spec: LossScaleSpec) -> Self {
        Self { spec, factor: spec.initial, good: 0 }
    }

    fn lowered(&self) -> f64 {
        (self.factor * self.spec.backoff).max(1.0)
    }
}

impl GradientHook for LossScaler {
    fn loss_factor(&self) -> Option<f64> {
        Some(self.factor)
    }

    fn after_backward(&mut self, _: usize, gradient: Tensor<1>) -> Option<Tensor<1>> {
        Some(if self.factor == 1.0 { gradient } else { gradient.mul_scalar(1.0 / self.factor) })
    }

    fn review(&mut self, step: &mut StepGradients) -> Review {
        let beyond = step.weights.iter().find(|weight| !weight.gradient_norm().1);
        if let Some(weight) = beyond {
            if self.factor <= 1.0 || !step.loss.is_finite() {
                return Review::Kept;
            }
            let (factor, lowered) = (self.factor, self.lowered());
            let reason = format!(
                "with the loss times {factor} a gradient is beyond half precision, so that it becomes {lowered}"
            );
            return Review::Refused { weight: Some(weight.number), reason };
        }
        self.good += 1;
        if self.good >= self.spec.interval {
            (self.factor, self.good) = (self.factor * self.spec.growth, 0);
        }
        Review::Kept
    }

    fn refused(&mut self, finite: bool) {
        if !finite {
            (self.factor, self.good) = (self.lowered(), 0);
        }
    }

    fn copy(&self) -> Box<dyn GradientHook> {
        Box::new(self.clone())
    }

    fn state(&self) -> String {
        format!("{} {}", self.factor.to_bits(), self.good)
    }

    fn restore(&mut self, state: &str) -> Result<(), String> {
        let read = || {
            let (factor, good) = state.split_once(' ')?;
            Some((f64::from_bits(factor.parse().ok()?), good.parse().ok()?))
        };
        (self.factor, self.good) = read().ok_or_else(|| format!("{state:?} is no state of a loss scale"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradient_hook::WeightGradient;
    use barograph_burn::{cpu, from_slice, to_vec};

    fn step(gradient: f32) -> StepGradients {
        let tensor = |value| from_slice(vec![value], [1], &cpu(false));
        let weight = WeightGradient { number: 0, shape: vec![1], weight: tensor(1.0), gradient: tensor(gradient) };
        StepGradients { loss: 1.0, weights: vec![weight] }
    }

    fn scaler() -> LossScaler {
        LossScaler::new(LossScaleSpec { initial: 4.0, interval: 3, ..LossScaleSpec::default() })
    }

    /// What the trainer does with a step: what a refused one has learned is forgotten, and it is told.
    fn take(scaler: &mut LossScaler, gradient: f32) {
        let before = scaler.clone();
        if scaler.review(&mut step(gradient)) != Review::Kept {
            *scaler = before;
            scaler.refused(gradient.is_finite());
        }
    }

    #[test]
    fn it_doubles_after_good_steps_in_a_row_and_halves_after_a_bad_one() {
        let mut scaler = scaler();
        let factors: Vec<f64> = [1.0, 1.0, 1.0, f32::INFINITY, 1.0, 1.0, f32::NAN, 1.0, 1.0, 1.0]
            .into_iter()
            .map(|gradient| {
                take(&mut scaler, gradient);
                scaler.factor
            })
            .collect();
        assert_eq!(factors, [4.0, 4.0, 8.0, 4.0, 4.0, 4.0, 2.0, 2.0, 2.0, 4.0]);
    }

    #[test]
    fn at_one_a_gradient_that_is_not_finite_is_the_training_s_own() {
        let mut scaler = scaler();
        (0..5).for_each(|_| take(&mut scaler, f32::NAN));
        assert_eq!(scaler.factor, 1.0);
        assert_eq!(scaler.review(&mut step(f32::NAN)), Review::Kept);
    }

    #[test]
    fn gradients_come_out_as_if_nothing_were_scaled_and_the_state_is_carried() {
        let mut scaler = scaler();
        let gradient = scaler.after_backward(0, from_slice(vec![8.0], [1], &cpu(false)));
        assert_eq!(gradient.map(|gradient| to_vec(&gradient)), Some(vec![2.0]));
        take(&mut scaler, 1.0);
        let mut other = LossScaler::new(LossScaleSpec::default());
        assert_eq!(other.restore(&scaler.state()), Ok(()));
        assert_eq!((other.factor, other.good), (4.0, 1));
        assert!(other.restore("nonsense").is_err());
    }
}
