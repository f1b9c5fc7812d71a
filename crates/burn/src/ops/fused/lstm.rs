//! The long short-term memory over a whole sequence.
#![allow(clippy::result_large_err, reason = "the error is the input, given back to be used")]
#![allow(clippy::inline_always, reason = "inlined into code for the instructions that this machine has")]

use super::derivative::{Input, owned, tensor, values};
use super::math::Lanes;
use super::matrix::{Panels, Place, View, multiply_panels};
use super::sequence::{Sequence, taken};
use super::{Derivative, finish};
use burn::prelude::*;
use burn_flex::FlexTensor;
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// The outputs `[batch, time, units]` of a long short-term memory (Hochreiter and Schmidhuber, 1997; with the forget gate of Gers
/// et al., 2000) that begins with zeros, in the order of time.
///
/// `x` `[batch, time, 4 * units]` is what inputs and bias contribute, `weight` `[units, 4 * units]` weighs the last output; both hold
/// input gate, forget gate, candidate and output gate one after the other. A reversed one runs from the last step to the first.
///
/// # Errors
/// Gives `x` back where the separate operations must do it.
pub fn lstm(x: Tensor<3>, weight: &Tensor<2>, is_reversed: bool) -> Result<Tensor<3>, Tensor<3>> {
    let sequence = Sequence::new(4, x.dims(), weight.dims(), is_reversed);
    let (Some(sequence), Some(input), Some(weight)) = (sequence, Input::new(&x), Input::new(weight)) else {
        return Err(x);
    };
    // Held by nobody else, the numbers are changed where they are.
    drop(x);
    let mut inputs = [input, weight];
    let Sequence { batch, time, units, .. } = sequence;
    let width = 4 * units;
    let recurrent = Panels::new(View::rows(inputs[1].contiguous(), width), units, width);
    let mut gates = taken(&mut inputs[0]);
    let (mut states, mut memory) = (vec![0.0; sequence.states()], vec![0.0; sequence.states()]);
    let rows = sequence.rows_of_a_part();
    let parts = gates.storage_mut::<f32>().par_chunks_mut(rows * time * width);
    let kept = memory.par_chunks_mut(rows * time * units).zip(states.par_chunks_mut(rows * time * units));
    parts.zip(kept).for_each(|(gates, (memory, states))| forward(sequence, gates, memory, states, &recurrent));
    let states = tensor(states, [batch, time, units]);
    let kept = Kept { sequence, weight: inputs[1].value.clone(), gates, memory, states: states.clone() };
    Ok(finish(inputs, states, kept))
}

/// Turns sums into gates, and fills memory and states.
fn forward(sequence: Sequence, gates: &mut [f32], memory: &mut [f32], states: &mut [f32], recurrent: &Panels) {
    let Sequence { time, units, .. } = sequence;
    let width = 4 * units;
    let batch = gates.len() / (time * width);
    for (before, now) in sequence.places() {
        if let Some(before) = before {
            let left = View::rows(&states[before * units..], time * units);
            multiply_panels(left, batch, recurrent, (&mut gates[now * width..], time * width), Place::Sum);
        }
        Arch::new().dispatch(Activate { sequence, batch, before, now, gates, memory, states });
    }
}

/// Turns gates into the gradients of their sums.
fn backward(sequence: Sequence, gates: &mut [f32], memory: &[f32], gradient: &[f32], transposed: &Panels) {
    let Sequence { time, units, .. } = sequence;
    let width = 4 * units;
    let batch = gates.len() / (time * width);
    let mut of_state = vec![0.0; batch * units];
    let mut of_memory = vec![0.0; batch * units];
    for (before, now) in sequence.places().rev() {
        let (of_state, of_memory) = (&mut of_state, &mut of_memory);
        Arch::new().dispatch(Derive { sequence, batch, before, now, gates, memory, gradient, of_state, of_memory });
        let left = View::rows(&gates[now * width..], time * width);
        multiply_panels(left, batch, transposed, (of_state, units), Place::Empty);
    }
}

/// One step forward.
struct Activate<'a> {
    sequence: Sequence,
    batch: usize,
    before: Option<usize>,
    now: usize,
    gates: &'a mut [f32],
    memory: &'a mut [f32],
    states: &'a mut [f32],
}

