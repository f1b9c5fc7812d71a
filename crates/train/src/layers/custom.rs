//! Layers that users write, for a network that a recipe built in code describes.
use super::{Fans, Initialize, tap_as};
use crate::random::Random;
use crate::recipe::Shape;
use barograph_burn::from_slice;
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// A layer that a user writes; [`crate::recipe::LayerSpec::custom`] puts it into a recipe.
///
/// It says which weights it needs, and computes with them. They belong to the network like any other: they are drawn from its seed,
/// learned, observed, saved, and may have regularizers and constraints, all by the name `site.weight`. Written with
/// [`barograph_burn::ops`] its operations are named when one of them breaks.
///
/// ```
/// use barograph_burn::ops;
/// use barograph_train::layers::{CustomLayer, LayerWeights, NewWeight};
/// use barograph_train::recipe::{Initializer, LayerSpec, Shape};
/// use burn::prelude::*;
///
/// /// Multiplies each feature with a learned number.
/// #[derive(Debug)]
/// struct Scale;
///
/// impl CustomLayer for Scale {
///     fn weights(&self, input: Shape) -> Vec<NewWeight> {
///         vec![NewWeight::new("scale", [input.values() as usize], Initializer::Constant { value: 1.0 })]
///     }
///
///     fn forward(&self, x: Tensor<2>, weights: &LayerWeights<'_>) -> Tensor<2> {
///         let scale = weights.get::<1>("scale");
///         let width = scale.dims()[0];
///         ops::mul(x, ops::reshape(scale, [1, width]))
///     }
/// }
/// let layers = vec![LayerSpec::dense(8), LayerSpec::custom("scale", Scale), LayerSpec::dense(1)];
/// ```
pub trait CustomLayer: Debug + Send + Sync {
    /// The shape that it makes of `input`; the same, unless the layer knows better.
    ///
    /// # Errors
    /// Why it cannot take `input`, and what to do.
    fn output(&self, input: Shape) -> Result<Shape, String> {
        Ok(input)
    }

    /// The weights that it needs for inputs of this shape.
    fn weights(&self, _input: Shape) -> Vec<NewWeight> {
        Vec::new()
    }

    /// What it makes of `[batch, values]`. Images lie as channels, rows, columns in the values, and sequences as time steps, features.
    fn forward(&self, x: Tensor<2>, weights: &LayerWeights<'_>) -> Tensor<2>;
}

/// A function from `[batch, values]` to the same shape is a layer without weights: an activation function, for instance.
pub(crate) struct Function<F>(pub(crate) F);

impl<F> Debug for Function<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a function")
    }
}

impl<F: Fn(Tensor<2>) -> Tensor<2> + Send + Sync> CustomLayer for Function<F> {
    fn forward(&self, x: Tensor<2>, _: &LayerWeights<'_>) -> Tensor<2> {
        self.0(x)
    }
}

/// A weight that a custom layer needs.
pub struct NewWeight {
    name: &'static str,
    shape: Vec<usize>,
    fans: Fans,
    initializer: Box<dyn Initialize>,
    trainable: bool,
}

impl NewWeight {
    /// A weight of one to four axes, which the optimizer changes. Inputs and outputs of a unit, which some initializers ask for, are read
    /// off the shape, see [`Fans::of`].
    #[must_use]
    pub fn new<const D: usize>(name: &'static str, shape: [usize; D], initializer: impl Initialize + 'static) -> Self {
        const { assert!(D >= 1 && D <= 4, "a weight has one to four axes") };
        let fans = Fans::of(&shape);
        Self { name, shape: shape.to_vec(), fans, initializer: Box::new(initializer), trainable: true }
    }

    /// The same, left alone by the optimizer.
    #[must_use]
    pub fn frozen(mut self) -> Self {
        self.trainable = false;
        self
    }
}

/// The weights of a custom layer as they are now, by name.
#[derive(Clone, Copy, Debug)]
pub struct LayerWeights<'a> {
    names: &'a [String],
    weights: &'a [Weight],
}

