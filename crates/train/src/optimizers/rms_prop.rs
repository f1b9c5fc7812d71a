//! RMSprop, plain and with momentum.
use super::{Rule, decayed};
use barograph_burn::{Formula, Number};

/// `s = alpha * s + (1 - alpha) * g^2`, then `w - rate * g / (sqrt(s) + epsilon)` (Hinton, 2012, lecture 6e).
#[derive(Clone, Copy)]
pub(super) struct RmsProp {
    pub(super) alpha: f64,
    pub(super) epsilon: f64,
    pub(super) decay: f64,
}

/// The same, with `v = momentum * v + g / (sqrt(s) + epsilon)` and `w - rate * v`, as torch and Keras do.
#[derive(Clone, Copy)]
pub(super) struct Momentum {
    pub(super) average: RmsProp,
    pub(super) momentum: f64,
}

pub(super) struct Step {
    alpha: f32,
    rest: f32,
    epsilon: f32,
    decay: f32,
    momentum: f32,
    rate: f32,
}

impl RmsProp {
    fn step_with(self, rate: f64, momentum: f64) -> Step {
        Step {
            alpha: self.alpha as f32,
            rest: (1.0 - self.alpha) as f32,
            epsilon: self.epsilon as f32,
            decay: self.decay as f32,
            momentum: momentum as f32,
            rate: rate as f32,
        }
    }
}

impl Rule<1> for RmsProp {
    type Step = Step;

    fn step(&self, rate: f64, _: u64) -> Step {
        self.step_with(rate, 0.0)
    }
}

impl Rule<2> for Momentum {
    type Step = Step;

    fn with_momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    fn step(&self, rate: f64, _: u64) -> Step {
        self.average.step_with(rate, self.momentum)
    }
}

impl Step {
    /// The scaled gradient and the new mean of squares.
    #[inline(always)]
    fn scaled<X: Number>(&self, weight: &X, gradient: X, square: X) -> (X, X) {
        let gradient = decayed(gradient, weight, self.decay);
        let square = square.scaled(self.alpha).plus(gradient.clone().times(gradient.clone()).scaled(self.rest));
        (gradient.over(square.clone().root().shifted(self.epsilon)), square)
    }
}

impl Formula<1> for Step {
    #[inline(always)]
    fn apply<X: Number>(&self, weight: X, gradient: X, [square]: [X; 1]) -> (X, [X; 1]) {
        let (direction, square) = self.scaled(&weight, gradient, square);
        (weight.minus(direction.scaled(self.rate)), [square])
    }
}

impl Formula<2> for Step {
    #[inline(always)]
    fn apply<X: Number>(&self, weight: X, gradient: X, [square, velocity]: [X; 2]) -> (X, [X; 2]) {
        let (direction, square) = self.scaled(&weight, gradient, square);
        let velocity = velocity.scaled(self.momentum).plus(direction);
        (weight.minus(velocity.clone().scaled(self.rate)), [square, velocity])
    }
}
