//! RAdam.
use super::{Rule, decayed};
use barograph_burn::{Formula, Number};

/// Length of the average, in steps, above which the second mean is trusted: 5 as in the authors' code and in torch (the paper has 4).
const TRUSTED: f64 = 5.0;

/// Adam's means. While the mean of squares is of too few steps, `w - rate * m'`; then `w - rate * r * m' * c / (sqrt(v) + epsilon)`
/// with `c` the root of the correction of `v`, and `r` a factor that makes up for its variance (Liu et al., 2020). The decay is added
/// to the gradient.
#[derive(Clone, Copy)]
pub(super) struct RAdam {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
    pub(super) decay: f64,
}

pub(super) struct Step {
    beta1: f32,
    beta2: f32,
    rest1: f32,
    rest2: f32,
    epsilon: f32,
    /// The rate with all corrections.
    rate: f32,
    /// Whether the root of the mean of squares divides.
    adaptive: bool,
    decay: f32,
}

impl RAdam {
    /// The root of the second mean's correction with the factor for its variance; `None` while it is of too few steps.
    fn rectified(self, power: i32) -> Option<f64> {
        let corrected = 1.0 - self.beta2.powi(power);
        let longest = 2.0 / (1.0 - self.beta2) - 1.0;
        let length = longest - 2.0 * f64::from(power) * self.beta2.powi(power) / corrected;
        let share = (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length);
        (length > TRUSTED).then(|| (corrected * share).sqrt())
    }
}

impl Rule<2> for RAdam {
    type Step = Step;

    fn with_momentum(self, beta1: f64) -> Self {
        Self { beta1, ..self }
    }

    fn step(&self, rate: f64, number: u64) -> Step {
        let power = i32::try_from(number).unwrap_or(i32::MAX);
        let rectified = self.rectified(power);
        Step {
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            rest1: (1.0 - self.beta1) as f32,
            rest2: (1.0 - self.beta2) as f32,
            epsilon: self.epsilon as f32,
            rate: (rate * rectified.unwrap_or(1.0) / (1.0 - self.beta1.powi(power))) as f32,
            adaptive: rectified.is_some(),
            decay: self.decay as f32,
        }
    }
}

impl Formula<2> for Step {
    #[inline(always)]
    fn apply<X: Number>(&self, weight: X, gradient: X, [mean, square]: [X; 2]) -> (X, [X; 2]) {
        let gradient = decayed(gradient, &weight, self.decay);
        let mean = mean.scaled(self.beta1).plus(gradient.clone().scaled(self.rest1));
        let square = square.scaled(self.beta2).plus(gradient.clone().times(gradient).scaled(self.rest2));
        let change = mean.clone().scaled(self.rate);
        let change = if self.adaptive { change.over(square.clone().root().shifted(self.epsilon)) } else { change };
        (weight.minus(change), [mean, square])
    }
}
