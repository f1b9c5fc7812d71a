//! What a model answers, in words.
use crate::callbacks::Samples;
use crate::callbacks::progress_bar::number;
use crate::metrics::Answers;
use crate::recipe::Task;

/// Numbers of one row that are shown (our choice).
const NUMBERS: usize = 6;

/// What a model answers for a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// The class, the labels or the numbers.
    pub(super) text: String,
    /// Whether it is right; nothing for numbers, which are near or far.
    pub(super) right: Option<bool>,
    /// The probability of the right class; for numbers, the first of them. Nothing for labels.
    pub(super) value: Option<f64>,
}

/// What one row asks of the model.
enum Question<'a> {
    /// A class of several, with their probabilities.
    Class { truth: usize, probabilities: Vec<f64> },
    /// Any of several labels, with the share of yes in each.
    Labels { truth: &'a [f32], yes: Vec<bool> },
    /// Numbers.
    Numbers { truth: Vec<f32>, outputs: &'a [f32] },
}

fn question<'a>(samples: &'a Samples<'_>, place: usize) -> Question<'a> {
    let outputs = &samples.outputs[place * samples.width..(place + 1) * samples.width];
    let count = samples.rows.len();
    let (class, truth): (_, &[f32]) = match samples.targets {
        Answers::Classes(classes) => (classes.get(place).copied(), &[]),
        Answers::Real(values) => {
            let columns = values.len() / count.max(1);
            (None, &values[place * columns..(place + 1) * columns])
        }
    };
    let numbers = || {
        let truth = class.map_or_else(|| truth.to_vec(), |class| vec![class as f32]);
        Question::Numbers { truth, outputs }
    };
    let logits = samples.scoring.logits;
    match (samples.scoring.task, class) {
        _ if !samples.scoring.aligned => numbers(),
        (Task::Regression, _) => numbers(),
        (Task::Multilabel, None) if truth.len() == outputs.len() => {
            let yes = outputs.iter().map(|output| *output > if logits { 0.0 } else { 0.5 }).collect();
            Question::Labels { truth, yes }
        }
        (_, class) => {
            let distribution = || {
                let largest = (0..).zip(truth).max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class);
                if truth.len() == 1 { Some(usize::from(truth[0] > 0.5)) } else { largest }
            };
            let truth_is_whole = truth.is_empty() || truth.len() == outputs.len();
            let class = class.map_or_else(distribution, |class| usize::try_from(class).ok());
            match class.filter(|_| truth_is_whole) {
                Some(truth) => Question::Class { truth, probabilities: probabilities(outputs, logits) },
                // Class numbers of several time steps, say.
                None => numbers(),
            }
        }
    }
}

/// The probability of each class. A single output says how likely class 1 is.
fn probabilities(outputs: &[f32], logits: bool) -> Vec<f64> {
    let outputs: Vec<f64> = outputs.iter().map(|output| f64::from(*output)).collect();
    if let [yes] = outputs[..] {
        let yes = if logits { 1.0 / (1.0 + (-yes).exp()) } else { yes };
        return vec![1.0 - yes, yes];
    }
    if !logits {
        return outputs;
    }
    let largest = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let scores: Vec<f64> = outputs.iter().map(|output| (output - largest).exp()).collect();
    let sum: f64 = scores.iter().sum();
    scores.iter().map(|score| score / sum).collect()
}

/// What the model answers for the row at this place.
pub(super) fn answer(samples: &Samples<'_>, place: usize) -> Answer {
    match question(samples, place) {
        Question::Class { truth, probabilities } => {
            let value = probabilities.get(truth).copied();
            if probabilities.iter().any(|probability| probability.is_nan()) {
                return Answer { text: "NaN".to_owned(), right: Some(false), value: Some(f64::NAN) };
            }
            // Of equal ones the first, as the score has it; a single output says yes above one half.
            let best = (0..).zip(&probabilities).fold((0, f64::NEG_INFINITY), |best, (class, &probability)| {
                if probability > best.1 { (class, probability) } else { best }
            });
            Answer { text: class_name(samples, best.0), right: Some(best.0 == truth), value }
        }
        Question::Labels { truth, yes } => {
            let right = truth.iter().zip(&yes).all(|(truth, yes)| (*truth > 0.5) == *yes);
            let labels = (0..yes.len()).filter(|label| yes[*label]);
            Answer { text: labels_text(samples, labels), right: Some(right), value: None }
        }
        Question::Numbers { outputs, .. } => {
            Answer { text: numbers(outputs), right: None, value: outputs.first().map(|output| f64::from(*output)) }
        }
    }
}

/// What would be right for the row at this place; and the number, where the answer is one.
pub(super) fn truth(samples: &Samples<'_>, place: usize) -> (String, Option<f64>) {
    match question(samples, place) {
        Question::Class { truth, .. } => (class_name(samples, truth), None),
        Question::Labels { truth, .. } => {
            let labels = (0..truth.len()).filter(|label| truth[*label] > 0.5);
            (labels_text(samples, labels), None)
        }
        Question::Numbers { truth, .. } => (numbers(&truth), truth.first().map(|value| f64::from(*value))),
    }
}

fn class_name(samples: &Samples<'_>, class: usize) -> String {
    samples.class_names.get(class).cloned().unwrap_or_else(|| class.to_string())
}

fn labels_text(samples: &Samples<'_>, labels: impl Iterator<Item = usize>) -> String {
    let names: Vec<String> = labels.map(|label| class_name(samples, label)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The first few numbers.
pub(super) fn numbers(values: &[f32]) -> String {
    let shown: Vec<String> = values.iter().take(NUMBERS).map(|value| number(f64::from(*value))).collect();
    let more = if values.len() > NUMBERS { format!(", ... ({} in all)", values.len()) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}
