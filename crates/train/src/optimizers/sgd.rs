//! Stochastic gradient descent, plain and with momentum.
use super::{Rule, decayed};
use barograph_burn::{Formula, Number};

/// `w - rate * (g + decay * w)`
#[derive(Clone, Copy)]
pub(super) struct Sgd {
    pub(super) decay: f64,
}

/// `v = momentum * v + g + decay * w`, then `w - rate * v`, or with Nesterov's look ahead `w - rate * (g + momentum * v)`, as torch
/// and Keras do (Sutskever et al., 2013).
#[derive(Clone, Copy)]
pub(super) struct Momentum {
    pub(super) momentum: f64,
    pub(super) nesterov: bool,
    pub(super) decay: f64,
}

pub(super) struct Step {
    rate: f32,
    momentum: f32,
    nesterov: bool,
    decay: f32,
}

impl Rule<0> for Sgd {
    type Step = Step;

    fn step(&self, rate: f64, _: u64) -> Step {
        Step { rate: rate as f32, momentum: 0.0, nesterov: false, decay: self.decay as f32 }
    }
}

impl Rule<1> for Momentum {
    type Step = Step;

    fn with_momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    fn step(&self, rate: f64, _: u64) -> Step {
        let Self { momentum, nesterov, decay } = *self;
        Step { rate: rate as f32, momentum: momentum as f32, nesterov, decay: decay as f32 }
    }
}

impl Formula<0> for Step {
    #[inline(always)]
    fn apply<X: Number>(&self, weight: X, gradient: X, state: [X; 0]) -> (X, [X; 0]) {
        let gradient = decayed(gradient, &weight, self.decay);
        (weight.minus(gradient.scaled(self.rate)), state)
    }
}

impl Formula<1> for Step {
    #[inline(always)]
    fn apply<X: Number>(&self, weight: X, gradient: X, [velocity]: [X; 1]) -> (X, [X; 1]) {
        let gradient = decayed(gradient, &weight, self.decay);
        let velocity = gradient.clone().plus(velocity.scaled(self.momentum));
        let direction =
            if self.nesterov { velocity.clone().scaled(self.momentum).plus(gradient) } else { velocity.clone() };
        (weight.minus(direction.scaled(self.rate)), [velocity])
    }
}
