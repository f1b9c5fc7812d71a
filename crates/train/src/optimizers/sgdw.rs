//! Stochastic gradient descent with momentum and weight decay apart from the gradient.
use super::{Rule, sgd};
use barograph_burn::{Formula, Number};

/// `v = momentum * v + g`, then `w - rate * decay * w - rate * v`, or `g + momentum * v` in place of `v` with Nesterov's look ahead
/// (Loshchilov and Hutter, 2019). The decay is times the rate, as in AdamW.
#[derive(Clone, Copy)]
pub(super) struct SgdW {
    pub(super) momentum: f64,
    pub(super) nesterov: bool,
    pub(super) decay: f64,
}

pub(super) struct Step {
    descent: sgd::Step,
    /// What is left of a weight before its update.
    kept: f32,
}

impl Rule<1> for SgdW {
    type Step = Step;

    fn with_momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    fn step(&self, rate: f64, number: u64) -> Step {
        let Self { momentum, nesterov, decay } = *self;
        let descent = sgd::Momentum { momentum, nesterov, decay: 0.0 };
        Step { descent: descent.step(rate, number), kept: (1.0 - rate * decay) as f32 }
    }
}

impl Formula<1> for Step {
    #[inline(always)]
    fn apply<X: Number>(&self, weight: X, gradient: X, state: [X; 1]) -> (X, [X; 1]) {
        let weight = if self.kept == 1.0 { weight } else { weight.scaled(self.kept) };
        self.descent.apply(weight, gradient, state)
    }
}
