//! The operations that layers are made of.
use super::{binary, unary};
use crate::trace::Recording;
use burn::prelude::*;
use burn::tensor::module;
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use std::panic::Location;

/// The matrix product of `[.., rows, inner]` and `[.., inner, columns]`.
#[must_use]
#[track_caller]
pub fn matmul<const D: usize>(x: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
    binary("matmul", Location::caller(), ("left", x), ("right", y), Tensor::matmul)
}

/// `x * weight + bias` for `x` `[batch, inputs]`, `weight` `[inputs, units]`, `bias` `[units]`.
#[must_use]
#[track_caller]
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    match Recording::begin("linear", Location::caller()) {
        None => module::linear(x, weight, bias),
        Some(recording) => {
            let (x, weight) = (recording.input("input", x), recording.input("weight", weight));
            let bias = bias.map(|bias| recording.input("bias", bias));
            recording.output(module::linear(x, weight, bias))
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
    let options = || ConvOptions::new_with_padding(stride, padding, [1, 1], 1);
    match Recording::begin("conv2d", Location::caller()) {
        None => module::conv2d(x, weight, bias, options()),
        Some(recording) => {
            let (x, weight) = (recording.input("input", x), recording.input("weight", weight));
            let bias = bias.map(|bias| recording.input("bias", bias));
            recording.output(module::conv2d(x, weight, bias, options()))
        }
    }
}

/// The largest value of each window.
#[must_use]
#[track_caller]
pub fn max_pool2d(x: Tensor<4>, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Tensor<4> {
    let options = MaxPoolOptions::new(kernel).with_stride(stride).with_padding(padding);
    unary("max_pool2d", Location::caller(), x, |x| module::max_pool2d(x, options))
}

/// The mean of each window; padding does not count.
#[must_use]
#[track_caller]
pub fn avg_pool2d(x: Tensor<4>, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Tensor<4> {
    let options = AvgPoolOptions::new(kernel).with_stride(stride).with_padding(padding).with_count_include_pad(false);
    unary("avg_pool2d", Location::caller(), x, |x| module::avg_pool2d(x, options))
}
