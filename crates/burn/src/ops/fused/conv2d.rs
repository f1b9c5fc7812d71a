//! The convolution of images.
use super::convolution::Geometry;
use super::derivative::{Input, tensor, values};
use super::{Derivative, finish};
use burn::prelude::*;
use burn_flex::FlexTensor;

/// What [`crate::ops::conv2d`] does.
///
/// `None` where burn's own operation must do it.
pub(crate) fn conv2d(
    x: &Tensor<4>,
    weight: &Tensor<4>,
    bias: Option<&Tensor<1>>,
    stride: [usize; 2],
    padding: [(usize, usize); 2],
) -> Option<Tensor<4>> {
    let geometry = geometry(x.dims(), weight.dims(), stride, padding)?;
    let no_bias = || Tensor::zeros([geometry.units], &x.device());
    let bias = bias.map_or_else(no_bias, Tensor::clone);
    if bias.dims() != [geometry.units] {
        return None;
    }
    let mut inputs = [Input::new(x)?, Input::new(weight)?, Input::new(&bias)?];
    let [x, weight, bias] = inputs.each_mut().map(Input::contiguous);
    let output = geometry.convolve(x, weight, Some(bias));
    let [height, width] = geometry.output;
    let output = tensor(output, [geometry.batch, geometry.units, height, width]);
    let kept = Kept { geometry, x: inputs[0].value.clone(), weight: inputs[1].value.clone() };
    Some(finish(inputs, output, kept))
}

/// The shapes, if there is something to compute.
fn geometry(
    [batch, channels, height, width]: [usize; 4],
    [units, weighed, kernel_height, kernel_width]: [usize; 4],
    stride: [usize; 2],
    padding: [(usize, usize); 2],
) -> Option<Geometry> {
    let (image, kernel) = ([height, width], [kernel_height, kernel_width]);
    let positions = |axis: usize| {
        let (before, after) = padding[axis];
        let free = (image[axis] + before + after).checked_sub(kernel[axis])?;
        Some(free.checked_div(stride[axis])? + 1)
    };
    let output = [positions(0)?, positions(1)?];
    let padding = [padding[0].0, padding[1].0];
    let geometry = Geometry { batch, channels, image, units, output, kernel, stride, padding };
    let is_empty = batch * geometry.pixels() * units * geometry.patch() == 0;
    (weighed == channels && !is_empty && geometry.of_input().is_some()).then_some(geometry)
}

/// What the backward pass needs.
#[derive(Clone)]
struct Kept {
    geometry: Geometry,
    x: FlexTensor,
    weight: FlexTensor,
}

impl Derivative<3> for Kept {
    fn backward(self, gradient: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let gradient = gradient.to_contiguous();
        let Geometry { channels, units, kernel, .. } = self.geometry;
        let of_x = if wanted[0] { self.of_x(&gradient) } else { None };
        let shape = [units, channels, kernel[0], kernel[1]];
        let of_weight = || tensor(self.geometry.of_weight(values(&self.x), values(&gradient)), shape);
        let of_bias = || tensor(self.geometry.of_bias(values(&gradient)), [units]);
        [of_x, wanted[1].then(of_weight), wanted[2].then(of_bias)]
    }
}

impl Kept {
    fn of_x(&self, gradient: &FlexTensor) -> Option<FlexTensor> {
        let Geometry { batch, channels, image: [height, width], .. } = self.geometry;
        let (gradient, weight) = (self.geometry.spread(values(gradient)), self.geometry.turn(values(&self.weight)));
        let result = self.geometry.of_input()?.convolve(&gradient, &weight, None);
        Some(tensor(result, [batch, channels, height, width]))
    }
}
