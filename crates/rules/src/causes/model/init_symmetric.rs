use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Units with equal weights compute the same, get the same gradient and stay equal. The layer is one unit wide.
    ///
    /// ## How it is weighed
    /// Rows of weights that are exactly equal speak for it, and a constant initializer.
    ///
    /// ## Example
    /// ```trace
    /// step   loss       r2       fc1/weight.l2  fc1/weight.duplicates
    /// 0..29  0.9->0.55  0->0.45  0.1->0.2       63
    /// cause
    /// ```
    /// ```trace
    /// step   loss      r2      fc1/weight.l2  fc1/weight.duplicates
    /// 0..29  0.9->0.1  0->0.9  0.1            0
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Draw the weights at random: He for ReLU, Glorot for tanh and sigmoid.
    ///
    /// ## References
    /// - Goodfellow, Bengio, Courville, *Deep Learning*, 2016, section 8.4
    pub(crate) static INIT_SYMMETRIC: CauseRule = CauseRule {
        slug: "init-symmetric",
        title: "Equal weights: units never differ",
        explains: &["weight-symmetric"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let site = case.finding("weight-symmetric").and_then(|finding| case.sites.find(finding.site.as_deref()?));
    let layer = site.map(|site| case.layer_of(site));
    let initializer = layer.and_then(|layer| case.facts.text_at(FactKey::Initializer, layer));
    case.weigh(UNLIKELY)
        .symptom("weight-symmetric", 5.0)
        .when(matches!(initializer, Some("constant" | "zeros" | "ones")), 1.0, || {
            Evidence::plain("the initializer is constant", 0.0)
        })
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::initializer(
        case,
        case.finding("weight-symmetric").and_then(|finding| finding.site.as_deref()),
        "he_normal",
    )]
}
