use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;
use barograph_vocab::Exactness;

rule! {
    /// ## What it means
    /// A step that is repeated from the same bits gives another result. Training is deterministic here, so that memory or a processor
    /// changed a bit, or a part of one's own draws random numbers or keeps a state that the trainer does not know of.
    ///
    /// ## How it is weighed
    /// The run broke, and the replay did not give the loss that was recorded. A step in which the replay finds nothing bad leaves little else.
    /// A run that had been running away would have broken anyway.
    ///
    /// ## Example
    /// ```trace
    /// step   loss
    /// 0..40  2.3->1.1
    /// 41     NaN
    /// incident: operation=nothing_that_repeats site=loss victims=0 inexact=41
    /// cause
    /// ```
    /// ```trace
    /// step   loss
    /// 0..40  2.3->1.1
    /// 41     NaN
    /// incident: operation=log site=head input.min=0 input.max=1 input.zeros=7
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Train once more with the same seed. If it breaks at another step or not at all, test the memory; if at the same, look at one's own
    /// parts.
    ///
    /// ## References
    /// - Dixit et al., *Silent Data Corruptions at Scale*, 2021, arXiv:2102.11245
    pub(crate) static HARDWARE_FAULT: CauseRule = CauseRule {
        slug: "hardware-fault",
        title: "The same step, repeated, gives another result",
        explains: &["loss-not-finite", "gradient-not-finite", "weight-not-finite", "activation-not-finite"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let incident = case.incident.filter(|incident| matches!(incident.exactness, Exactness::Inexact { .. }));
    let nothing_bad = incident.is_some_and(|incident| incident.victims == 0);
    let weight = if incident.is_some() { 0.5 } else { 0.0 };
    case.weigh(UNLIKELY)
        .first_symptom(&[
            ("loss-not-finite", weight),
            ("gradient-not-finite", weight),
            ("weight-not-finite", weight),
            ("activation-not-finite", weight),
        ])
        .when(incident.is_some(), 3.0, || {
            Evidence::plain("a loss of the replay has other bits than the recorded one", 0.0)
        })
        .when(nothing_bad, 2.5, || Evidence::plain("the step that broke is finite when it is repeated", 0.0))
        .symptom("loss-diverging", -2.0)
        .symptom("gradient-exploding", -2.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::advice(
            "train once more with the same seed: a fault of the machine shows at another step or not at all; then test the memory (memtest86+), and an accelerator's error counters",
        ),
        remedy::advice("let parts of your own draw from the trainer's random numbers and keep no state between steps"),
    ]
}
