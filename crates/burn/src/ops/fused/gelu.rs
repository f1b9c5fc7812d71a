//! The Gaussian error linear unit.
#![allow(clippy::inline_always, reason = "inlined into code for the instructions that this machine has")]

use super::derivative::{Input, tensor, values};
use super::math::Lanes;
use super::parts::{for_each_part, part_of_rows};
use super::{Derivative, finish};
use burn::prelude::*;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};

/// What [`crate::ops::gelu`] does.
///
/// `None` where burn's own operation must do it.
pub(crate) fn gelu<const D: usize>(x: &Tensor<D>) -> Option<Tensor<D>> {
    let mut input = Input::new(x)?;
    let numbers = input.contiguous();
    let mut result = vec![0.0; numbers.len()];
    let size = part_of_rows(numbers.len(), 1);
    for_each_part(&mut result, size, |(number, result)| {
        Arch::new().dispatch(Forward { x: &numbers[number * size..][..result.len()], result });
    });
    let kept = Kept { x: input.value.clone() };
    Some(finish([input], tensor(result, x.dims()), kept))
}

struct Forward<'a> {
    x: &'a [f32],
    result: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for start in (0..self.x.len()).step_by(S::F32_LANES) {
            let x = Lanes::load(simd, self.x, start);
            (x * x.normal().0).store(self.result, start);
        }
    }
}

/// Turns the gradient of the output into that of the input.
struct Backward<'a> {
    x: &'a [f32],
    gradient: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for start in (0..self.x.len()).step_by(S::F32_LANES) {
            let (x, gradient) = (Lanes::load(simd, self.x, start), Lanes::load(simd, self.gradient, start));
            let (below, density) = x.normal();
            (gradient * x.times_plus(density, below)).store(self.gradient, start);
        }
    }
}

/// What the backward pass needs.
#[derive(Clone)]
struct Kept {
    x: FlexTensor,
}

impl Derivative<1> for Kept {
    fn backward(self, gradient: FlexTensor, _: [bool; 1]) -> [Option<FlexTensor>; 1] {
        let mut gradient = super::derivative::owned(gradient);
        let (x, numbers) = (values(&self.x), gradient.storage_mut::<f32>());
        let size = part_of_rows(numbers.len(), 1);
        for_each_part(numbers, size, |(number, gradient)| {
            Arch::new().dispatch(Backward { x: &x[number * size..][..gradient.len()], gradient });
        });
        [Some(gradient)]
    }
}
