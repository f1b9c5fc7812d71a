//! What a model must get right before its first step: the first loss, one row at a time, and evaluation apart from training.
use crate::batches::Batch;
use crate::engine::Engine;
use crate::error::TrainError;
use crate::losses::TargetTensor;
use crate::metrics::Answers;
use crate::model::Model;
use crate::recipe::{LayerKind, LayerSpec, LossTakes, Recipe};
use crate::subject::Subject;
use barograph_burn::{Scope, StepKey, cpu, device_of, from_slice, separate, to_vec};
use burn::prelude::*;

/// The multiple of its expectation above which a first loss is remarkable (our choice: weights as they are usually drawn add about a half).
const TOO_HIGH: f64 = 2.0;

/// Largest difference of an output, as a share of the largest output, that rounding may make (our choice: many times f32's epsilon, for
/// products are summed in another order).
const SAME: f32 = 1e-5;

/// Rows that are looked at (our choice: enough to see one row in another's output).
const ROWS: usize = 16;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct PreflightCheck {
    /// What it is about: `first loss`, `rows apart` or `evaluation`.
    pub name: &'static str,
    /// Whether it is as it should be; `None` where that cannot be said.
    pub passed: Option<bool>,
    /// What was seen, and what to do if it is wrong; one sentence.
    pub text: String,
}

/// Looks at a model before its first step:
///
/// - `first loss`: a network that has learned nothing should say so. Its loss is held against the loss of outputs that tell nothing: equal
///   probabilities for all classes (`ln k` for the cross-entropy of k classes), one half for each yes or no, 0 for real targets (for the mean
///   squared error the mean of squared targets, which is their variance where they are normalized). More than twice that is a network that is
///   sure of wrong answers: weights that are drawn too large, inputs or targets that are not normalized.
/// - `rows apart`: in evaluation the output for a row must not depend on the other rows of its batch, nor on their order.
/// - `evaluation`: twice the same inputs give the same outputs, to the last bit; and training differs from evaluation if there are layers for
///   which it should, dropout and batch norm, and only then.
///
/// # Errors
/// As a training: when model and data do not fit together.
pub fn preflight<M: Model>(subject: &Subject<'_, M>) -> Result<Vec<PreflightCheck>, TrainError> {
    subject.with_engine(|engine| {
        let places = engine.endless_plans().next().map(|plan| plan.places).unwrap_or_default();
        let batch = engine.rows.gather(&places)?;
        let few = engine.rows.gather(&places[..places.len().min(ROWS)])?;
        Ok(vec![
            first_loss(engine, subject.model, &batch),
            rows_apart(subject.model, &few),
            evaluation(engine, subject.model, &few),
        ])
    })
}

/// Runs a model on rows of inputs, for evaluation.
fn outputs<M: Model>(model: &M, inputs: &[f32], features: usize) -> Tensor<2> {
    let _scope = Scope::default().enter();
    let rows = inputs.len() / features.max(1);
    model.valid().forward(from_slice(inputs.to_vec(), [rows, features], &device_of(model, false)))
}

fn first_loss<M: Model>(engine: &Engine<'_>, model: &M, batch: &Batch) -> PreflightCheck {
    let name = "first loss";
    let answers = outputs(model, &batch.inputs, batch.features);
    let targets = batch.targets(&device_of(model, false));
    let loss = loss_of(engine, answers.clone(), &targets);
    let said = |passed, text| PreflightCheck { name, passed, text };
    if !loss.is_finite() {
        return said(
            Some(false),
            format!("the loss is {loss} before the first step; see barograph train for the operation that broke"),
        );
    }
    let facts = engine.loss.describe();
    let Some(takes) = facts.takes else {
        return said(None, format!("{loss:.4}; nothing is known of what this loss should begin with"));
    };
    let width = answers.dims()[1];
    let expected = loss_of(engine, knows_nothing(takes, batch.len(), width), &targets);
    let words = in_words(takes, batch, width, &facts.name, expected);
    let text = format!("{loss:.4}, where {words} would give {expected:.4}");
    if !expected.is_finite() {
        return said(None, format!("{loss:.4}; {words} would give {expected}"));
    }
    if loss <= TOO_HIGH * expected || expected <= 0.0 {
        return said(Some(true), text);
    }
    let advice = match takes {
        LossTakes::Real => {
            "targets or inputs may not be normalized, or the weights of the last layer are drawn too large"
        }
        _ => "the network is sure of wrong answers; inputs may not be normalized, or weights are drawn too large",
    };
    said(Some(false), format!("{text}: {advice}"))
}

fn loss_of(engine: &Engine<'_>, outputs: Tensor<2>, targets: &TargetTensor) -> f64 {
    let _scope = Scope::default().enter();
    f64::from(engine.loss.loss(outputs, targets).into_scalar::<f32>())
}

/// Outputs that tell nothing of the answer.
fn knows_nothing(takes: LossTakes, rows: usize, width: usize) -> Tensor<2> {
    let classes = width.max(1) as f32;
    let value = match takes {
        LossTakes::Logits | LossTakes::StepLogits | LossTakes::Real => 0.0,
        LossTakes::Distribution => 1.0 / classes,
        LossTakes::LogProbabilities => -classes.ln(),
        LossTakes::Probabilities => 0.5,
    };
    from_slice(vec![value; rows * width], [rows, width], &cpu(false))
}