impl LayerWeights<'_> {
    /// The weight of this name, with as many axes as it was asked for with.
    ///
    /// # Panics
    /// When [`CustomLayer::weights`] has none of this name, or one with another number of axes.
    #[must_use]
    #[track_caller]
    pub fn get<const D: usize>(&self, name: &str) -> Tensor<D> {
        let place = self.names.iter().position(|known| known == name);
        let Some(place) = place else { panic!("this layer has no weight {name:?}; it has {}", self.names.join(", ")) };
        let found: Box<dyn Any> = match &self.weights[place] {
            Weight::Vector(weight) => Box::new(weight.val()),
            Weight::Matrix(weight) => Box::new(weight.val()),
            Weight::Cube(weight) => Box::new(weight.val()),
            Weight::Filters(weight) => Box::new(weight.val()),
        };
        let Ok(weight) = found.downcast::<Tensor<D>>() else {
            panic!("the weight {name:?} of this layer has another number of axes than {D}")
        };
        *weight
    }
}

/// A weight of some number of axes.
#[derive(Module, Debug)]
pub(crate) enum Weight {
    Vector(Param<Tensor<1>>),
    Matrix(Param<Tensor<2>>),
    Cube(Param<Tensor<3>>),
    Filters(Param<Tensor<4>>),
}

impl Weight {
    fn new(wanted: &NewWeight, random: &mut Random, device: &Device) -> Result<Self, String> {
        let count: usize = wanted.shape.iter().product();
        let values = wanted.initializer.draw(&wanted.shape, wanted.fans, random);
        if values.len() != count {
            let (name, drawn) = (wanted.name, values.len());
            return Err(format!("the initializer of {name:?} drew {drawn} numbers, and the weight has {count}"));
        }
        Ok(match wanted.shape[..] {
            [a] => Self::Vector(param(values, [a], wanted.trainable, device)),
            [a, b] => Self::Matrix(param(values, [a, b], wanted.trainable, device)),
            [a, b, c] => Self::Cube(param(values, [a, b, c], wanted.trainable, device)),
            [a, b, c, d] => Self::Filters(param(values, [a, b, c, d], wanted.trainable, device)),
            _ => {
                return Err(format!(
                    "the weight {:?} has {} axes; give it one to four",
                    wanted.name,
                    wanted.shape.len()
                ));
            }
        })
    }
}

fn param<const D: usize>(values: Vec<f32>, shape: [usize; D], trainable: bool, device: &Device) -> Param<Tensor<D>> {
    Param::from_tensor(from_slice(values, shape, device)).set_require_grad(trainable)
}

/// A custom layer in a network, with its weights.
#[derive(Module, Debug)]
pub struct Custom {
    weights: Vec<Weight>,
    /// What the weights are called.
    names: Vec<String>,
    #[module(skip)]
    layer: Arc<dyn CustomLayer>,
    #[module(skip)]
    output: Shape,
}

impl Custom {
    /// The layer for inputs of the first shape, with weights drawn from `random`; it puts out the second.
    ///
    /// # Errors
    /// When an initializer does not fill its weight.
    pub fn new(
        layer: Arc<dyn CustomLayer>,
        [input, output]: [Shape; 2],
        random: &mut Random,
        device: &Device,
    ) -> Result<Self, String> {
        let wanted = layer.weights(input);
        let names = wanted.iter().map(|weight| weight.name.to_owned()).collect();
        let weights = wanted.iter().map(|weight| Weight::new(weight, random, device)).collect::<Result<_, _>>()?;
        Ok(Self { weights, names, layer, output })
    }

    /// Its weights as they are now.
    #[must_use]
    pub fn weights(&self) -> LayerWeights<'_> {
        LayerWeights { names: &self.names, weights: &self.weights }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        tap_as(site, Role::Activation, self.layer.forward(x, &self.weights()), self.output)
    }

    /// What its weights are called, and their shapes.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = (&str, Vec<usize>)> {
        let shape = |weight: &Weight| match weight {
            Weight::Vector(weight) => weight.dims().to_vec(),
            Weight::Matrix(weight) => weight.dims().to_vec(),
            Weight::Cube(weight) => weight.dims().to_vec(),
            Weight::Filters(weight) => weight.dims().to_vec(),
        };
        self.names.iter().map(String::as_str).zip(self.weights.iter().map(shape))
    }

    /// `weights.0` by its name.
    pub(crate) fn weight_name(&self, path: &str) -> Option<&str> {
        let number = path.strip_prefix("weights.")?;
        self.names.get(number.parse::<usize>().ok()?).map(String::as_str)
    }
}
