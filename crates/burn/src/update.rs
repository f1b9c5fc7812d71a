//! An optimizer's formula, written once: run element by element in one pass over memory where the tensors live on the CPU, and
//! with the backend's operations elsewhere.
#![allow(
    clippy::inline_always,
    reason = "a formula must be inlined into code for the instructions that this machine has"
)]

use crate::tensor::flex;
use burn::prelude::*;
use burn::tensor::DType;
use burn_flex::{Flex, FlexTensor};

/// Elements below which a pass is not split between threads.
const SMALLEST_PART: usize = 1 << 16;

/// The arithmetic of a formula: on one element, or on a whole tensor. Both round every operation alike, so that a formula gives the
/// same bits either way.
pub trait Number: Clone {
    /// `self + other`
    #[must_use]
    fn plus(self, other: Self) -> Self;
    /// `self - other`
    #[must_use]
    fn minus(self, other: Self) -> Self;
    /// `self * other`
    #[must_use]
    fn times(self, other: Self) -> Self;
    /// `self / other`
    #[must_use]
    fn over(self, other: Self) -> Self;
    /// `self * factor`
    #[must_use]
    fn scaled(self, factor: f32) -> Self;
    /// `self + offset`
    #[must_use]
    fn shifted(self, offset: f32) -> Self;
    /// The square root.
    #[must_use]
    fn root(self) -> Self;
}

impl Number for f32 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self - other
    }
    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self * other
    }
    #[inline(always)]
    fn over(self, other: Self) -> Self {
        self / other
    }
    #[inline(always)]
    fn scaled(self, factor: f32) -> Self {
        self * factor
    }
    #[inline(always)]
    fn shifted(self, offset: f32) -> Self {
        self + offset
    }
    #[inline(always)]
    fn root(self) -> Self {
        self.sqrt()
    }
}

impl<const D: usize> Number for Tensor<D> {
    fn plus(self, other: Self) -> Self {
        self.add(other)
    }
    fn minus(self, other: Self) -> Self {
        self.sub(other)
    }
    fn times(self, other: Self) -> Self {
        self.mul(other)
    }
    fn over(self, other: Self) -> Self {
        self.div(other)
    }
    fn scaled(self, factor: f32) -> Self {
        self.mul_scalar(factor)
    }
    fn shifted(self, offset: f32) -> Self {
        self.add_scalar(offset)
    }
    fn root(self) -> Self {
        self.sqrt()
    }
}

/// How a weight changes by its gradient, with `N` numbers kept for every element from step to step.
pub trait Formula<const N: usize>: Sync {
    /// The new weight and the new state.
    fn apply<X: Number>(&self, weight: X, gradient: X, state: [X; N]) -> (X, [X; N]);
}

/// Applies a formula to a weight. All tensors have one shape; one that autodiff tracks takes the slower way.
///
/// Nothing is copied where the weight and the state are held by nobody else, as after a step without a snapshot.
pub fn update<const D: usize, const N: usize>(
    formula: &impl Formula<N>,
    weight: Tensor<D>,
    gradient: Tensor<D>,
    state: [Tensor<D>; N],
) -> (Tensor<D>, [Tensor<D>; N]) {
    if !(is_plain(&weight) && is_plain(&gradient) && state.iter().all(is_plain)) {
        return formula.apply(weight, gradient, state);
    }
    let (mut weight, gradient) = (owned(weight), owned(gradient));
    let mut state = state.map(owned);
    let values = gradient.as_slice::<f32>().unwrap_or_default();
    Part { formula, weight: slice(&mut weight), gradient: values, state: state.each_mut().map(slice) }.run();
    (Tensor::from_primitive::<Flex>(weight), state.map(Tensor::from_primitive::<Flex>))
}

/// Whether a tensor lives on the CPU in single precision, outside of any graph.
fn is_plain<const D: usize>(tensor: &Tensor<D>) -> bool {
    !tensor.is_autodiff() && flex(tensor).is_some_and(|tensor| tensor.dtype() == DType::F32)
}

/// The CPU tensor, its elements in order.
fn owned<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    let Ok(tensor) = tensor.try_into_primitive::<Flex>() else { unreachable!("it was seen to be plain") };
    let whole = tensor.as_slice::<f32>().is_some_and(|slice| slice.len() == tensor.storage::<f32>().len());
    if whole { tensor } else { tensor.to_contiguous() }
}

fn slice(tensor: &mut FlexTensor) -> &mut [f32] {
    tensor.storage_mut::<f32>()
}

