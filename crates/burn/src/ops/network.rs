//! The operations that layers are made of.
use super::{binary, fused, unary};
use crate::numerics::{is_mixed, narrowed, widened};
use crate::to_vec;
use crate::trace::Recording;
use burn::prelude::*;
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions};
use burn::tensor::{TensorData, module};
use std::panic::Location;

/// The matrix product of `[.., rows, inner]` and `[.., inner, columns]`.
#[must_use]
#[track_caller]
pub fn matmul<const D: usize>(x: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
    binary("matmul", Location::caller(), ("left", x), ("right", y), |x, y| widened(narrowed(x).matmul(narrowed(y))))
}

/// `x * weight + bias` for `x` `[.., inputs]`, `weight` `[inputs, units]`, `bias` `[units]`.
#[must_use]
#[track_caller]
pub fn linear<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    match Recording::begin("linear", Location::caller()) {
        None => one_product(x, weight, bias),
        Some(recording) => {
            let (x, weight) = (recording.input("input", x), recording.input("weight", weight));
            let bias = bias.map(|bias| recording.input("bias", bias));
            recording.output(one_product(x, weight, bias))
        }
    }
}

/// All leading axes become rows, so that there is one large product and not one for each example.
fn one_product<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    if is_mixed() {
        let y = in_one_product(narrowed(x), narrowed(weight), None);
        let y = widened(y);
        // Added in single precision, as sums are.
        return match bias {
            Some(bias) => y.clone() + along_last_axis(bias, y.dims()),
            None => y,
        };
    }
    in_one_product(x, weight, bias)
}

/// A vector in a shape that is added to the last axis.
fn along_last_axis<const D: usize>(vector: Tensor<1>, dims: [usize; D]) -> Tensor<D> {
    let mut shape = [1; D];
    shape[D - 1] = dims[D - 1];
    vector.reshape(shape)
}

