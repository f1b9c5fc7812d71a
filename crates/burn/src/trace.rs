//! Records the operations of one step, to find the first whose result is not finite.
//!
//! Each operation of [`crate::ops`] hands its inputs and its output to the trace. In the backward pass an identity on every
//! input and output tells which operation got a finite gradient and passed on a non-finite one.
use crate::backward::{SeeGradient, on_gradient};
use crate::scope;
use crate::tensor::{on_cpu, with_flex};
use barograph_stats::{Options, read};
use barograph_vocab::{Exactness, Incident, OperationInput, Phase, Reading, RowsOf, SourceLine};
use burn::prelude::*;
use burn_flex::FlexTensor;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rows listed in an incident; the rest are only counted.
const MAX_ROWS: usize = 16;

/// Records the operations of one step.
#[derive(Clone, Default)]
pub struct Trace(Arc<Mutex<Recorded>>);

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trace")
    }
}

#[derive(Default)]
struct Recorded {
    operations: Vec<Operation>,
    /// Gradients seen so far: numbers the backward pass.
    gradients: usize,
}

struct Operation {
    name: &'static str,
    site: String,
    /// `None` for code that is recorded as a whole: what it did inside is only known if it was written with `ops`.
    source: Option<SourceLine>,
    inputs: Vec<Input>,
    output: Option<Seen>,
    output_gradient: Option<Seen>,
}

struct Input {
    name: &'static str,
    value: Seen,
    gradient: Option<(usize, Seen)>,
}

/// A tensor of the step, shared with the training, and whether it was finite.
struct Seen {
    tensor: FlexTensor,
    finite: bool,
}

impl Seen {
    fn new(tensor: FlexTensor) -> Self {
        let finite =
            with_flex(&tensor, |elements| read(elements, Options::default()).non_finite() == 0).unwrap_or(true);
        Self { tensor, finite }
    }

    fn shape(&self) -> Vec<u32> {
        self.tensor.layout().shape().iter().map(|&axis| axis as u32).collect()
    }

    fn reading(&self) -> Reading {
        let options = Options { bound: None, histogram: true };
        with_flex(&self.tensor, |elements| read(elements, options)).unwrap_or(Reading::EMPTY)
    }

    fn describe(&self, name: &str) -> OperationInput {
        OperationInput { name: name.to_owned(), shape: self.shape(), reading: self.reading() }
    }

    /// Places along the first axis with a non-finite element, if that axis is the batch.
    fn bad_rows(&self, batch: usize) -> Vec<usize> {
        let shape = self.shape();
        if self.finite || shape.first() != Some(&(batch as u32)) {
            return Vec::new();
        }
        let width = shape[1..].iter().map(|&axis| axis as usize).product::<usize>().max(1);
        let whole = self.tensor.to_contiguous();
        let values = whole.as_slice::<f32>().unwrap_or(&[]);
        values
            .chunks(width)
            .enumerate()
            .filter(|(_, row)| row.iter().any(|x| !x.is_finite()))
            .map(|(row, _)| row)
            .collect()
    }
}

/// What a trace found.
pub(crate) struct FirstBad {
    pub(crate) incident: Incident,
    /// Places in the batch.
    pub(crate) places: Vec<usize>,
}

impl Trace {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first operation, forward and then backward, that made something non-finite out of finite inputs.
    ///
    /// `rows` are the data-set rows of the batch, in batch order. `None` when every operation was fine, or when the first
    /// non-finite result came of a non-finite input: then the batch or a weight was bad before the step began.
    #[must_use]
    pub fn incident(&self, step: u64, rows: &[u64]) -> Option<Incident> {
        let recorded = self.lock();
        let FirstBad { mut incident, places } =
            recorded.first_forward(rows.len()).or_else(|| recorded.first_backward(rows.len()))?;
        let mut bad: Vec<u64> = places.iter().filter_map(|&place| rows.get(place).copied()).collect();
        bad.sort_unstable();
        incident.step = step;
        incident.row_count = bad.len() as u64;
        bad.truncate(MAX_ROWS);
        incident.rows = bad;
        Some(incident)
    }
}

impl Trace {
    /// Runs code that may use any operation, and records it as a whole: it is named when none of its own operations is.
    pub fn whole<const A: usize, const B: usize>(
        &self,
        name: &'static str,
        site: &str,
        x: Tensor<A>,
        run: impl FnOnce(Tensor<A>) -> Tensor<B>,
    ) -> Tensor<B> {
        let recording = Recording::record(self.clone(), name, site.to_owned(), None);
        let x = recording.input("input", x);
        recording.output(run(x))
    }

    /// Records that the forward pass reached a site with this value.
    pub(crate) fn reached<const D: usize>(&self, site: &str, x: Tensor<D>) -> Tensor<D> {
        Recording::record(self.clone(), "forward", site.to_owned(), None).output(x)
    }
}

