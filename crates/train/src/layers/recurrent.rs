//! What the recurrent layers share: their weights, the walk over time, and both directions.
use super::carried::{Carried, Carry};
use super::{Fans, gru, initialize, lstm, masking, rnn, tap_as};
use crate::random::Random;
use crate::recipe::{Activation, RecurrentSpec, Shape};
use barograph_burn::{Scope, from_slice, ops, tap, to_vec};
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;
use burn::tensor::TensorData;

/// What a recurrent layer computes in one time step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// The plain recurrent cell with this activation function.
    Rnn(Activation),
    /// The long short-term memory; `forget_bias` is added to the bias of its forget gate at the start.
    Lstm {
        /// 1 lets the memory last from the first step on.
        forget_bias: f64,
    },
    /// The gated recurrent unit.
    Gru,
}

impl Cell {
    /// Blocks of `units` columns in the weights.
    const fn gates(self) -> usize {
        match self {
            Self::Rnn(_) => 1,
            Self::Lstm { .. } => 4,
            Self::Gru => 3,
        }
    }
}

/// A layer that carries a state from one time step to the next: `[time, features]` to `[time, units]`, or to the `[units]` of the
/// last step. With both directions the outputs of the two lie side by side.
#[derive(Module, Debug)]
pub struct Recurrent {
    /// From the first time step to the last.
    pub forward: Direction,
    /// From the last time step to the first.
    pub backward: Option<Direction>,
    #[module(skip)]
    input: Shape,
    #[module(skip)]
    output: Shape,
    return_sequences: bool,
    is_stateful: bool,
    #[module(skip)]
    carried: Carried,
}

impl Recurrent {
    /// A layer from `input` to `output`, with weights drawn from `random`.
    #[must_use]
    pub fn new(
        cell: Cell,
        [input, output]: [Shape; 2],
        spec: &RecurrentSpec,
        random: &mut Random,
        device: &Device,
    ) -> Self {
        let inputs = input.channels();
        let forward = Direction::new(cell, inputs, spec, random, device);
        let backward = spec.bidirectional.then(|| Direction::new(cell, inputs, spec, random, device));
        let (return_sequences, is_stateful) = (spec.return_sequences, spec.stateful);
        Self { forward, backward, input, output, return_sequences, is_stateful, carried: Carried::default() }
    }

    /// Whether the outputs have no time steps.
    pub(super) const fn ends_sequence(&self) -> bool {
        !self.return_sequences
    }

    /// A step of this epoch begins.
    pub(super) fn begin_step(&self, epoch: u64) {
        if self.is_stateful {
            self.carried.begin(epoch);
        }
    }

    /// What it carries from batch to batch.
    pub(crate) const fn carried(&self) -> &Carried {
        &self.carried
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let batch = x.dims()[0];
        let [time, features] = self.input.sequence();
        let x = ops::reshape(x, [batch, time, features]);
        let reads_on = self.is_stateful && Scope::is_training();
        let device = x.device();
        let carried = || self.carried.get(batch, &device).unwrap_or_else(|| self.forward.nothing(batch, &device));
        let (forward, end) = self.forward.run(site, x.clone(), false, reads_on.then(carried));
        if let Some(end) = end.filter(|_| reads_on) {
            self.carried.set(end);
        }
        let backward = self.backward.as_ref().map(|direction| direction.run(site, x, true, None).0);
        let y = if self.return_sequences {
            let y = joined(forward, backward, 2);
            ops::reshape(y, [batch, self.output.values() as usize])
        } else {
            // The last step of the backward direction is the first of the sequence.
            let state = |states: Tensor<3>, step| {
                let [batch, _, units] = states.dims();
                ops::reshape(ops::narrow(states, 1, step, 1), [batch, units])
            };
            joined(state(forward, time - 1), backward.map(|states| state(states, 0)), 1)
        };
        tap_as(site, Role::Activation, y, self.output)
    }
}

fn joined<const D: usize>(forward: Tensor<D>, backward: Option<Tensor<D>>, axis: usize) -> Tensor<D> {
    match backward {
        Some(backward) => ops::concat(forward, backward, axis),
        None => forward,
    }
}

/// The weights of one direction. The columns hold the gates one after the other: input, forget, candidate, output for an LSTM;
/// reset, update, candidate for a GRU.
#[derive(Module, Debug)]
pub struct Direction {
    /// `[features, gates * units]`.
    pub input_weight: Param<Tensor<2>>,
    /// `[units, gates * units]`.
    pub recurrent_weight: Param<Tensor<2>>,
    /// `[gates * units]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// `[gates * units]`, only in a GRU, whose reset gate acts behind it.
    pub recurrent_bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    cell: Cell,
    units: usize,
}

impl Direction {
    fn new(cell: Cell, inputs: usize, spec: &RecurrentSpec, random: &mut Random, device: &Device) -> Self {
        let units = spec.units as usize;
        let width = cell.gates() * units;
        let weights = &spec.weights;
        let fans = Fans { fan_in: inputs, fan_out: width };
        let recurrent = Fans { fan_in: units, fan_out: width };
        let input_weight = initialize(weights.initializer, inputs * width, fans, random);
        let recurrent_weight = initialize(spec.recurrent_initializer, units * width, recurrent, random);
        let matrix = |values, rows| {
            Param::from_tensor(from_slice(values, [rows, width], device)).set_require_grad(weights.trainable)
        };
        let mut bias = || {
            weights.bias.then(|| {
                let mut bias = initialize(weights.bias_initializer, width, fans, random);
                if let Cell::Lstm { forget_bias } = cell {
                    bias[lstm::FORGET * units..(lstm::FORGET + 1) * units]
                        .iter_mut()
                        .for_each(|bias| *bias += forget_bias as f32);
                }
                Param::from_tensor(from_slice(bias, [width], device)).set_require_grad(weights.trainable)
            })
        };
        let recurrent_bias = if cell == Cell::Gru { bias() } else { None };
        Self {
            input_weight: matrix(input_weight, inputs),
            recurrent_weight: matrix(recurrent_weight, units),
            bias: bias(),
            recurrent_bias,
            cell,
            units,
        }
    }

