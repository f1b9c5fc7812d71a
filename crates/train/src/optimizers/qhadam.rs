//! QHAdam.
use super::{Rule, decayed};
use barograph_burn::{Formula, Number};

/// Adam with each mean replaced by an average of itself and of what goes into it: `w - rate * a / (sqrt(b) + epsilon)` with
/// `a = (1 - nu1) * g + nu1 * m'` and `b = (1 - nu2) * g^2 + nu2 * v'` (Ma and Yarats, 2019). The decay is added to the gradient.
#[derive(Clone, Copy)]
pub(super) struct QHAdam {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) nu1: f64,
    pub(super) nu2: f64,
    pub(super) epsilon: f64,
    pub(super) decay: f64,
}

pub(super) struct Step {
    beta1: f32,
    beta2: f32,
    rest1: f32,
    rest2: f32,
    /// What the gradient counts, and the mean with its correction; both times the rate.
    gradient: f32,
    mean: f32,
    /// The same of the squares, without the rate.
    gradient_square: f32,
    square: f32,
    epsilon: f32,
    decay: f32,
}

impl Rule<2> for QHAdam {
    type Step = Step;

    fn with_momentum(self, beta1: f64) -> Self {
        Self { beta1, ..self }
    }

    fn step(&self, rate: f64, number: u64) -> Step {
        let power = i32::try_from(number).unwrap_or(i32::MAX);
        Step {
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            rest1: (1.0 - self.beta1) as f32,
            rest2: (1.0 - self.beta2) as f32,
            gradient: (rate * (1.0 - self.nu1)) as f32,
            mean: (rate * self.nu1 / (1.0 - self.beta1.powi(power))) as f32,
            gradient_square: (1.0 - self.nu2) as f32,
            square: (self.nu2 / (1.0 - self.beta2.powi(power))) as f32,
            epsilon: self.epsilon as f32,
            decay: self.decay as f32,
        }
    }
}

impl Formula<2> for Step {
    #[inline(always)]
    fn apply<X: Number>(&self, weight: X, gradient: X, [mean, square]: [X; 2]) -> (X, [X; 2]) {
        let gradient = decayed(gradient, &weight, self.decay);
        let gradient_square = gradient.clone().times(gradient.clone());
        let mean = mean.scaled(self.beta1).plus(gradient.clone().scaled(self.rest1));
        let square = square.scaled(self.beta2).plus(gradient_square.clone().scaled(self.rest2));
        let direction = gradient.scaled(self.gradient).plus(mean.clone().scaled(self.mean));
        let scale = gradient_square.scaled(self.gradient_square).plus(square.clone().scaled(self.square));
        (weight.minus(direction.over(scale.root().shifted(self.epsilon))), [mean, square])
    }
}