impl WithSimd for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sequence, batch, before, now, gates, memory, states } = self;
        let units = sequence.units;
        let mut last = vec![0.0; units];
        for example in 0..batch {
            if let Some(before) = before {
                last.copy_from_slice(&memory[sequence.range(example, before, units)]);
            }
            let gates = &mut gates[sequence.range(example, now, 4 * units)];
            let (input, rest) = gates.split_at_mut(units);
            let (forget, rest) = rest.split_at_mut(units);
            let (candidate, output) = rest.split_at_mut(units);
            let memory = &mut memory[sequence.range(example, now, units)];
            let states = &mut states[sequence.range(example, now, units)];
            for unit in (0..units).step_by(S::F32_LANES) {
                let load = |values: &[f32]| Lanes::load(simd, values, unit);
                let (i, f) = (load(input).sigmoid(), load(forget).sigmoid());
                let (g, o) = (load(candidate).tanh(), load(output).sigmoid());
                let kept = f.times_plus(load(&last), i * g);
                i.store(input, unit);
                f.store(forget, unit);
                g.store(candidate, unit);
                o.store(output, unit);
                kept.store(memory, unit);
                (o * kept.tanh()).store(states, unit);
            }
        }
    }
}

/// One step back.
struct Derive<'a> {
    sequence: Sequence,
    batch: usize,
    before: Option<usize>,
    now: usize,
    gates: &'a mut [f32],
    memory: &'a [f32],
    /// Of all outputs.
    gradient: &'a [f32],
    /// What the next step passes back, `[batch, units]`.
    of_state: &'a [f32],
    of_memory: &'a mut [f32],
}

impl WithSimd for Derive<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sequence, batch, before, now, gates, memory, gradient, of_state, of_memory } = self;
        let units = sequence.units;
        let (zeros, one) = (vec![0.0; units], Lanes::splat(simd, 1.0));
        for example in 0..batch {
            let last = before.map_or(&zeros[..], |before| &memory[sequence.range(example, before, units)]);
            let memory = &memory[sequence.range(example, now, units)];
            let gradient = &gradient[sequence.range(example, now, units)];
            let of_state = &of_state[example * units..][..units];
            let of_memory = &mut of_memory[example * units..][..units];
            let gates = &mut gates[sequence.range(example, now, 4 * units)];
            let (input, rest) = gates.split_at_mut(units);
            let (forget, rest) = rest.split_at_mut(units);
            let (candidate, output) = rest.split_at_mut(units);
            for unit in (0..units).step_by(S::F32_LANES) {
                let load = |values: &[f32]| Lanes::load(simd, values, unit);
                let (i, f, g, o) = (load(input), load(forget), load(candidate), load(output));
                let of_output = load(gradient) + load(of_state);
                let shown = load(memory).tanh();
                let of_kept = load(of_memory) + of_output * o * (one - shown * shown);
                (of_kept * g * (i * (one - i))).store(input, unit);
                (of_kept * load(last) * (f * (one - f))).store(forget, unit);
                (of_kept * i * (one - g * g)).store(candidate, unit);
                (of_output * shown * (o * (one - o))).store(output, unit);
                (of_kept * f).store(of_memory, unit);
            }
        }
    }
}

/// What the backward pass needs.
#[derive(Clone)]
struct Kept {
    sequence: Sequence,
    weight: FlexTensor,
    /// `[batch, time, 4 * units]`, activated.
    gates: FlexTensor,
    /// `[batch, time, units]`.
    memory: Vec<f32>,
    /// `[batch, time, units]`.
    states: FlexTensor,
}

impl Derivative<2> for Kept {
    fn backward(self, gradient: FlexTensor, [wants_x, wants_weight]: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let Self { sequence, weight, mut gates, memory, states } = self;
        let Sequence { time, units, .. } = sequence;
        let width = 4 * units;
        let gradient = owned(gradient);
        let transposed = Panels::new(View::columns(values(&weight), width), width, units);
        let rows = sequence.rows_of_a_part();
        let parts = gates.storage_mut::<f32>().par_chunks_mut(rows * time * width);
        let read = memory.par_chunks(rows * time * units).zip(values(&gradient).par_chunks(rows * time * units));
        let work = |(gates, (memory, gradient)): (&mut [f32], (&[f32], &[f32]))| {
            backward(sequence, gates, memory, gradient, &transposed);
        };
        parts.zip(read).for_each(work);
        let of_weight = wants_weight.then(|| sequence.of_weight(values(&states), values(&gates)));
        [wants_x.then_some(gates), of_weight]
    }
}