fn in_one_product<const D: usize>(x: Tensor<D>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<D> {
    if D == 2 {
        return module::linear(x, weight, bias);
    }
    let mut shape = x.dims();
    let (inputs, units) = (shape[D - 1], weight.dims()[1]);
    let rows = shape[..D - 1].iter().product();
    shape[D - 1] = units;
    module::linear(x.reshape([rows, inputs]), weight, bias).reshape(shape)
}

/// The row of `weight` `[vocabulary, dimension]` for each whole number of `x` `[batch, length]`: `[batch, length, dimension]`.
///
/// What is no whole number from 0 to below the vocabulary gives a row of NaN, so that it is found and never read past the end.
#[must_use]
#[track_caller]
pub fn embedding(x: Tensor<2>, weight: Tensor<2>) -> Tensor<3> {
    binary("embedding", Location::caller(), ("input", x), ("weight", weight), |x, weight| look_up(&x, weight))
}

fn look_up(x: &Tensor<2>, weight: Tensor<2>) -> Tensor<3> {
    let ([batch, length], [vocabulary, dimension]) = (x.dims(), weight.dims());
    let device = x.device();
    let known = |value: f32| value >= 0.0 && value < vocabulary as f32 && value.fract() == 0.0;
    let values = to_vec(x);
    let rows: Vec<i64> = values.iter().map(|&value| if known(value) { value as i64 } else { 0 }).collect();
    let rows = Tensor::<2, Int>::from_data(TensorData::new(rows, [batch, length]), &device);
    let found = module::embedding(weight, rows);
    if values.iter().all(|&value| known(value)) {
        return found;
    }
    let unknown: Vec<bool> = values.iter().flat_map(|&value| std::iter::repeat_n(!known(value), dimension)).collect();
    let unknown = Tensor::<3, Bool>::from_data(TensorData::new(unknown, [batch, length, dimension]), &device);
    found.mask_fill(unknown, f64::NAN)
}

/// The convolution of sequences `x` `[batch, channels, time]` with `weight` `[units, channels, kernel]`; `padding` counts the
/// zeros before and after.
#[must_use]
#[track_caller]
pub fn conv1d(
    x: Tensor<3>,
    weight: Tensor<3>,
    bias: Option<Tensor<1>>,
    stride: usize,
    padding: (usize, usize),
) -> Tensor<3> {
    let convolve = |x: Tensor<3>, weight: Tensor<3>, bias: Option<Tensor<1>>| {
        let options = ConvOptions::new_with_padding([stride], [padding], [1], 1);
        flat_conv2d(&x, &weight, bias.as_ref(), stride, padding)
            .unwrap_or_else(|| widened(module::conv1d(narrowed(x), narrowed(weight), bias.map(narrowed), options)))
    };
    match Recording::begin("conv1d", Location::caller()) {
        None => convolve(x, weight, bias),
        Some(recording) => {
            let (x, weight) = (recording.input("input", x), recording.input("weight", weight));
            let bias = bias.map(|bias| recording.input("bias", bias));
            recording.output(convolve(x, weight, bias))
        }
    }
}

/// The fused convolution of images of height 1.
fn flat_conv2d(
    x: &Tensor<3>,
    weight: &Tensor<3>,
    bias: Option<&Tensor<1>>,
    stride: usize,
    padding: (usize, usize),
) -> Option<Tensor<3>> {
    let ([batch, channels, time], [units, weighed, kernel]) = (x.dims(), weight.dims());
    let (x, weight) =
        (x.clone().reshape([batch, channels, 1, time]), weight.clone().reshape([units, weighed, 1, kernel]));
    let y = fused::conv2d(&x, &weight, bias, [1, stride], [(0, 0), padding])?;
    let [batch, units, _, positions] = y.dims();
    Some(y.reshape([batch, units, positions]))
}

/// The transposed convolution of images `x` `[batch, channels, height, width]` with `weight` `[channels, units, kernel, kernel]`:
/// each pixel adds its multiple of the kernel to the output, `stride` pixels apart. `extra` counts rows and columns that are
/// added at the end.
#[must_use]
#[track_caller]
pub fn conv2d_transpose(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: [usize; 2],
    extra: [usize; 2],
) -> Tensor<4> {
    let options = || ConvTransposeOptions::new(stride, [0; 2], extra, [1; 2], 1);
    match Recording::begin("conv2d_transpose", Location::caller()) {
        None => widened(module::conv_transpose2d(narrowed(x), narrowed(weight), bias.map(narrowed), options())),
        Some(recording) => {
            let (x, weight) = (recording.input("input", x), recording.input("weight", weight));
            let bias = bias.map(|bias| recording.input("bias", bias));
            recording.output(widened(module::conv_transpose2d(
                narrowed(x),
                narrowed(weight),
                bias.map(narrowed),
                options(),
            )))
        }
    }
}

/// The convolution of images `x` `[batch, channels, height, width]` with `weight` `[units, channels, kernel, kernel]`;
/// `padding` counts the zeros before and after each image axis.
#[must_use]
#[track_caller]
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    stride: [usize; 2],
    padding: [(usize, usize); 2],
) -> Tensor<4> {
    let convolve = |x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>| {
        let options = ConvOptions::new_with_padding(stride, padding, [1, 1], 1);
        fused::conv2d(&x, &weight, bias.as_ref(), stride, padding)
            .unwrap_or_else(|| widened(module::conv2d(narrowed(x), narrowed(weight), bias.map(narrowed), options)))
    };
    match Recording::begin("conv2d", Location::caller()) {
        None => convolve(x, weight, bias),
        Some(recording) => {
            let (x, weight) = (recording.input("input", x), recording.input("weight", weight));
            let bias = bias.map(|bias| recording.input("bias", bias));
            recording.output(convolve(x, weight, bias))
        }
    }
}

/// The largest value of each window.
#[must_use]
#[track_caller]
pub fn max_pool2d(x: Tensor<4>, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Tensor<4> {
    let options = MaxPoolOptions::new(kernel).with_stride(stride).with_padding(padding);
    unary("max_pool2d", Location::caller(), x, |x| {
        fused::max_pool2d(&x, kernel, stride, padding).unwrap_or_else(|| module::max_pool2d(x, options))
    })
}

/// The mean of each window; padding does not count.
#[must_use]
#[track_caller]
pub fn avg_pool2d(x: Tensor<4>, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Tensor<4> {
    let options = AvgPoolOptions::new(kernel).with_stride(stride).with_padding(padding).with_count_include_pad(false);
    unary("avg_pool2d", Location::caller(), x, |x| module::avg_pool2d(x, options))
}