/// Equal ranges of all tensors.
struct Part<'a, F, const N: usize> {
    formula: &'a F,
    weight: &'a mut [f32],
    gradient: &'a [f32],
    state: [&'a mut [f32]; N],
}

impl<F: Formula<N>, const N: usize> Part<'_, F, N> {
    fn run(self) {
        if self.weight.len() < 2 * SMALLEST_PART {
            return pulp::Arch::new().dispatch(self);
        }
        let middle = (self.weight.len() / 2).next_multiple_of(64);
        let (weight, weight_rest) = self.weight.split_at_mut(middle);
        let (gradient, gradient_rest) = self.gradient.split_at(middle);
        let mut rests: [&mut [f32]; N] = std::array::from_fn(|_| <&mut [f32]>::default());
        let mut rest = rests.iter_mut();
        let state = self.state.map(|values| {
            let (first, second) = values.split_at_mut(middle);
            if let Some(rest) = rest.next() {
                *rest = second;
            }
            first
        });
        let formula = self.formula;
        rayon::join(
            || Part { formula, weight, gradient, state }.run(),
            || Part { formula, weight: weight_rest, gradient: gradient_rest, state: rests }.run(),
        );
    }
}

impl<F: Formula<N>, const N: usize> pulp::NullaryFnOnce for Part<'_, F, N> {
    type Output = ();

    // Inlined into code for the instructions that this machine has.
    #[inline(always)]
    fn call(self) {
        let Self { formula, weight, gradient, mut state } = self;
        let count = weight.len().min(gradient.len());
        let (weight, gradient) = (&mut weight[..count], &gradient[..count]);
        for values in &mut state {
            *values = &mut std::mem::take(values)[..count];
        }
        for index in 0..count {
            let old = std::array::from_fn(|which| state[which][index]);
            let (new_weight, new) = formula.apply(weight[index], gradient[index], old);
            weight[index] = new_weight;
            for which in 0..N {
                state[which][index] = new[which];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cpu, from_slice, to_vec};
    use burn::tensor::Tensor;

    /// Every operation of [`Number`].
    struct All;

    impl Formula<2> for All {
        fn apply<X: Number>(&self, weight: X, gradient: X, [mean, square]: [X; 2]) -> (X, [X; 2]) {
            let mean = mean.scaled(0.9).plus(gradient.clone().scaled(0.1));
            let square = square.scaled(0.99).plus(gradient.clone().times(gradient).scaled(0.01));
            let change = mean.clone().over(square.clone().root().shifted(1e-8));
            (weight.minus(change.scaled(1e-3)), [mean, square])
        }
    }

    fn tensor(seed: usize, shape: [usize; 2], device: &Device) -> Tensor<2> {
        let number = |i: usize| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0;
        from_slice((0..shape[0] * shape[1]).map(number).collect(), shape, device)
    }

    fn bits(tensor: &Tensor<2>) -> Vec<u32> {
        to_vec(tensor).into_iter().map(f32::to_bits).collect()
    }

    #[test]
    fn one_pass_gives_the_bits_of_the_operations() {
        // The last shape is split between threads, and no multiple of any vector.
        for shape in [[1, 1], [3, 7], [331, 401]] {
            let [weight, gradient, mean] = [0, 1, 2].map(|seed| tensor(seed, shape, &cpu(false)));
            let square = tensor(3, shape, &cpu(false)).abs();
            let state = || [mean.clone(), square.clone()];
            let (ours, [our_mean, our_square]) = update(&All, weight.clone(), gradient.clone(), state());
            let (theirs, [their_mean, their_square]) = All.apply(weight, gradient, state());
            for (ours, theirs) in [(ours, theirs), (our_mean, their_mean), (our_square, their_square)] {
                assert!(bits(&ours) == bits(&theirs), "{shape:?}");
            }
        }
    }

    #[test]
    fn shared_tensors_stay_as_they_are() {
        let [weight, gradient, mean, square] = [0, 1, 2, 3].map(|seed| tensor(seed, [4, 5], &cpu(false)));
        let before = [bits(&weight), bits(&mean), bits(&square)];
        let _ = update(&All, weight.clone(), gradient, [mean.clone(), square.clone()]);
        assert_eq!([bits(&weight), bits(&mean), bits(&square)], before);
    }

    #[test]
    fn a_tracked_weight_is_no_error() {
        let [gradient, mean, square] = [1, 2, 3].map(|seed| tensor(seed, [4, 5], &cpu(true)));
        let (new, _) = update(&All, tensor(0, [4, 5], &cpu(true)), gradient, [mean, square.abs()]);
        assert_eq!(new.dims(), [4, 5]);
    }
}
