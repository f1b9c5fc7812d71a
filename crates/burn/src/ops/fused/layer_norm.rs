//! Layer normalization along the last axis.
#![allow(clippy::inline_always, reason = "inlined into code for the instructions that this machine has")]

use super::derivative::{Input, owned, tensor, values};
use super::math::{Lanes, sum};
use super::parts::{for_each_part, part_of_rows};
use super::{Derivative, are_separate, finish};
use burn::prelude::*;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

/// `scale * (x - mean) / sqrt(variance + epsilon) + shift` with mean and variance of each row of `x` `[.., features]` (Ba et al.,
/// 2016); `scale` and `shift` are `[features]`.
///
/// `None` where this is done by the separate operations.
#[must_use]
pub fn layer_norm<const D: usize>(
    x: &Tensor<D>,
    scale: &Tensor<1>,
    shift: &Tensor<1>,
    epsilon: f64,
) -> Option<Tensor<D>> {
    if are_separate() {
        return None;
    }
    let width = x.dims()[D - 1];
    let mut inputs = [Input::new(x)?, Input::new(scale)?, Input::new(shift)?];
    let [x_values, scale, shift] = inputs.each_mut().map(Input::contiguous);
    if x_values.is_empty() || scale.len() != width || shift.len() != width {
        return None;
    }
    // Each row ends with the reciprocal of its deviation, so that one slice can be cut into parts for both.
    let mut kept = vec![0.0; x_values.len() / width * (width + 1)];
    let rows = part_of_rows(x_values.len(), width) / width;
    for_each_part(&mut kept, rows * (width + 1), |(number, kept)| {
        let x = &x_values[number * rows * width..][..kept.len() / (width + 1) * width];
        Arch::new().dispatch(Normalize { width, epsilon: epsilon as f32, x, kept });
    });
    let mut result = vec![0.0; x_values.len()];
    for_each_part(&mut result, rows * width, |(number, result)| {
        let kept = &kept[number * rows * (width + 1)..][..result.len() / width * (width + 1)];
        Arch::new().dispatch(Scale { width, kept, scale, shift, result });
    });
    let kept = Kept { width, normalized: kept, scale: inputs[1].value.clone() };
    Some(finish(inputs, tensor(result, x.dims()), kept))
}

/// Each row of `x` to mean 0 and variance 1, with the reciprocal of its deviation behind it.
struct Normalize<'a> {
    width: usize,
    epsilon: f32,
    x: &'a [f32],
    kept: &'a mut [f32],
}

impl WithSimd for Normalize<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.width;
        let mut squares = vec![0.0; width];
        for (x, kept) in self.x.chunks_exact(width).zip(self.kept.chunks_exact_mut(width + 1)) {
            let (kept, deviation) = kept.split_at_mut(width);
            let mean = Lanes::splat(simd, sum(x) / width as f32);
            for start in (0..width).step_by(S::F32_LANES) {
                let centred = Lanes::load(simd, x, start) - mean;
                centred.store(kept, start);
                (centred * centred).store(&mut squares, start);
            }
            deviation[0] = 1.0 / (sum(&squares) / width as f32 + self.epsilon).sqrt();
            let factor = Lanes::splat(simd, deviation[0]);
            for start in (0..width).step_by(S::F32_LANES) {
                (Lanes::load(simd, kept, start) * factor).store(kept, start);
            }
        }
    }
}

struct Scale<'a> {
    width: usize,
    kept: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    result: &'a mut [f32],
}

impl WithSimd for Scale<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.width;
        for (kept, result) in self.kept.chunks_exact(width + 1).zip(self.result.chunks_exact_mut(width)) {
            for start in (0..width).step_by(S::F32_LANES) {
                let load = |values: &[f32]| Lanes::load(simd, values, start);
                load(&kept[..width]).times_plus(load(self.scale), load(self.shift)).store(result, start);
            }
        }
    }
}

/// Turns the gradient of the output into that of the input.
struct Backward<'a> {
    width: usize,
    kept: &'a [f32],
    scale: &'a [f32],
    gradient: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.width;
        let mut products = vec![0.0; width];
        for (kept, gradient) in self.kept.chunks_exact(width + 1).zip(self.gradient.chunks_exact_mut(width)) {
            let (normalized, deviation) = (&kept[..width], Lanes::splat(simd, kept[width]));
            for start in (0..width).step_by(S::F32_LANES) {
                let scaled = Lanes::load(simd, gradient, start) * Lanes::load(simd, self.scale, start);
                scaled.store(gradient, start);
                (scaled * Lanes::load(simd, normalized, start)).store(&mut products, start);
            }
            let mean = Lanes::splat(simd, sum(gradient) / width as f32);
            let slope = Lanes::splat(simd, sum(&products) / width as f32);
            for start in (0..width).step_by(S::F32_LANES) {
                let rest = Lanes::load(simd, gradient, start) - mean - Lanes::load(simd, normalized, start) * slope;
                (rest * deviation).store(gradient, start);
            }
        }
    }
}

/// Adds up the gradients of scale and shift.
struct Weights<'a> {
    width: usize,
    kept: &'a [f32],
    gradient: &'a [f32],
    of_scale: &'a mut [f32],
    of_shift: &'a mut [f32],
}

impl WithSimd for Weights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.width;
        for (kept, gradient) in self.kept.chunks_exact(width + 1).zip(self.gradient.chunks_exact(width)) {
            for start in (0..width).step_by(S::F32_LANES) {
                let gradient = Lanes::load(simd, gradient, start);
                let of_scale = Lanes::load(simd, self.of_scale, start);
                gradient.times_plus(Lanes::load(simd, &kept[..width], start), of_scale).store(self.of_scale, start);
                (gradient + Lanes::load(simd, self.of_shift, start)).store(self.of_shift, start);
            }
        }
    }
}

/// What the backward pass needs.
#[derive(Clone)]
struct Kept {
    width: usize,
    normalized: Vec<f32>,
    scale: FlexTensor,
}

impl Derivative<3> for Kept {
    fn backward(self, gradient: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let Self { width, normalized, scale } = self;
        let mut gradient = owned(gradient);
        let numbers = gradient.storage_mut::<f32>();
        let (mut of_scale, mut of_shift) = (vec![0.0; width], vec![0.0; width]);
        if wanted[1] || wanted[2] {
            let (of_scale, of_shift) = (&mut of_scale, &mut of_shift);
            Arch::new().dispatch(Weights { width, kept: &normalized, gradient: numbers, of_scale, of_shift });
        }
        if wanted[0] {
            let rows = part_of_rows(numbers.len(), width) / width;
            let scale = values(&scale);
            for_each_part(numbers, rows * width, |(number, gradient)| {
                let kept = &normalized[number * rows * (width + 1)..][..gradient.len() / width * (width + 1)];
                Arch::new().dispatch(Backward { width, kept, scale, gradient });
            });
        }
        let of_scale = wanted[1].then(|| tensor(of_scale, [width]));
        let of_shift = wanted[2].then(|| tensor(of_shift, [width]));
        [wanted[0].then_some(gradient), of_scale, of_shift]
    }
}
