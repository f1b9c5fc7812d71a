//! The softmax along the last axis, and its logarithm.
#![allow(clippy::inline_always, reason = "inlined into code for the instructions that this machine has")]

use super::derivative::{Input, owned, tensor, values};
use super::math::{Lanes, sum};
use super::parts::{for_each_part, part_of_rows};
use super::{Derivative, finish};
use burn::prelude::*;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

/// What [`crate::ops::softmax`] does along the last axis.
///
/// `None` where burn's own operation must do it.
pub(crate) fn softmax<const D: usize>(x: &Tensor<D>) -> Option<Tensor<D>> {
    run(x, Form::Plain)
}

/// What [`crate::ops::log_softmax`] does along the last axis.
///
/// `None` where burn's own operation must do it.
pub(crate) fn log_softmax<const D: usize>(x: &Tensor<D>) -> Option<Tensor<D>> {
    run(x, Form::Logarithm)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Logarithm,
}

fn run<const D: usize>(x: &Tensor<D>, form: Form) -> Option<Tensor<D>> {
    let width = x.dims()[D - 1];
    let mut input = Input::new(x)?;
    let numbers = input.contiguous();
    if numbers.is_empty() {
        return None;
    }
    let mut result = vec![0.0; numbers.len()];
    let size = part_of_rows(numbers.len(), width);
    for_each_part(&mut result, size, |(number, result)| {
        Arch::new().dispatch(Forward { form, width, x: &numbers[number * size..][..result.len()], result });
    });
    let result = tensor(result, x.dims());
    let kept = Kept { form, width, result: result.clone() };
    Some(finish([input], result, kept))
}

struct Forward<'a> {
    form: Form,
    width: usize,
    x: &'a [f32],
    result: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (x, result) in self.x.chunks_exact(self.width).zip(self.result.chunks_exact_mut(self.width)) {
            // Of NaN alone the largest number is none, so that the row becomes NaN.
            let largest = x.iter().fold(f32::NEG_INFINITY, |largest, &x| if x > largest { x } else { largest });
            let shift = Lanes::splat(simd, largest);
            for start in (0..self.width).step_by(S::F32_LANES) {
                (Lanes::load(simd, x, start) - shift).exp().store(result, start);
            }
            let total = sum(result);
            match self.form {
                Form::Plain => {
                    let share = Lanes::splat(simd, 1.0 / total);
                    for start in (0..self.width).step_by(S::F32_LANES) {
                        (Lanes::load(simd, result, start) * share).store(result, start);
                    }
                }
                Form::Logarithm => {
                    let logarithm = Lanes::splat(simd, total.ln());
                    for start in (0..self.width).step_by(S::F32_LANES) {
                        (Lanes::load(simd, x, start) - shift - logarithm).store(result, start);
                    }
                }
            }
        }
    }
}

/// Turns the gradient of the output into that of the input.
struct Backward<'a> {
    form: Form,
    width: usize,
    result: &'a [f32],
    gradient: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut products = vec![0.0; self.width];
        for (result, gradient) in self.result.chunks_exact(self.width).zip(self.gradient.chunks_exact_mut(self.width)) {
            match self.form {
                Form::Plain => {
                    for start in (0..self.width).step_by(S::F32_LANES) {
                        (Lanes::load(simd, result, start) * Lanes::load(simd, gradient, start))
                            .store(&mut products, start);
                    }
                    let total = Lanes::splat(simd, sum(&products));
                    for start in (0..self.width).step_by(S::F32_LANES) {
                        let share = Lanes::load(simd, result, start);
                        (share * (Lanes::load(simd, gradient, start) - total)).store(gradient, start);
                    }
                }
                Form::Logarithm => {
                    let total = Lanes::splat(simd, sum(gradient));
                    for start in (0..self.width).step_by(S::F32_LANES) {
                        let share = Lanes::load(simd, result, start).exp();
                        (Lanes::load(simd, gradient, start) - share * total).store(gradient, start);
                    }
                }
            }
        }
    }
}

/// What the backward pass needs.
#[derive(Clone)]
struct Kept {
    form: Form,
    width: usize,
    result: FlexTensor,
}

impl Derivative<1> for Kept {
    fn backward(self, gradient: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let Self { form, width, result } = self;
        let mut gradient = owned(gradient);
        let (result, numbers) = (values(&result), gradient.storage_mut::<f32>());
        let size = part_of_rows(numbers.len(), width);
        for_each_part(numbers, size, |(number, gradient)| {
            Arch::new().dispatch(Backward {
                form,
                width,
                result: &result[number * size..][..gradient.len()],
                gradient,
            });
        });
        [Some(gradient)]
    }
}
