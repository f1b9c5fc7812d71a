//! The plain recurrent layer over a whole sequence.
#![allow(clippy::result_large_err, reason = "the error is the input, given back to be used")]
#![allow(clippy::inline_always, reason = "inlined into code for the instructions that this machine has")]

use super::derivative::{Input, owned, values};
use super::math::Lanes;
use super::matrix::{Panels, Place, View, multiply_panels};
use super::sequence::{Sequence, taken};
use super::{Derivative, finish};
use burn::prelude::*;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// The states `[batch, time, units]` of a plain recurrent layer (Elman, 1990) with the hyperbolic tangent that begins with zeros, in the
/// order of time.
///
/// `x` `[batch, time, units]` is what inputs and bias contribute, `weight` `[units, units]` weighs the last state. A reversed one runs from
/// the last step to the first.
///
/// # Errors
/// Gives `x` back where the separate operations must do it.
pub fn rnn(x: Tensor<3>, weight: &Tensor<2>, is_reversed: bool) -> Result<Tensor<3>, Tensor<3>> {
    let sequence = Sequence::new(1, x.dims(), weight.dims(), is_reversed);
    let (Some(sequence), Some(input), Some(weight)) = (sequence, Input::new(&x), Input::new(weight)) else {
        return Err(x);
    };
    // Held by nobody else, the numbers are changed where they are.
    drop(x);
    let mut inputs = [input, weight];
    let Sequence { time, units, .. } = sequence;
    let recurrent = Panels::new(View::rows(inputs[1].contiguous(), units), units, units);
    let mut states = taken(&mut inputs[0]);
    let size = sequence.rows_of_a_part() * time * units;
    states.storage_mut::<f32>().par_chunks_mut(size).for_each(|states| forward(sequence, states, &recurrent));
    let kept = Kept { sequence, weight: inputs[1].value.clone(), states: states.clone() };
    Ok(finish(inputs, states, kept))
}

/// Turns sums into states.
fn forward(sequence: Sequence, states: &mut [f32], recurrent: &Panels) {
    let Sequence { time, units, .. } = sequence;
    let batch = states.len() / (time * units);
    let mut sums = vec![0.0; batch * units];
    for (before, now) in sequence.places() {
        if let Some(before) = before {
            let left = View::rows(&states[before * units..], time * units);
            multiply_panels(left, batch, recurrent, (&mut sums, units), Place::Empty);
        }
        Arch::new().dispatch(Activate { sequence, now, sums: &sums, states });
    }
}

/// Turns the gradients of the states into those of the sums.
fn backward(sequence: Sequence, gradient: &mut [f32], states: &[f32], transposed: &Panels) {
    let Sequence { time, units, .. } = sequence;
    let batch = gradient.len() / (time * units);
    let mut of_state = vec![0.0; batch * units];
    for (_, now) in sequence.places().rev() {
        Arch::new().dispatch(Derive { sequence, now, of_state: &of_state, states, gradient });
        let left = View::rows(&gradient[now * units..], time * units);
        multiply_panels(left, batch, transposed, (&mut of_state, units), Place::Empty);
    }
}

/// One step forward.
struct Activate<'a> {
    sequence: Sequence,
    now: usize,
    /// `[batch, units]`, of the last state.
    sums: &'a [f32],
    states: &'a mut [f32],
}

impl WithSimd for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let units = self.sequence.units;
        for (example, sums) in self.sums.chunks_exact(units).enumerate() {
            let states = &mut self.states[self.sequence.range(example, self.now, units)];
            for unit in (0..units).step_by(S::F32_LANES) {
                (Lanes::load(simd, states, unit) + Lanes::load(simd, sums, unit)).tanh().store(states, unit);
            }
        }
    }
}

/// One step back.
struct Derive<'a> {
    sequence: Sequence,
    now: usize,
    /// What the next step passes back, `[batch, units]`.
    of_state: &'a [f32],
    states: &'a [f32],
    gradient: &'a mut [f32],
}

impl WithSimd for Derive<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (units, one) = (self.sequence.units, Lanes::splat(simd, 1.0));
        for (example, of_state) in self.of_state.chunks_exact(units).enumerate() {
            let range = self.sequence.range(example, self.now, units);
            let (states, gradient) = (&self.states[range.clone()], &mut self.gradient[range]);
            for unit in (0..units).step_by(S::F32_LANES) {
                let state = Lanes::load(simd, states, unit);
                let of_output = Lanes::load(simd, gradient, unit) + Lanes::load(simd, of_state, unit);
                (of_output * (one - state * state)).store(gradient, unit);
            }
        }
    }
}

/// What the backward pass needs.
#[derive(Clone)]
struct Kept {
    sequence: Sequence,
    weight: FlexTensor,
    /// `[batch, time, units]`.
    states: FlexTensor,
}

impl Derivative<2> for Kept {
    fn backward(self, gradient: FlexTensor, [wants_x, wants_weight]: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let Self { sequence, weight, states } = self;
        let Sequence { time, units, .. } = sequence;
        let mut gradient = owned(gradient);
        let transposed = Panels::new(View::columns(values(&weight), units), units, units);
        let size = sequence.rows_of_a_part() * time * units;
        let parts = gradient.storage_mut::<f32>().par_chunks_mut(size).zip(values(&states).par_chunks(size));
        parts.for_each(|(gradient, states)| backward(sequence, gradient, states, &transposed));
        let of_weight = wants_weight.then(|| sequence.of_weight(values(&states), values(&gradient)));
        [wants_x.then_some(gradient), of_weight]
    }
}
