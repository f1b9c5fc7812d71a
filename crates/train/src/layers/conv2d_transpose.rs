//! A transposed convolution, which makes an image larger.
use super::{Fans, activate_and_tap, drawn};
use crate::random::Random;
use crate::recipe::{Activation, Shape, WeightSpec};
use barograph_burn::ops;
use burn::module::{Module, Param};
use burn::prelude::*;

/// The transpose of a convolution as a linear map, plus bias, then an activation function (Zeiler et al., 2010): each pixel adds
/// its multiple of a square kernel to the output.
#[derive(Module, Debug)]
pub struct Conv2dTranspose {
    /// `[input channels, channels, kernel, kernel]`.
    pub weight: Param<Tensor<4>>,
    /// `[channels]`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    input: Shape,
    #[module(skip)]
    output: Shape,
    kernel: usize,
    stride: usize,
}

impl Conv2dTranspose {
    /// A layer from `input` to `output` images, with weights drawn from `random`.
    #[must_use]
    pub fn new(
        [input, output]: [Shape; 2],
        [kernel, stride]: [usize; 2],
        activation: Activation,
        spec: &WeightSpec,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let (channels_in, channels) = (input.channels(), output.channels());
        let fans = Fans { fan_in: channels_in * kernel * kernel, fan_out: channels * kernel * kernel };
        let shape = [channels_in, channels, kernel, kernel];
        let (weight, bias) = drawn(spec, shape, channels, fans, random, device);
        Self { weight, bias, activation, input, output, kernel, stride }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let batch = x.dims()[0];
        let [channels, rows, columns] = self.input.image();
        let [_, height, width] = self.output.image();
        let image = ops::reshape(x, [batch, channels, rows, columns]);
        let bias = self.bias.as_ref().map(Param::val);
        let (vertical, horizontal) = (self.fit(rows, height), self.fit(columns, width));
        let extra = [vertical.extra, horizontal.extra];
        let z = ops::conv2d_transpose(image, self.weight.val(), bias, [self.stride; 2], extra);
        let z = ops::narrow(z, 2, vertical.start, height);
        let z = ops::narrow(z, 3, horizontal.start, width);
        activate_and_tap(site, ops::reshape(z, [batch, self.output.values() as usize]), self.activation, self.output)
    }

    /// How `pixels` along an axis become `wanted`: what is too much is cut from both ends, the odd pixel from the end, as in Keras.
    fn fit(&self, pixels: usize, wanted: usize) -> Fit {
        let whole = pixels.saturating_sub(1) * self.stride + self.kernel;
        Fit { start: whole.saturating_sub(wanted) / 2, extra: wanted.saturating_sub(whole) }
    }
}

/// Where the output begins in the whole of a transposed convolution, and how many pixels are added at its end.
struct Fit {
    start: usize,
    extra: usize,
}
