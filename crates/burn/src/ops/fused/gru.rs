//! The gated recurrent unit over a whole sequence.
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

/// The states `[batch, time, units]` of a gated recurrent unit (Cho et al., 2014) that begins with zeros, in the order of time.
///
/// `x` `[batch, time, 3 * units]` is what inputs and bias contribute, `weight` `[units, 3 * units]` and `bias` `[3 * units]` weigh the last
/// state; all hold reset gate, update gate and candidate one after the other, and the reset gate acts behind the weight. A reversed one
/// runs from the last step to the first.
///
/// # Errors
/// Gives `x` back where the separate operations must do it.
pub fn gru(
    x: Tensor<3>,
    weight: &Tensor<2>,
    bias: Option<&Tensor<1>>,
    is_reversed: bool,
) -> Result<Tensor<3>, Tensor<3>> {
    let Some(sequence) = Sequence::new(3, x.dims(), weight.dims(), is_reversed) else { return Err(x) };
    let width = 3 * sequence.units;
    let bias = bias.map_or_else(|| Tensor::zeros([width], &x.device()), Tensor::clone);
    let (Some(input), Some(weight), Some(bias)) = (Input::new(&x), Input::new(weight), Input::new(&bias)) else {
        return Err(x);
    };
    // Held by nobody else, the numbers are changed where they are.
    drop(x);
    let mut inputs = [input, weight, bias];
    let Sequence { batch, time, units, .. } = sequence;
    let recurrent = Panels::new(View::rows(inputs[1].contiguous(), width), units, width);
    let mut gates = taken(&mut inputs[0]);
    let (mut states, mut carried) = (vec![0.0; sequence.states()], vec![0.0; sequence.states()]);
    let (rows, bias) = (sequence.rows_of_a_part(), inputs[2].contiguous());
    let parts = gates.storage_mut::<f32>().par_chunks_mut(rows * time * width);
    let kept = carried.par_chunks_mut(rows * time * units).zip(states.par_chunks_mut(rows * time * units));
    parts.zip(kept).for_each(|(gates, (carried, states))| forward(sequence, gates, carried, states, &recurrent, bias));
    let states = tensor(states, [batch, time, units]);
    let kept = Kept { sequence, weight: inputs[1].value.clone(), gates, carried, states: states.clone() };
    Ok(finish(inputs, states, kept))
}

/// Turns sums into gates, and fills states and what the last state carries into each candidate.
fn forward(
    sequence: Sequence,
    gates: &mut [f32],
    carried: &mut [f32],
    states: &mut [f32],
    recurrent: &Panels,
    bias: &[f32],
) {
    let Sequence { time, units, .. } = sequence;
    let width = 3 * units;
    let batch = gates.len() / (time * width);
    let mut sums = vec![0.0; batch * width];
    for (before, now) in sequence.places() {
        sums.chunks_exact_mut(width).for_each(|sums| sums.copy_from_slice(bias));
        if let Some(before) = before {
            let left = View::rows(&states[before * units..], time * units);
            multiply_panels(left, batch, recurrent, (&mut sums, width), Place::Sum);
        }
        Arch::new().dispatch(Activate { sequence, before, now, sums: &sums, gates, carried, states });
    }
}

/// Turns gates into the gradients of their sums, and fills those of the recurrent sums.
fn backward(
    sequence: Sequence,
    gates: &mut [f32],
    of_sums: &mut [f32],
    (carried, states, gradient): (&[f32], &[f32], &[f32]),
    transposed: &Panels,
) {
    let Sequence { time, units, .. } = sequence;
    let width = 3 * units;
    let batch = gates.len() / (time * width);
    let mut of_state = vec![0.0; batch * units];
    for (before, now) in sequence.places().rev() {
        let kept = Known { carried, states, gradient };
        let of_state = &mut of_state;
        Arch::new().dispatch(Derive { sequence, batch, before, now, gates, of_sums, kept, of_state });
        let left = View::rows(&of_sums[now * width..], time * width);
        multiply_panels(left, batch, transposed, (of_state, units), Place::Sum);
    }
}

/// One step forward.
struct Activate<'a> {
    sequence: Sequence,
    before: Option<usize>,
    now: usize,
    /// `[batch, 3 * units]`, of the last state.
    sums: &'a [f32],
    gates: &'a mut [f32],
    carried: &'a mut [f32],
    states: &'a mut [f32],
}

