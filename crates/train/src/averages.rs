//! Averages of the weights of a model, by name.
use barograph_burn::{Formula, Number, update};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::prelude::*;
use std::collections::BTreeMap;

/// Averages of the weights of one model. A clone shares the tensors.
#[derive(Clone, Debug, Default)]
pub(crate) struct Averages(pub(crate) BTreeMap<String, Weights>);

/// All weights of a model that are trained, flattened, in the order of its fields. Running statistics are none of them.
pub(crate) type Weights = Vec<Tensor<1>>;

impl Averages {
    /// Takes the weights into an average: `average + share * (weights - average)`.
    pub(crate) fn blend<M: Module>(&mut self, name: &str, model: &M, share: f64) {
        let weights = weights_of(model);
        let average = match self.0.remove(name) {
            // The weights are shared until the next step writes its own.
            None => weights,
            Some(average) => {
                let blend = Blend { share: share as f32 };
                let one = |(average, weight)| update(&blend, average, weight, []).0;
                average.into_iter().zip(weights).map(one).collect()
            }
        };
        self.0.insert(name.to_owned(), average);
    }

    /// Exchanges the weights of a model and an average. The same model where there is no such average.
    pub(crate) fn swap<M: Module>(&mut self, name: &str, model: M) -> M {
        let Some(average) = self.0.get_mut(name) else { return model };
        let weights = weights_of(&model);
        let average = std::mem::replace(average, weights);
        model.map(&mut Put { weights: average.into_iter() })
    }
}

/// The weights of a model as they are now.
pub(crate) fn weights_of<M: Module>(model: &M) -> Weights {
    let mut take = Take(Vec::new());
    model.visit(&mut take);
    take.0
}

/// `average + share * (weight - average)`.
struct Blend {
    share: f32,
}

impl Formula<0> for Blend {
    #[inline]
    fn apply<X: Number>(&self, average: X, weight: X, state: [X; 0]) -> (X, [X; 0]) {
        (average.clone().plus(weight.minus(average).scaled(self.share)), state)
    }
}

struct Take(Weights);

impl ModuleVisitor for Take {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.val().is_require_grad() {
            self.0.push(param.val().inner().flatten(0, D - 1));
        }
    }
}

struct Put {
    weights: std::vec::IntoIter<Tensor<1>>,
}

impl ModuleMapper for Put {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.val().is_require_grad() {
            return param;
        }
        let (id, old, mapper) = param.consume();
        let new = match self.weights.next() {
            Some(new) => {
                let new = new.reshape(old.dims());
                let new = if old.is_autodiff() { Tensor::from_inner(new) } else { new };
                new.set_require_grad(old.is_require_grad())
            }
            None => old,
        };
        Param::from_mapped_value(id, new, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::{Averages, weights_of};
    use barograph_burn::{cpu, from_slice, to_vec};
    use burn::module::Param;
    use burn::nn::Linear;

    fn model(weights: [f32; 2]) -> Linear {
        let weight = Param::from_tensor(from_slice(weights.to_vec(), [2, 1], &cpu(true)).require_grad());
        Linear { weight, bias: None }
    }

    fn values(model: &Linear) -> Vec<f32> {
        to_vec(&model.weight.val())
    }

    #[test]
    fn the_first_weights_begin_the_average_and_later_ones_have_their_share() {
        let mut averages = Averages::default();
        averages.blend("ema", &model([1.0, 2.0]), 0.1);
        let first = model([5.0, 5.0]);
        averages.blend("ema", &first, 0.25);
        let averaged = averages.swap("ema", first);
        assert_eq!(values(&averaged), [2.0, 2.75]);
    }

    #[test]
    fn a_swap_back_gives_the_same_bits_and_a_weight_that_can_be_trained() {
        let mut averages = Averages::default();
        averages.blend("ema", &model([0.1, 0.2]), 0.5);
        let trained = averages.swap("ema", model([0.7, -0.3]));
        assert_eq!(values(&trained), [0.1, 0.2]);
        assert!(trained.weight.is_require_grad() && trained.weight.val().is_autodiff());
        let back = averages.swap("ema", trained);
        assert_eq!(values(&back), [0.7, -0.3]);
        assert_eq!(to_vec(&weights_of(&back)[0]), [0.7, -0.3]);
    }

    #[test]
    fn an_average_does_not_change_with_the_weights_it_began_with() {
        let mut averages = Averages::default();
        let start = model([1.0, 1.0]);
        averages.blend("a", &start, 1.0);
        averages.blend("b", &start, 1.0);
        averages.blend("a", &model([3.0, 3.0]), 0.5);
        assert_eq!(values(&averages.swap("b", start.clone())), [1.0, 1.0]);
        assert_eq!(values(&start), [1.0, 1.0]);
        assert_eq!(values(&averages.swap("none", start)), [1.0, 1.0]);
    }
}
