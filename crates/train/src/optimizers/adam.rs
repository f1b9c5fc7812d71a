//! Adam and AdamW.
use super::{Rule, decayed};
use barograph_burn::{Formula, Number};

/// `m = beta1 * m + (1 - beta1) * g`, `v = beta2 * v + (1 - beta2) * g^2`, then `w - rate * m' / (sqrt(v') + epsilon)` with both means
/// corrected for their start at zero (Kingma and Ba, 2015). `decoupled` takes `rate * decay * w` off the weight itself (Loshchilov
/// and Hutter, 2019); else the decay is added to the gradient.
#[derive(Clone, Copy)]
pub(super) struct Adam {
    pub(super) beta1: f64,
    pub(super) beta2: f64,
    pub(super) epsilon: f64,
    pub(super) decay: f64,
    pub(super) decoupled: bool,
}

pub(super) struct Step {
    beta1: f32,
    beta2: f32,
    rest1: f32,
    rest2: f32,
    /// Added to the root of the second mean, before its correction.
    epsilon: f32,
    /// The rate with both corrections.
    rate: f32,
    /// Added to the gradient for each unit of the weight.
    decay: f32,
    /// What is left of a weight before its update.
    kept: f32,
}

impl Rule<2> for Adam {
    type Step = Step;

    fn with_momentum(self, beta1: f64) -> Self {
        Self { beta1, ..self }
    }

    fn step(&self, rate: f64, number: u64) -> Step {
        let power = i32::try_from(number).unwrap_or(i32::MAX);
        let root = (1.0 - self.beta2.powi(power)).sqrt();
        let (decay, kept) = if self.decoupled { (0.0, 1.0 - rate * self.decay) } else { (self.decay, 1.0) };
        Step {
            beta1: self.beta1 as f32,
            beta2: self.beta2 as f32,
            rest1: (1.0 - self.beta1) as f32,
            rest2: (1.0 - self.beta2) as f32,
            epsilon: (self.epsilon * root) as f32,
            rate: (rate * root / (1.0 - self.beta1.powi(power))) as f32,
            decay: decay as f32,
            kept: kept as f32,
        }
    }
}

impl Formula<2> for Step {
    #[inline(always)]
    fn apply<X: Number>(&self, weight: X, gradient: X, [mean, square]: [X; 2]) -> (X, [X; 2]) {
        let gradient = decayed(gradient, &weight, self.decay);
        let mean = mean.scaled(self.beta1).plus(gradient.clone().scaled(self.rest1));
        let square = square.scaled(self.beta2).plus(gradient.clone().times(gradient).scaled(self.rest2));
        let change = mean.clone().scaled(self.rate).over(square.clone().root().shifted(self.epsilon));
        let weight = if self.kept == 1.0 { weight } else { weight.scaled(self.kept) };
        (weight.minus(change), [mean, square])
    }
}
