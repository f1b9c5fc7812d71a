use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A decay meant for each epoch is applied at each step, or the schedule is shorter than the run: most of the steps
    /// change nothing.
    ///
    /// ## How it is weighed
    /// A learning rate below a thousandth of its largest value for a good part of the run speaks for it, together with
    /// a result that is poor.
    ///
    /// ## Example
    /// ```trace
    /// step    loss      accuracy  chance_loss  learning_rate
    /// 0..199  2.4->2.2  0.1       2.3          0.1=>1e-9
    /// cause
    /// ```
    /// ```trace
    /// step    loss      accuracy   chance_loss  learning_rate
    /// 0..199  2.3->0.1  0.1->0.97  2.3          0.1=>1e-9
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Decay once an epoch, or give the schedule the length of the run.
    ///
    /// ## References
    /// - Loshchilov, Hutter, *SGDR*, 2017, arXiv:1608.03983
    pub(crate) static LEARNING_RATE_SCHEDULE_COLLAPSED: CauseRule = CauseRule {
        slug: "learning-rate-schedule-collapsed",
        title: "The schedule has driven the learning rate to nothing",
        explains: &[
            "learning-rate-collapsed", "loss-still-falling", "loss-flat", "loss-at-chance", "worse-than-neighbours",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY).symptom("learning-rate-collapsed", 5.0).unless_in_trouble(3.0).done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::choose("keep the learning rate constant", "schedule.kind", "constant")]
}
