use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Units with equal weights compute the same, get the same gradient and stay equal. The layer is one unit wide.
    ///
    /// ## How it is weighed
    /// Rows of weights that are exactly equal speak for it, weights that are zero everywhere and stay so, and a constant
    /// initializer.
    ///
    /// ## Example
    /// ```trace
    /// step   loss       r2       fc1/weight.l2  fc1/weight.duplicates
    /// 0..29  0.9->0.55  0->0.45  0.1->0.2       63
    /// cause
    /// ```
    /// Zeros everywhere look like dead units:
    /// ```trace
    /// facts: steps=100
    /// sites: fc1 out
    /// step   loss       accuracy  chance_loss  fc1/weight.abs_max  out/weight.abs_max  fc1/activation.zero_share  fc1/activation.dead  fc1/gradient.l2  out/activation.max
    /// 0..99  2.31|2.30  0.1       2.3          0                   0                   1.0                        64                   0                0.1
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
        explains: &["weight-symmetric", "weight-zero"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// Where the first weights are that are equal, or zero.
fn equal_weights<'a>(case: &Case<'a>) -> Option<&'a str> {
    case.finding("weight-symmetric").or_else(|| case.finding("weight-zero"))?.site.as_deref()
}

fn weigh(case: &Case<'_>) -> Weighing {
    let site = equal_weights(case).and_then(|path| case.sites.find(path));
    let layer = site.map(|site| case.layer_of(site));
    let initializer = layer.and_then(|layer| case.facts.text_at(FactKey::Initializer, layer));
    case.weigh(UNLIKELY)
        .first_symptom(&[("weight-symmetric", 5.0), ("weight-zero", 5.0)])
        .when(case.has("weight-zero") && !case.has("weight-symmetric") && !case.in_trouble(), -4.0, || {
            Evidence::plain("the training itself shows no trouble", 0.0)
        })
        .when(matches!(initializer, Some("constant" | "zeros" | "ones")), 1.0, || {
            Evidence::plain("the initializer is constant", 0.0)
        })
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::initializer(case, equal_weights(case), "he_normal")]
}
