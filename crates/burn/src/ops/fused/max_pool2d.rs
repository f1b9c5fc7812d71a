//! The largest value of each window of an image.
use super::derivative::{Input, tensor, values};
use super::{Derivative, finish};
use burn::prelude::*;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// What [`crate::ops::max_pool2d`] does.
///
/// `None` where burn's own operation must do it.
pub(crate) fn max_pool2d(
    x: &Tensor<4>,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
) -> Option<Tensor<4>> {
    let [batch, channels, height, width] = x.dims();
    let image = [height, width];
    let positions = |axis: usize| {
        let free = (image[axis] + 2 * padding[axis]).checked_sub(kernel[axis])?;
        Some(free.checked_div(stride[axis])? + 1)
    };
    let output = [positions(0)?, positions(1)?];
    // A window must see a pixel, and the place of a pixel in its channel is kept in 32 bits.
    let sees_pixels = (0..2).all(|axis| padding[axis] < kernel[axis]);
    if !sees_pixels || batch * channels * height * width == 0 || u32::try_from(height * width).is_err() {
        return None;
    }
    let pool = Pool { image, output, kernel, stride, padding };
    let (pixels, places) = (height * width, output[0] * output[1]);
    let mut input = Input::new(x)?;
    let mut result = vec![0.0; batch * channels * places];
    let mut largest = vec![0_u32; batch * channels * places];
    let written = result.par_chunks_mut(channels * places).zip(largest.par_chunks_mut(channels * places));
    written.zip(input.contiguous().par_chunks(channels * pixels)).for_each(|((result, largest), x)| {
        let written = result.chunks_exact_mut(places).zip(largest.chunks_exact_mut(places));
        written.zip(x.chunks_exact(pixels)).for_each(|((result, largest), x)| pool.channel(x, result, largest));
    });
    let result = tensor(result, [batch, channels, output[0], output[1]]);
    Some(finish([input], result, Kept { shape: [batch, channels, height, width], places, largest }))
}

struct Pool {
    image: [usize; 2],
    output: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

impl Pool {
    /// The largest values of one channel, and which pixels they are: the first of several, and NaN before all.
    fn channel(&self, x: &[f32], result: &mut [f32], largest: &mut [u32]) {
        let width = self.image[1];
        for place in 0..result.len() {
            let (rows, columns) = (self.seen(0, place / self.output[1]), self.seen(1, place % self.output[1]));
            let first = rows.start * width + columns.start;
            let (mut best, mut at) = (x[first], first);
            for row in rows {
                for (pixel, &value) in (row * width + columns.start..).zip(&x[row * width..][columns.clone()]) {
                    let is_larger = value > best || value.is_nan();
                    (best, at) = if is_larger { (value, pixel) } else { (best, at) };
                }
            }
            (result[place], largest[place]) = (best, at as u32);
        }
    }

    /// The pixels along an axis that the window in this position sees.
    fn seen(&self, axis: usize, position: usize) -> std::ops::Range<usize> {
        let start = position * self.stride[axis];
        let end = (start + self.kernel[axis]).saturating_sub(self.padding[axis]).min(self.image[axis]);
        start.saturating_sub(self.padding[axis]).min(end.saturating_sub(1))..end
    }
}

/// What the backward pass needs.
#[derive(Clone)]
struct Kept {
    shape: [usize; 4],
    /// Of the output of one channel.
    places: usize,
    /// For each place of the output, the pixel of its channel that it is.
    largest: Vec<u32>,
}

impl Derivative<1> for Kept {
    fn backward(self, gradient: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let Self { shape, places, largest } = self;
        let [batch, channels, height, width] = shape;
        let gradient = gradient.to_contiguous();
        let mut result = vec![0.0; batch * channels * height * width];
        let read = values(&gradient).par_chunks(places).zip(largest.par_chunks(places));
        result.par_chunks_mut(height * width).zip(read).for_each(|(result, (gradient, largest))| {
            largest.iter().zip(gradient).for_each(|(&pixel, value)| result[pixel as usize] += value);
        });
        [Some(tensor(result, shape))]
    }
}
