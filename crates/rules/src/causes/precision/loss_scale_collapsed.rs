use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The dynamic loss scale is halved for every overflow of a gradient. Here it never finds a value that fits: the
    /// gradients are infinite or NaN at any scale, and every step is skipped.
    ///
    /// ## How it is weighed
    /// A loss scale that falls without end speaks for it.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100 precision=float16
    /// step   loss       loss_scale
    /// 0..29  2.31|2.30  65536=>0.0001
    /// 30..99 2.31|2.30  0.0001
    /// cause
    /// ```
    /// ```trace
    /// facts: steps=100 precision=float16
    /// step   loss      loss_scale   accuracy   chance_loss
    /// 0..4   2.3       65536=>4096  0.1        2.3
    /// 5..99  2.3->0.1  4096         0.1->0.97  2.3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Compute in bfloat16, or find the operation that overflows and keep it in `f32`.
    ///
    /// ## References
    /// - Micikevicius et al., *Mixed Precision Training*, 2018, section 3.2, arXiv:1710.03740
    pub(crate) static LOSS_SCALE_COLLAPSED: CauseRule = CauseRule {
        slug: "loss-scale-collapsed",
        title: "The dynamic loss scale keeps halving",
        explains: &["loss-scale-falling"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    case.weigh(UNLIKELY)
        .symptom("loss-scale-falling", 4.5)
        .first_symptom(&[
            ("no-weight-changes", 1.0),
            ("loss-not-finite", 0.5),
            ("gradient-not-finite", 1.0),
            ("loss-flat", 1.0),
            ("loss-at-chance", 0.7),
        ])
        .when(!case.has("loss-scale-falling"), -6.0, || Evidence::plain("the loss scale does not fall", 0.0))
        .unless_in_trouble(1.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::advice("compute in bfloat16, which has the range of float32 and needs no loss scale"),
        remedy::advice("keep the operation that overflows in float32"),
    ]
}