    /// The output of every step of `[batch, time, features]`, in the order of time: `[batch, time, units]`; and what there is to carry on,
    /// if it began with something carried.
    fn run(&self, site: &str, x: Tensor<3>, is_reversed: bool, start: Option<Carry>) -> (Tensor<3>, Option<Carry>) {
        let name = if is_reversed { "backward" } else { "forward" };
        Scope::at(name, || {
            let [batch, time, _] = x.dims();
            // What the inputs contribute does not depend on the state, so that one product does for all steps.
            let x = ops::linear(x, self.input_weight.val(), self.bias.as_ref().map(Param::val));
            let mask = masking::of_steps(batch, time);
            let whole = if start.is_none() && mask.is_none() { self.whole(x, is_reversed) } else { Err(x) };
            let (states, end) = match whole {
                Ok(states) => (states, None),
                Err(x) => {
                    let (states, end) = self.step_by_step(x, is_reversed, start, mask);
                    (states, Some(end))
                }
            };
            (tap(&format!("{site}.{name}"), states), end)
        })
    }

    /// The outputs of all steps in one operation, given what the inputs contribute; or that back.
    #[allow(clippy::result_large_err, reason = "the error is the input, given back to be used")]
    fn whole(&self, x: Tensor<3>, is_reversed: bool) -> Result<Tensor<3>, Tensor<3>> {
        let weight = self.recurrent_weight.val();
        match self.cell {
            Cell::Lstm { .. } => ops::fused::lstm(x, &weight, is_reversed),
            Cell::Gru => {
                let bias = self.recurrent_bias.as_ref().map(Param::val);
                ops::fused::gru(x, &weight, bias.as_ref(), is_reversed)
            }
            Cell::Rnn(Activation::Tanh) => ops::fused::rnn(x, &weight, is_reversed),
            Cell::Rnn(_) => Err(x),
        }
    }

    /// The same with an operation for everything that a step does.
    fn step_by_step(
        &self,
        x: Tensor<3>,
        is_reversed: bool,
        start: Option<Carry>,
        mask: Option<Tensor<2>>,
    ) -> (Tensor<3>, Carry) {
        let ([batch, time, _], device) = (x.dims(), x.device());
        let carry = start.unwrap_or_else(|| self.nothing(batch, &device));
        let mut steps = ops::unstack(x);
        let mut absent = mask.map_or_else(|| vec![None; time], |mask| absent_steps(&mask, self.units));
        if is_reversed {
            steps.reverse();
            absent.reverse();
        }
        let (mut states, carry) = self.walk(steps.into_iter().zip(absent), carry);
        if is_reversed {
            states.reverse();
        }
        (ops::stack(states), carry)
    }

    /// What a sequence begins with: zeros.
    fn nothing(&self, batch: usize, device: &Device) -> Carry {
        let zeros = || from_slice(vec![0.0; batch * self.units], [batch, self.units], device);
        Carry { state: zeros(), memory: zeros() }
    }

    /// The state after each step; where a step is absent `[batch, units]`, that before it.
    fn walk(&self, steps: impl Iterator<Item = (Tensor<2>, Absent)>, carry: Carry) -> (Vec<Tensor<2>>, Carry) {
        let Carry { mut state, mut memory } = carry;
        let weight = self.recurrent_weight.val();
        let recurrent_bias = self.recurrent_bias.as_ref().map(Param::val);
        let mut states = Vec::new();
        for (x, absent) in steps {
            let before = (state.clone(), memory.clone());
            let recurrent = ops::linear(state.clone(), weight.clone(), recurrent_bias.clone());
            state = match self.cell {
                Cell::Rnn(activation) => rnn::step(x, recurrent, activation),
                Cell::Gru => gru::step(&x, &recurrent, state, self.units),
                Cell::Lstm { .. } => {
                    let (output, kept) = lstm::step(x, recurrent, memory, self.units);
                    memory = kept;
                    output
                }
            };
            if let Some(absent) = absent {
                state = ops::choose(absent.clone(), before.0, state);
                memory = ops::choose(absent, before.1, memory);
            }
            states.push(state.clone());
        }
        (states, Carry { state, memory })
    }
}

/// Which sequences have no such step, if any: `[batch, units]`.
type Absent = Option<Tensor<2, Bool>>;

/// For each time step of a mask `[batch, time]`, which sequences only fill up there.
fn absent_steps(mask: &Tensor<2>, units: usize) -> Vec<Absent> {
    let ([batch, time], present, device) = (mask.dims(), to_vec(mask), mask.device());
    let of = |step: usize| {
        let absent: Vec<bool> = (0..batch).map(|row| present[row * time + step] == 0.0).collect();
        absent.contains(&true).then(|| {
            let wide = absent.iter().flat_map(|&absent| std::iter::repeat_n(absent, units)).collect();
            Tensor::from_data(TensorData::new(wide, [batch, units]), &device)
        })
    };
    (0..time).map(of).collect()
}