/// What outputs that tell nothing are, and the number of classes where the loss is its logarithm.
fn in_words(takes: LossTakes, batch: &Batch, width: usize, loss: &str, expected: f64) -> String {
    let equal = || {
        let is_logarithm = (expected - (width as f64).ln()).abs() < 1e-4;
        if is_logarithm { format!("equal probabilities (ln {width})") } else { "equal probabilities".to_owned() }
    };
    match takes {
        LossTakes::Real if matches!(batch.answers(), Answers::Real(_)) => "outputs of 0".to_owned(),
        LossTakes::Real => "outputs of 0, half way between the classes,".to_owned(),
        LossTakes::Logits if width > 1 && !loss.starts_with("binary") => equal(),
        LossTakes::Distribution | LossTakes::LogProbabilities | LossTakes::StepLogits => equal(),
        LossTakes::Logits | LossTakes::Probabilities => "probabilities of one half".to_owned(),
    }
}

/// Whether two outputs are the same but for rounding.
fn same(a: &[f32], b: &[f32]) -> bool {
    let largest = a.iter().chain(b).fold(0.0_f32, |largest, value| largest.max(value.abs()));
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || (a - b).abs() <= SAME * largest)
}

fn rows_apart<M: Model>(model: &M, batch: &Batch) -> PreflightCheck {
    let (name, features, rows) = ("rows apart", batch.features, batch.len());
    let said = |passed, text: &str| PreflightCheck { name, passed, text: text.to_owned() };
    if rows < 2 {
        return said(None, "the batch has a single row, so that there is no other to depend on");
    }
    let together = to_vec(&outputs(model, &batch.inputs, features));
    if together.iter().any(|value| !value.is_finite()) {
        return said(None, "outputs are not finite, so that they cannot be compared");
    }
    let width = together.len() / rows;
    // All rows but the first become another one, in which nothing of the old is left.
    let mut others = batch.inputs.clone();
    for row in 1..rows {
        others.copy_within(..features, row * features);
    }
    let alone = to_vec(&outputs(model, &others, features));
    if !same(&together[..width], &alone[..width]) {
        return said(
            Some(false),
            "the output for a row depends on the other rows of its batch: look for a function along the batch (softmax_batch), or a reshape that moves rows",
        );
    }
    let reversed: Vec<f32> = batch.inputs.chunks(features.max(1)).rev().flatten().copied().collect();
    let backwards: Vec<f32> =
        to_vec(&outputs(model, &reversed, features)).chunks(width.max(1)).rev().flatten().copied().collect();
    if !same(&together, &backwards) {
        return said(
            Some(false),
            "outputs do not follow their rows when the batch is turned around: look for a function along the batch, or a reshape that moves rows",
        );
    }
    said(Some(true), "the output for a row depends on that row alone")
}

fn evaluation<M: Model>(engine: &Engine<'_>, model: &M, batch: &Batch) -> PreflightCheck {
    let name = "evaluation";
    let said = |passed, text: String| PreflightCheck { name, passed, text };
    let run = || to_vec(&outputs(model, &batch.inputs, batch.features));
    let (first, second) = (run(), run());
    if first.iter().zip(&second).any(|(a, b)| a.to_bits() != b.to_bits()) {
        let advice =
            "the same inputs give other outputs each time: something is random, or keeps a state, outside of training";
        return said(Some(false), advice.to_owned());
    }
    if first.iter().any(|value| !value.is_finite()) {
        return said(None, "outputs are not finite, so that they cannot be compared".to_owned());
    }
    let training = trained(engine, model, batch);
    let (differs, reasons) = (!same(&first, &training), reasons_to_differ(engine.recipe).join(" and "));
    // Nobody knows what is in a model of the user's own.
    let is_known = !model.facts().is_empty();
    let repeat = "outputs are the same each time";
    match (differs, reasons.is_empty()) {
        (true, _) if !is_known => said(Some(true), format!("{repeat}, and others than in training")),
        (true, false) => said(Some(true), format!("{repeat}, and differ from training by {reasons}")),
        (true, true) => {
            let text = "outputs differ from those of training, though there is neither dropout nor a batch norm";
            said(Some(false), text.to_owned())
        }
        (false, false) if is_known => said(
            None,
            format!("outputs are those of training, though there is {reasons}: it has no effect on these rows"),
        ),
        (false, _) => said(Some(true), format!("{repeat}, and those of training")),
    }
}

/// Outputs as the first step of training would have them.
fn trained<M: Model>(engine: &Engine<'_>, model: &M, batch: &Batch) -> Vec<f32> {
    let key = StepKey { seed: engine.recipe.seed, ..StepKey::default() };
    let _scope = Scope { training: true, key, ..Scope::default() }.enter();
    // The copy keeps what the model notes while it runs, such as running means, to itself.
    let model = separate(model);
    to_vec(&model.forward(from_slice(batch.inputs.clone(), [batch.len(), batch.features], &engine.device)))
}

/// Layers for which training is another thing than evaluation.
fn reasons_to_differ(recipe: &Recipe) -> Vec<&'static str> {
    fn find(layers: &[LayerSpec], found: &mut [bool; 3]) {
        for layer in layers {
            match &layer.kind {
                LayerKind::Dropout { rate } => found[0] |= *rate != 0.0,
                LayerKind::TransformerEncoder { block } | LayerKind::TransformerDecoder { block } => {
                    found[0] |= block.dropout != 0.0;
                }
                LayerKind::BatchNorm { .. } => found[1] = true,
                LayerKind::RRelu { lower, upper } => found[2] |= lower < upper,
                kind => find(kind.layers().unwrap_or_default(), found),
            }
        }
    }
    let mut found = [false; 3];
    find(&recipe.layers, &mut found);
    recipe.outputs.iter().for_each(|output| find(&output.layers, &mut found));
    found
        .into_iter()
        .zip(["dropout", "a batch norm", "a random rectifier"])
        .filter_map(|(found, name)| found.then_some(name))
        .collect()
}

#[cfg(test)]
mod tests;