impl Recorded {
    /// Single operations, in execution order.
    fn single(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| operation.source.is_some())
    }

    /// Code that was recorded as a whole.
    fn whole(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| operation.source.is_none())
    }

    fn first_forward(&self, batch: usize) -> Option<FirstBad> {
        let bad_output = |operation: &&Operation| operation.output.as_ref().is_some_and(|output| !output.finite);
        let broke =
            |operation: &&Operation| bad_output(operation) && operation.inputs.iter().all(|input| input.value.finite);
        let operation = self.single().find(broke).or_else(|| self.whole().find(broke))?;
        let output = operation.output.as_ref()?;
        Some(FirstBad {
            places: output.bad_rows(batch),
            incident: Incident {
                inputs: operation.inputs.iter().map(|input| input.value.describe(input.name)).collect(),
                victims: self.single().filter(bad_output).count().max(1) as u32,
                ..operation.incident(Phase::Forward)
            },
        })
    }

    fn first_backward(&self, batch: usize) -> Option<FirstBad> {
        let broke = |operation: &&Operation| operation.bad_gradient().is_some();
        let order = |operation: &&Operation| operation.bad_gradient().map(|(order, _)| order);
        let single = self.single().filter(broke).min_by_key(order);
        let operation = single.or_else(|| self.whole().filter(broke).min_by_key(order))?;
        let (_, gradient) = operation.bad_gradient()?;
        let mut inputs: Vec<_> = operation.inputs.iter().map(|input| input.value.describe(input.name)).collect();
        inputs.extend(operation.output_gradient.as_ref().map(|seen| seen.describe("incoming gradient")));
        let victim = |operation: &&Operation| {
            operation.inputs.iter().any(|input| input.gradient.as_ref().is_some_and(|(_, seen)| !seen.finite))
        };
        Some(FirstBad {
            places: gradient.bad_rows(batch),
            incident: Incident {
                inputs,
                victims: self.single().filter(victim).count().max(1) as u32,
                ..operation.incident(Phase::Backward)
            },
        })
    }
}

impl Operation {
    fn incident(&self, phase: Phase) -> Incident {
        Incident {
            step: 0,
            phase,
            operation: self.name.to_owned(),
            site: self.site.clone(),
            source: self.source.clone(),
            rows: Vec::new(),
            rows_of: RowsOf::DataSet,
            row_count: 0,
            inputs: Vec::new(),
            victims: 0,
            exactness: Exactness::Exact,
        }
    }

    /// The first non-finite gradient that this operation passed on although it got a finite one.
    fn bad_gradient(&self) -> Option<(usize, &Seen)> {
        if self.output_gradient.as_ref().is_some_and(|gradient| !gradient.finite) {
            return None;
        }
        let gradients = self.inputs.iter().filter_map(|input| input.gradient.as_ref());
        gradients.filter(|(_, seen)| !seen.finite).min_by_key(|(order, _)| *order).map(|(order, seen)| (*order, seen))
    }
}

/// An operation that is being recorded.
pub(crate) struct Recording {
    trace: Trace,
    index: usize,
}

impl Recording {
    /// Begins to record an operation, if the calling thread's scope has a trace.
    pub(crate) fn begin(name: &'static str, caller: &'static Location<'static>) -> Option<Self> {
        let source = SourceLine { file: caller.file().to_owned(), line: caller.line(), text: String::new() };
        Some(Self::record(scope::trace()?, name, scope::site(), Some(source)))
    }

    fn record(trace: Trace, name: &'static str, site: String, source: Option<SourceLine>) -> Self {
        let index = {
            let mut recorded = trace.lock();
            let (inputs, output, output_gradient) = (Vec::new(), None, None);
            recorded.operations.push(Operation { name, site, source, inputs, output, output_gradient });
            recorded.operations.len() - 1
        };
        Self { trace, index }
    }

    /// Takes an input in and gives it back with its gradient watched.
    pub(crate) fn input<const D: usize>(&self, name: &'static str, x: Tensor<D>) -> Tensor<D> {
        let value = Seen::new(on_cpu(&x));
        let slot = {
            let mut recorded = self.trace.lock();
            let inputs = &mut recorded.operations[self.index].inputs;
            inputs.push(Input { name, value, gradient: None });
            inputs.len() - 1
        };
        on_gradient(x, GradientRecorder { trace: self.trace.clone(), operation: self.index, slot: Slot::Input(slot) })
    }

    /// Takes the result in and gives it back with its gradient watched.
    pub(crate) fn output<const D: usize>(&self, y: Tensor<D>) -> Tensor<D> {
        let value = Seen::new(on_cpu(&y));
        self.trace.lock().operations[self.index].output = Some(value);
        on_gradient(y, GradientRecorder { trace: self.trace.clone(), operation: self.index, slot: Slot::Output })
    }
}

#[derive(Clone, Copy)]
enum Slot {
    Input(usize),
    Output,
}

#[derive(Clone)]
struct GradientRecorder {
    trace: Trace,
    operation: usize,
    slot: Slot,
}

impl SeeGradient for GradientRecorder {
    fn see(self, gradient: &FlexTensor) {
        let seen = Seen::new(gradient.clone());
        let mut recorded = self.trace.lock();
        recorded.gradients += 1;
        let order = recorded.gradients;
        let operation = &mut recorded.operations[self.operation];
        match self.slot {
            Slot::Input(index) => operation.inputs[index].gradient = Some((order, seen)),
            Slot::Output => operation.output_gradient = Some(seen),
        }
    }
}
