use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The network is too small for what its inputs tell: it has learned all it can, and that is not much.
    ///
    /// ## How it is weighed
    /// A nearest neighbour that explains far more than the network speaks for it if the network has less than `FEW`
    /// parameters a training row, its loss is level, and training and validation agree. Whatever keeps
    /// a network from learning at all speaks against it.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=400 parameters=20 rows=1000
    /// step      loss      accuracy   chance_loss  fc1/weight.rms  fc1/update.rms
    /// 0..99     2.3->1.4  0.1->0.45  2.3          0.1             0.001
    /// 100..399  1.4|1.39  0.45       2.3          0.1             0.001
    /// data: rows=1000 neighbour_skill=0.95
    /// cause
    /// ```
    /// A large network has room enough, and is hindered by something else:
    /// ```trace
    /// facts: steps=400 parameters=200000 rows=1000
    /// step      loss      accuracy   chance_loss  fc1/weight.rms  fc1/update.rms
    /// 0..99     2.3->1.4  0.1->0.45  2.3          0.1             0.001
    /// 100..399  1.4|1.39  0.45       2.3          0.1             0.001
    /// data: rows=1000 neighbour_skill=0.95
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Give the network more units or layers.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 5.2: capacity, overfitting and underfitting
    pub(crate) static UNDERFITTING: CauseRule = CauseRule {
        slug: "underfitting",
        title: "The network is too small for its task",
        explains: &["worse-than-neighbours"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Parameters a training row. Our choice: with ten rows a parameter nothing can be memorized.
const FEW: f64 = 0.1;

/// Skill below which nothing at all was learned. Our choice: other causes are then more likely than a small network.
const LEARNED: f64 = 0.1;

/// Share of the last loss that a level loss would still fall within a run of this length. Our choice.
const LEVEL: f64 = 0.05;

/// Validation over training loss of networks that do not memorize. Our choice.
const AGREE: f64 = 1.3;

fn weigh(case: &Case<'_>) -> Weighing {
    let digest = case.digest;
    let counts = (case.facts.number(FactKey::Parameters), case.facts.number(FactKey::Rows));
    let room = counts.0.zip(counts.1).filter(|(_, rows)| *rows > 0.0).map(|(parameters, rows)| parameters / rows);
    let fall = digest.loss.slope(0.5, 1.0).zip(digest.last_loss()).map(|(slope, last)| -slope / last.abs().max(1e-12));
    let level = fall.filter(|fall| fall.abs() < LEVEL);
    let validation = digest.history.last_validation_loss.zip(digest.history.last_training_loss);
    let gap = validation.filter(|(_, training)| *training > 0.0).map(|(validation, training)| validation / training);
    let skill = digest.skill();
    case.weigh(UNLIKELY)
        .symptom("worse-than-neighbours", 1.5)
        .when(room.is_some_and(|room| room < FEW), 2.0, || {
            Evidence::against("parameters a training row", room.unwrap_or_default(), FEW)
        })
        .when(room.is_none_or(|room| room >= FEW), -3.0, || {
            Evidence::plain("the network is not known to be small", 0.0)
        })
        .given(level.map(|fall| Evidence::against("fall per run over loss", fall, LEVEL)), 1.0)
        .when(level.is_none(), -1.5, || Evidence::plain("the loss is not level", 0.0))
        .when(gap.is_some_and(|gap| gap < AGREE), 0.7, || {
            Evidence::against("validation loss over training loss", gap.unwrap_or_default(), AGREE)
        })
        .when(skill.is_none_or(|skill| skill < LEARNED), -2.5, || Evidence::plain("nothing was learned", 0.0))
        .symptom("validation-gap", -3.0)
        .symptom("loss-still-falling", -2.0)
        .symptom("loss-oscillating", -2.0)
        .symptom("loss-diverging", -3.0)
        .symptom("update-too-small", -2.0)
        .symptom("update-too-large", -1.5)
        .symptom("gradient-vanishing-over-depth", -1.5)
        .symptom("output-range-too-narrow", -4.0)
        .symptom("output-constant", -3.0)
        .symptom("units-dead", -1.5)
        .symptom("weight-symmetric", -3.0)
        .symptom("weight-zero", -3.0)
        .symptom("weight-unchanged", -2.0)
        .symptom("loss-broadcast", -3.0)
        .symptom("inputs-not-normalized", -1.5)
        .symptom("targets-not-normalized", -1.0)
        .symptom("learning-rate-collapsed", -2.0)
        .symptom("always-clipped", -1.0)
        .when(clues::hidden_softmax(case).1 > 0, -1.5, || Evidence::plain("a hidden layer has a softmax", 1.0))
        .unless_in_trouble(4.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::advice("give the network more units, or more layers")]
}
