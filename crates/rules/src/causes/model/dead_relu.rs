use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A ReLU whose sum is negative for every example has neither an output nor a gradient. It stays so.
    ///
    /// ## How it is weighed
    /// Layers whose units are dead in batch after batch speak for it if the run is in trouble. Wide networks do well
    /// with many dead units.
    ///
    /// ## Example
    /// ```trace
    /// step   loss       accuracy  chance_loss  fc1/activation.zero_share  fc1/activation.dead  out/activation.max
    /// 0..99  2.31|2.30  0.1       2.3          1.0                        64                   3
    /// cause
    /// ```
    /// ```trace
    /// step   loss      accuracy   chance_loss  fc1/activation.zero_share  fc1/activation.dead
    /// 0..99  2.3->0.1  0.1->0.97  2.3          0.6                        20
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Lower the learning rate, use He initialization, or leaky ReLU.
    ///
    /// ## References
    /// - Lu et al., *Dying ReLU and Initialization*, 2019, arXiv:1903.06733
    pub(crate) static DEAD_RELU: CauseRule = CauseRule {
        slug: "dead-relu",
        title: "Units that are zero for every input",
        explains: &["units-dead", "gradient-all-zero", "output-constant", "loss-flat", "loss-at-chance"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let site = case.finding("units-dead").and_then(|finding| case.sites.find(finding.site.as_deref()?));
    let is_output = site.is_some() && site == case.in_order(Role::Activation).next_back();
    let thrown = clues::thrown_before_dying(case);
    case.weigh(UNLIKELY)
        .symptom("units-dead", 3.0)
        .symptom("gradient-all-zero", 0.7)
        .first_symptom(&[("output-constant", 0.7), ("loss-flat", 0.7), ("loss-at-chance", 0.7)])
        .when(is_output, -2.0, || Evidence::plain("the dead units are the outputs themselves", 0.0))
        .when(!case.has("units-dead"), -4.0, || Evidence::plain("no layer is dead", 0.0))
        .when(thrown.is_some(), -2.5, || {
            Evidence::plain("the weights were thrown far before the units died: that is the cause of it", 0.0)
        })
        .symptom("inputs-not-normalized", -1.0)
        .symptom("weight-zero", -4.0)
        .symptom("normalization-constant", -3.0)
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::activation(
            case,
            case.finding("units-dead").and_then(|finding| case.sites.find(finding.site.as_deref()?)),
            "leaky_relu",
        ),
        remedy::scale_rate(case, 0.1),
    ]
}
