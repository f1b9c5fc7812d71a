//! A rectifier with a random slope below 0.
use super::tap_as;
use crate::random::{Purpose, Random};
use crate::recipe::Shape;
use barograph_burn::{Scope, from_slice, ops};
use barograph_vocab::Role;
use burn::module::Module;
use burn::prelude::*;

/// `x`, or below 0 `x` times a slope that is drawn anew for each value while training, evenly between two bounds, and is their mean otherwise (Xu,
/// Wang, Chen and Li, 2015). Slopes depend on seed, step and layer alone, so that a replay draws the same.
#[derive(Module, Debug)]
pub struct RRelu {
    #[module(skip)]
    input: Shape,
    lower: f64,
    upper: f64,
    number: usize,
}

impl RRelu {
    /// The layer with this number in the network.
    #[must_use]
    pub fn new(input: Shape, [lower, upper]: [f64; 2], number: usize) -> Self {
        Self { input, lower, upper, number }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let x = tap_as(site, Role::PreActivation, x, self.input);
        let y = match Scope::is_training() {
            true => {
                let slopes = self.slopes(x.dims(), &x.device());
                ops::sub(ops::relu(x.clone()), ops::mul(ops::relu(ops::neg(x)), slopes))
            }
            false => ops::leaky_relu(x, f64::midpoint(self.lower, self.upper)),
        };
        tap_as(site, Role::Activation, y, self.input)
    }

    fn slopes(&self, shape: [usize; 2], device: &Device) -> Tensor<2> {
        let key = Scope::step_key();
        let mut random = Random::new(key.seed, Purpose::Dropout, key.counter(), self.number as u32);
        let (lower, width) = (self.lower as f32, (self.upper - self.lower) as f32);
        from_slice((0..shape[0] * shape[1]).map(|_| lower + width * random.uniform()).collect(), shape, device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use barograph_burn::{StepKey, cpu, to_vec};

    #[test]
    fn slopes_are_drawn_between_the_bounds_anew_at_each_step_and_again_in_a_replay() {
        let layer = RRelu::new(Shape::Row(500), [0.1, 0.5], 3);
        let at = |step| {
            let key = StepKey { step, ..StepKey::default() };
            let _scope = Scope { training: true, key, ..Scope::default() }.enter();
            let x: Vec<f32> = (0..1000).map(|place| if place % 2 == 0 { -1.0 } else { 2.0 }).collect();
            to_vec(&layer.forward("rrelu", from_slice(x, [2, 500], &cpu(true))))
        };
        let (first, again, next) = (at(0), at(0), at(1));
        assert_eq!(first, again);
        assert_ne!(first, next);
        assert!(first.iter().skip(1).step_by(2).all(|y| *y == 2.0));
        let slopes: Vec<f32> = first.iter().step_by(2).map(|y| -y).collect();
        assert!(slopes.iter().all(|slope| (0.1..=0.5).contains(slope)), "{slopes:?}");
        let mean = slopes.iter().sum::<f32>() / slopes.len() as f32;
        // Five standard deviations of a mean of 500.
        assert!((mean - 0.3).abs() < 0.026, "{mean}");
    }
}
