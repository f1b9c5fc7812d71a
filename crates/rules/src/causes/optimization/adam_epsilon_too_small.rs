use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Adam divides each gradient by its running size plus epsilon. Where gradients are as small as rounding, epsilon alone
    /// could keep them from becoming steps of full length.
    ///
    /// ## How it is weighed
    /// Steps of full length along tiny gradients speak for it if the optimizer is an adaptive one with an epsilon of at most
    /// `SMALL` and the loss jumps about or diverges.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=200 optimizer=adam epsilon=1e-8
    /// step     loss      accuracy  chance_loss  learning_rate  fc1/gradient.rms  fc1/weight.rms  fc1/update.rms
    /// 0..19    5.0->1.5  0.4       1.1          0.001          1e-3              0.1             0.0009
    /// 20..199  0.5|2.5   0.4       1.1          0.001          1e-8              0.1             0.0009
    /// cause
    /// ```
    /// ```trace
    /// facts: steps=200 optimizer=adam epsilon=1e-8
    /// step    loss      accuracy   chance_loss  learning_rate  fc1/gradient.rms  fc1/weight.rms  fc1/update.rms
    /// 0..199  2.3->0.1  0.1->0.97  2.3          0.001          1e-8              0.1             0.0009
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Raise epsilon to 1e-4 or above.
    ///
    /// ## References
    /// - Kingma, Ba, *Adam*, 2015, arXiv:1412.6980
    /// - Szegedy et al., *Rethinking the Inception Architecture*, 2015: epsilon of 1.0, arXiv:1512.00567
    pub(crate) static ADAM_EPSILON_TOO_SMALL: CauseRule = CauseRule {
        slug: "adam-epsilon-too-small",
        title: "Gradients of next to nothing become steps of full length",
        explains: &["update-of-noise"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Epsilon of Adam as frameworks set it: 1e-8 in PyTorch, 1e-7 in Keras.
const SMALL: f64 = 1e-7;

fn weigh(case: &Case<'_>) -> Weighing {
    let epsilon = case.facts.number(FactKey::Epsilon);
    let adaptive = clues::is_adaptive(case);
    case.weigh(UNLIKELY)
        .symptom("update-of-noise", 2.5)
        .first_symptom(&[
            ("loss-oscillating", 2.0),
            ("loss-diverging", 1.5),
            ("loss-not-finite", 1.0),
            ("worse-than-neighbours", 0.5),
            ("loss-at-chance", 0.5),
        ])
        .when(epsilon.is_some_and(|epsilon| epsilon <= SMALL), 1.0, || {
            Evidence::against("epsilon", epsilon.unwrap_or_default(), SMALL)
        })
        .when(epsilon.is_some_and(|epsilon| epsilon > SMALL), -2.0, || {
            Evidence::against("epsilon", epsilon.unwrap_or_default(), SMALL)
        })
        .when(adaptive == Some(false), -6.0, || {
            Evidence::plain("the optimizer does not divide by the gradient's size", 0.0)
        })
        .when(!case.has("update-of-noise"), -6.0, || {
            Evidence::plain("no step is longer than its gradient warrants", 0.0)
        })
        .unless_in_trouble(5.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::set("raise epsilon to 1e-4", "optimizer.epsilon", EditValue::Number(1e-4)),
        remedy::scale_rate(case, 0.1),
    ]
}
