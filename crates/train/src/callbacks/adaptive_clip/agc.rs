//! A limit on each unit's gradient that follows its weights.
use crate::gradient_hook::{GradientHook, Review, StepGradients, WeightGradient};
use barograph_burn::{from_slice, to_vec};

/// Adaptive gradient clipping (Brock, De, Smith and Simonyan, "High-performance large-scale image recognition without normalization",
/// 2021, arXiv:2102.06171).
///
/// For each unit (a column of a dense weight, a filter of a convolution; a bias as a whole) with weights `w` and gradient `g`, a gradient
/// whose norm is above `limit * max(|w|, least_norm)` is scaled to that. The last layer with a matrix is left out, as the authors advise,
/// unless `output` is set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Agc {
    pub(super) limit: f64,
    pub(super) least_norm: f64,
    pub(super) output: bool,
}

impl GradientHook for Agc {
    fn review(&mut self, step: &mut StepGradients) -> Review {
        let last = step.weights.iter().rposition(|weight| weight.shape.len() > 1);
        let count = if self.output { step.weights.len() } else { last.unwrap_or(0) };
        let clipped = step.weights[..count].iter_mut().filter_map(|weight| self.clip(weight)).count();
        if clipped > 0 { Review::Clipped } else { Review::Kept }
    }

    fn copy(&self) -> Box<dyn GradientHook> {
        Box::new(*self)
    }
}

impl Agc {
    /// Clips the gradient of each unit of a weight. `None` when all are within the limit.
    fn clip(&self, weight: &mut WeightGradient) -> Option<()> {
        let values = to_vec(&weight.weight);
        let mut gradient = to_vec(&weight.gradient);
        let unit_of = units(&weight.shape);
        let count = (0..values.len()).map(&unit_of).max()? + 1;
        let norms = |values: &[f32]| {
            let mut squares = vec![0.0_f64; count];
            values.iter().enumerate().for_each(|(at, value)| squares[unit_of(at)] += f64::from(*value).powi(2));
            squares.into_iter().map(f64::sqrt).collect::<Vec<_>>()
        };
        let factors: Vec<f64> = norms(&values)
            .into_iter()
            .zip(norms(&gradient))
            .map(|(weight, gradient)| self.limit * weight.max(self.least_norm) / gradient)
            .collect();
        // Of a gradient that is not finite the factor is 0 or NaN, and it stays as it is.
        let is_out = |factor: f64| factor > 0.0 && factor < 1.0;
        if !factors.iter().any(|&factor| is_out(factor)) {
            return None;
        }
        for (at, value) in gradient.iter_mut().enumerate() {
            let factor = factors[unit_of(at)];
            if is_out(factor) {
                *value = (f64::from(*value) * factor) as f32;
            }
        }
        let length = gradient.len();
        weight.gradient = from_slice(gradient, [length], &weight.gradient.device());
        Some(())
    }
}

/// The unit that an element belongs to: burn's dense weights are `[inputs, units]`, those of convolutions `[units, inputs, ...]`.
fn units(shape: &[usize]) -> impl Fn(usize) -> usize {
    let (divisor, modulus) = match shape {
        [] | [_] => (usize::MAX, 1),
        [_, units] => (1, *units),
        [_, rest @ ..] => (rest.iter().product(), usize::MAX),
    };
    move |at| at / divisor.max(1) % modulus.max(1)
}

#[cfg(test)]
mod tests {
    use super::Agc;
    use crate::gradient_hook::{GradientHook, Review, StepGradients, WeightGradient};
    use barograph_burn::{cpu, from_slice, to_vec};

    fn weight(shape: &[usize], values: &[f32], gradient: &[f32]) -> WeightGradient {
        let tensor = |values: &[f32]| from_slice(values.to_vec(), [values.len()], &cpu(false));
        WeightGradient { number: 0, shape: shape.to_vec(), weight: tensor(values), gradient: tensor(gradient) }
    }

    /// The gradient after clipping by a tenth, with another layer behind it that is left out.
    fn clipped(shape: &[usize], values: &[f32], gradient: &[f32]) -> (Review, Vec<f32>, Vec<f32>) {
        let output = weight(&[1, 1], &[1.0], &[100.0]);
        let mut step = StepGradients { loss: 1.0, weights: vec![weight(shape, values, gradient), output] };
        let review = Agc { limit: 0.1, least_norm: 1e-3, output: false }.review(&mut step);
        (review, to_vec(&step.weights[0].gradient), to_vec(&step.weights[1].gradient))
    }

    #[test]
    fn a_unit_of_a_dense_weight_is_a_column() {
        // The first column has norm 5 and gradient norm 5: to a tenth. The second is within the limit.
        let (review, gradient, output) = clipped(&[2, 2], &[3.0, 1.0, 4.0, 0.0], &[3.0, 0.1, 4.0, 0.0]);
        assert_eq!(review, Review::Clipped);
        assert_eq!(gradient, [0.3, 0.1, 0.4, 0.0]);
        assert_eq!(output, [100.0]);
    }

    #[test]
    fn a_unit_of_a_convolution_is_a_filter_and_a_bias_is_one_unit() {
        let (_, gradient, _) = clipped(&[2, 1, 2], &[3.0, 4.0, 1.0, 0.0], &[3.0, 4.0, 0.1, 0.0]);
        assert_eq!(gradient, [0.3, 0.4, 0.1, 0.0]);
        let (_, gradient, _) = clipped(&[2], &[3.0, 4.0], &[6.0, 8.0]);
        assert_eq!(gradient, [0.3, 0.4]);
    }

    #[test]
    fn a_weight_of_zero_may_still_move_and_a_gradient_that_is_not_finite_stays() {
        let (_, gradient, _) = clipped(&[1, 1], &[0.0], &[1.0]);
        assert_eq!(gradient, [1e-4]);
        let (review, gradient, _) = clipped(&[1, 2], &[1.0, 1.0], &[f32::NAN, f32::INFINITY]);
        assert_eq!(review, Review::Kept);
        assert!(gradient[0].is_nan() && gradient[1].is_infinite());
    }
}
