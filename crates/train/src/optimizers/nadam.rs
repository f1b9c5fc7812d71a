//! NAdam.
use super::{Rule, decayed};
use barograph_burn::{Formula, Number};

/// How far the momentum is from `beta1` at first, and the base of its approach (Dozat, 2016).
const START: f64 = 0.5;
const APPROACH: f64 = 0.96;

/// Adam with Nesterov's look ahead: in place of `m'` stand the gradient and the mean, weighted by this step's momentum and the next
/// one's. At step `t` it is `beta1 * (1 - 0.5 * 0.96^(t * momentum_decay))` (Dozat, 2016; as in torch). The decay is added to the
/// gradient.
#[derive(Clone, Copy)]
pub(super) struct NAdam {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
    pub(super) momentum_decay: f64,
    pub(super) decay: f64,
}

pub(super) struct Step {
    beta1: f32,
    beta2: f32,
    rest1: f32,
    rest2: f32,
    /// Added to the root of the second mean, before its correction.
    epsilon: f32,
    /// The rates of the gradient and of the mean, with all corrections.
    now: f32,
    next: f32,
    decay: f32,
}

impl NAdam {
    fn momentum(self, number: u64) -> f64 {
        self.beta1 * (1.0 - START * APPROACH.powf(number as f64 * self.momentum_decay))
    }

    /// The product of all momenta up to a step. It soon is too small to change `1 - product`, and the rest is left out.
    fn product(self, number: u64) -> f64 {
        let mut product = 1.0;
        for step in 1..=number {
            product *= self.momentum(step);
            if product < f64::EPSILON / 4.0 {
                return 0.0;
            }
        }
        product
    }
}

impl Rule<2> for NAdam {
    type Step = Step;

    fn step(&self, rate: f64, number: u64) -> Step {
        let power = i32::try_from(number).unwrap_or(i32::MAX);
        let root = (1.0 - self.beta2.powi(power)).sqrt();
        let (momentum, next, product) = (self.momentum(number), self.momentum(number + 1), self.product(number));
        Step {
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            rest1: (1.0 - self.beta1) as f32,
            rest2: (1.0 - self.beta2) as f32,
            epsilon: (self.epsilon * root) as f32,
            now: (rate * root * (1.0 - momentum) / (1.0 - product)) as f32,
            next: (rate * root * next / (1.0 - product * next)) as f32,
            decay: self.decay as f32,
        }
    }
}

impl Formula<2> for Step {
    #[inline(always)]
    fn apply<X: Number>(&self, weight: X, gradient: X, [mean, square]: [X; 2]) -> (X, [X; 2]) {
        let gradient = decayed(gradient, &weight, self.decay);
        let mean = mean.scaled(self.beta1).plus(gradient.clone().scaled(self.rest1));
        let square = square.scaled(self.beta2).plus(gradient.clone().times(gradient.clone()).scaled(self.rest2));
        let direction = gradient.scaled(self.now).plus(mean.clone().scaled(self.next));
        let change = direction.over(square.clone().root().shifted(self.epsilon));
        (weight.minus(change), [mean, square])
    }
}