impl WithSimd for Activate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sequence, before, now, sums, gates, carried, states } = self;
        let units = sequence.units;
        let mut last = vec![0.0; units];
        for (example, sums) in sums.chunks_exact(3 * units).enumerate() {
            if let Some(before) = before {
                last.copy_from_slice(&states[sequence.range(example, before, units)]);
            }
            let (of_reset, rest) = sums.split_at(units);
            let (of_update, of_candidate) = rest.split_at(units);
            let (reset, rest) = gates[sequence.range(example, now, 3 * units)].split_at_mut(units);
            let (update, candidate) = rest.split_at_mut(units);
            let carried = &mut carried[sequence.range(example, now, units)];
            let states = &mut states[sequence.range(example, now, units)];
            for unit in (0..units).step_by(S::F32_LANES) {
                let load = |values: &[f32]| Lanes::load(simd, values, unit);
                let r = (load(reset) + load(of_reset)).sigmoid();
                let z = (load(update) + load(of_update)).sigmoid();
                let n = r.times_plus(load(of_candidate), load(candidate)).tanh();
                load(of_candidate).store(carried, unit);
                r.store(reset, unit);
                z.store(update, unit);
                n.store(candidate, unit);
                z.times_plus(load(&last) - n, n).store(states, unit);
            }
        }
    }
}

/// What the forward pass kept, and the gradient of all states.
#[derive(Clone, Copy)]
struct Known<'a> {
    carried: &'a [f32],
    states: &'a [f32],
    gradient: &'a [f32],
}

/// One step back.
struct Derive<'a> {
    sequence: Sequence,
    batch: usize,
    before: Option<usize>,
    now: usize,
    gates: &'a mut [f32],
    of_sums: &'a mut [f32],
    kept: Known<'a>,
    /// What the next step passes back, `[batch, units]`; then what this one does, but for its sums.
    of_state: &'a mut [f32],
}

impl WithSimd for Derive<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sequence, batch, before, now, gates, of_sums, kept, of_state } = self;
        let units = sequence.units;
        let (zeros, one) = (vec![0.0; units], Lanes::splat(simd, 1.0));
        for example in 0..batch {
            let last = before.map_or(&zeros[..], |before| &kept.states[sequence.range(example, before, units)]);
            let carried = &kept.carried[sequence.range(example, now, units)];
            let gradient = &kept.gradient[sequence.range(example, now, units)];
            let of_state = &mut of_state[example * units..][..units];
            let (reset, rest) = gates[sequence.range(example, now, 3 * units)].split_at_mut(units);
            let (update, candidate) = rest.split_at_mut(units);
            let (of_reset, rest) = of_sums[sequence.range(example, now, 3 * units)].split_at_mut(units);
            let (of_update, of_candidate) = rest.split_at_mut(units);
            for unit in (0..units).step_by(S::F32_LANES) {
                let load = |values: &[f32]| Lanes::load(simd, values, unit);
                let (r, z, n) = (load(reset), load(update), load(candidate));
                let of_output = load(gradient) + load(of_state);
                let of_n = of_output * (one - z) * (one - n * n);
                let of_r = of_n * load(carried) * (r * (one - r));
                let of_z = of_output * (load(last) - n) * (z * (one - z));
                of_r.store(reset, unit);
                of_z.store(update, unit);
                of_n.store(candidate, unit);
                of_r.store(of_reset, unit);
                of_z.store(of_update, unit);
                (of_n * r).store(of_candidate, unit);
                (of_output * z).store(of_state, unit);
            }
        }
    }
}

/// What the backward pass needs.
#[derive(Clone)]
struct Kept {
    sequence: Sequence,
    weight: FlexTensor,
    /// `[batch, time, 3 * units]`, activated.
    gates: FlexTensor,
    /// `[batch, time, units]`: what the last state contributes to the candidate.
    carried: Vec<f32>,
    /// `[batch, time, units]`.
    states: FlexTensor,
}

impl Derivative<3> for Kept {
    fn backward(self, gradient: FlexTensor, wanted: [bool; 3]) -> [Option<FlexTensor>; 3] {
        let Self { sequence, weight, mut gates, carried, states } = self;
        let Sequence { batch, time, units, .. } = sequence;
        let width = 3 * units;
        let gradient = owned(gradient);
        let transposed = Panels::new(View::columns(values(&weight), width), width, units);
        let mut of_sums = vec![0.0; batch * time * width];
        let rows = sequence.rows_of_a_part();
        let (wide, narrow) = (rows * time * width, rows * time * units);
        let written = gates.storage_mut::<f32>().par_chunks_mut(wide).zip(of_sums.par_chunks_mut(wide));
        let read = values(&states).par_chunks(narrow).zip(values(&gradient).par_chunks(narrow));
        written.zip(carried.par_chunks(narrow).zip(read)).for_each(
            |((gates, of_sums), (carried, (states, gradient)))| {
                backward(sequence, gates, of_sums, (carried, states, gradient), &transposed);
            },
        );
        let of_weight = wanted[1].then(|| sequence.of_weight(values(&states), &of_sums));
        let of_bias = wanted[2].then(|| tensor(column_sums(&of_sums, width), [width]));
        [wanted[0].then_some(gates), of_weight, of_bias]
    }
}

/// The sum of all rows.
fn column_sums(values: &[f32], width: usize) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for row in values.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    sums
}
