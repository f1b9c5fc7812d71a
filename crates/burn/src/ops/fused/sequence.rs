//! What recurrent layers share: where the numbers of an example and a time step lie, and the sums over both.
#![allow(clippy::inline_always, reason = "inlined into code for the instructions that this machine has")]

use super::are_separate;
use super::derivative::{owned, tensor};
use super::matrix::{Place, View, multiply};
use burn_flex::FlexTensor;

/// Examples, time steps and units of a recurrent layer.
#[derive(Clone, Copy)]
pub(super) struct Sequence {
    pub(super) batch: usize,
    pub(super) time: usize,
    pub(super) units: usize,
    /// Whether it runs from the last step to the first.
    pub(super) is_reversed: bool,
}

impl Sequence {
    /// The sizes of a layer whose sums are `x` `[batch, time, gates * units]` and whose weight is `[units, gates * units]`, if there is
    /// something to compute and the operations of each step are not looked at one by one.
    pub(super) fn new(gates: usize, x: [usize; 3], weight: [usize; 2], is_reversed: bool) -> Option<Self> {
        let ([batch, time, width], [units, columns]) = (x, weight);
        let is_sound = !are_separate() && batch * time * units > 0 && width == gates * units && columns == width;
        is_sound.then_some(Self { batch, time, units, is_reversed })
    }

    /// Numbers of which there is one for each example, step and unit.
    pub(super) const fn states(&self) -> usize {
        self.batch * self.time * self.units
    }

    /// Examples that one thread takes: the steps of one do not depend on another's.
    pub(super) fn rows_of_a_part(self) -> usize {
        self.batch.div_ceil(rayon::current_num_threads()).next_multiple_of(4)
    }

    /// Each place in time behind the one before it, in the order of the computation.
    pub(super) fn places(self) -> impl DoubleEndedIterator<Item = (Option<usize>, usize)> {
        let place = move |step: usize| if self.is_reversed { self.time - 1 - step } else { step };
        (0..self.time).map(move |step| (step.checked_sub(1).map(place), place(step)))
    }

    /// Where the numbers of one example at one time lie, `size` of them for each.
    #[inline(always)]
    pub(super) fn range(self, example: usize, place: usize, size: usize) -> std::ops::Range<usize> {
        let start = (example * self.time + place) * size;
        start..start + size
    }

    /// The gradient of the recurrent weight: the sum over examples and steps of the state before each step times the gradients of the
    /// sums in it, `gates * units` of them.
    pub(super) fn of_weight(self, states: &[f32], gradients: &[f32]) -> FlexTensor {
        let Self { batch, time, units, .. } = self;
        let mut before = vec![0.0; self.states()];
        for example in 0..batch {
            for (last, now) in self.places() {
                if let Some(last) = last {
                    before[self.range(example, now, units)].copy_from_slice(&states[self.range(example, last, units)]);
                }
            }
        }
        let steps = batch * time;
        let width = gradients.len() / steps;
        let mut result = vec![0.0; units * width];
        let (left, right) = (View::columns(&before, units), View::rows(gradients, width));
        multiply(left, right, [units, steps, width], &mut result, Place::Empty);
        tensor(result, [units, width])
    }
}

/// The tensor to be changed, which is a copy where others hold it too.
pub(super) fn taken(input: &mut super::derivative::Input) -> FlexTensor {
    owned(std::mem::replace(&mut input.value, tensor(Vec::new(), [0])))
}
