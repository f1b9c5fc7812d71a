//! Finds the first bad operation of a step that broke, by running it again.
use crate::batches::Batch;
use crate::engine::{Engine, Eyes, State, StepPlan};
use crate::metrics::{Answers, Score};
use crate::model::Model;
use crate::snapshots::Snapshots;
use barograph_burn::{Parameters, Trace, elements};
use barograph_vocab::{Exactness, Incident, OperationInput, Phase, Reading, RowsOf};

/// Rows listed in an incident; the rest are only counted.
const MAX_ROWS: usize = 16;

/// Restores the nearest snapshot, repeats the steps up to `step`, and traces the last. `None` when nothing bad is found although every
/// loss has its bits, or the rows can no longer be read.
pub(crate) fn replay<M: Model>(
    engine: &Engine<'_>,
    snapshots: &Snapshots<M>,
    parameters: &Parameters,
    step: u64,
) -> Option<Incident> {
    let (state, steps) = snapshots.nearest(step)?;
    let mut repeat = Repeat { engine, parameters, state: state.clone(), exactness: Exactness::Exact };
    let ((last, bits), before) = steps.split_last()?;
    let mut previous = None;
    for (plan, bits) in before {
        repeat.run(plan, *bits)?;
        previous = Some(plan);
    }
    let batch = engine.rows.gather(&last.places).ok()?;
    let incident = bad_data(last, &batch)
        .or_else(|| repeat.bad_weight(previous.unwrap_or(last), Phase::Update))
        .or_else(|| repeat.traced(last, *bits))
        .or_else(|| repeat.bad_weight(last, Phase::Update))
        .or_else(|| repeat.fault(step))?;
    Some(Incident { exactness: repeat.exactness, ..incident })
}

struct Repeat<'a, M> {
    engine: &'a Engine<'a>,
    parameters: &'a Parameters,
    state: State<M>,
    exactness: Exactness,
}

impl<M: Model> Repeat<'_, M> {
    /// The first bad operation of a step, which is run once for each of its batches.
    ///
    /// Traced, a step runs fused operations one by one, which may round the loss differently. Whether the step is the one that was
    /// seen is found out first, from the same state.
    fn traced(&mut self, plan: &StepPlan, bits: u32) -> Option<Incident> {
        let before = self.state.clone();
        self.run(plan, bits)?;
        let batches = plan.places.chunks(self.engine.recipe.batch as usize);
        (0..).zip(batches).find_map(|(number, places)| {
            self.state = before.clone();
            let trace = Trace::default();
            self.step(plan, Some((&trace, number)))?;
            trace.incident(plan.step, &self.engine.rows.gather(places).ok()?.numbers)
        })
    }

    /// Repeats a step; its loss.
    fn step(&mut self, plan: &StepPlan, trace: Option<(&Trace, u32)>) -> Option<f32> {
        let batch = self.engine.rows.gather(&plan.places).ok()?;
        let eyes = Eyes { observer: None, trace };
        let (state, result) = self.engine.step(self.state.clone(), plan, batch, eyes, &mut Score::default());
        self.state = state;
        Some(result.loss)
    }

    /// Repeats a step, and notes whether its loss is the one that was seen.
    fn run(&mut self, plan: &StepPlan, bits: u32) -> Option<()> {
        let loss = self.step(plan, None)?;
        // Which of the NaNs it is depends on how the compiler ordered the operands of an addition; that is no other loss.
        let same = loss.to_bits() == bits || (loss.is_nan() && f32::from_bits(bits).is_nan());
        if !same && self.exactness == Exactness::Exact {
            self.exactness = Exactness::Inexact { step: plan.step };
        }
        Some(())
    }

    /// The step was not finite, and its repetition from the same bits is.
    fn fault(&self, step: u64) -> Option<Incident> {
        matches!(self.exactness, Exactness::Inexact { .. }).then(|| Incident {
            operation: "nothing that repeats".to_owned(),
            site: "loss".to_owned(),
            ..nothing_known(step)
        })
    }

    /// A weight that is not finite after the step of `plan`.
    fn bad_weight(&self, plan: &StepPlan, phase: Phase) -> Option<Incident> {
        let weight = self.parameters.first_non_finite(&self.state.model)?;
        let optimizer = self.engine.recipe.optimizer.kind.name();
        Some(Incident {
            phase,
            operation: format!("{optimizer} update"),
            site: weight.path.clone(),
            victims: 1,
            ..nothing_known(plan.step)
        })
    }
}

/// Inputs or targets that are not finite before anything is computed.
fn bad_data(plan: &StepPlan, batch: &Batch) -> Option<Incident> {
    let targets = match batch.answers() {
        Answers::Real(values) => values,
        Answers::Classes(_) => &[],
    };
    let find = |name: &str, values: &[f32], columns: usize| {
        let is_bad = |row: &&[f32]| row.iter().any(|value| !value.is_finite());
        let places = values.chunks(columns.max(1)).enumerate().filter(|(_, row)| is_bad(row)).map(|(place, _)| place);
        let mut rows: Vec<u64> = places.map(|place| batch.numbers[place]).collect();
        rows.sort_unstable();
        (!rows.is_empty()).then(|| Incident {
            phase: Phase::Data,
            operation: name.to_owned(),
            site: name.to_owned(),
            rows_of: RowsOf::DataSet,
            row_count: rows.len() as u64,
            rows: rows.into_iter().take(MAX_ROWS).collect(),
            inputs: vec![describe(name, [batch.len(), columns], values)],
            victims: 1,
            ..nothing_known(plan.step)
        })
    };
    find("input", &batch.inputs, batch.features).or_else(|| find("target", targets, batch.columns()))
}

fn describe(name: &str, shape: [usize; 2], values: &[f32]) -> OperationInput {
    let options = barograph_stats::Options { bound: None, histogram: true };
    let reading: Reading = barograph_stats::read(elements(values), options);
    OperationInput { name: name.to_owned(), shape: shape.map(|axis| axis as u32).to_vec(), reading }
}

fn nothing_known(step: u64) -> Incident {
    Incident {
        step,
        phase: Phase::Forward,
        operation: String::new(),
        site: String::new(),
        source: None,
        rows: Vec::new(),
        rows_of: RowsOf::DataSet,
        row_count: 0,
        inputs: Vec::new(),
        victims: 0,
        exactness: Exactness::Exact,
    }
}
