use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// exp(exp(x)) leaves the range of `f32` at x = 4.5. Two such layers are a matter of luck, three are not.
    ///
    /// ## How it is weighed
    /// Hidden activations that are all above zero and reach far speak for it, and so does an exponential that overflows
    /// between layers.
    ///
    /// ## Example
    /// ```trace
    /// declared: a.activation=exponential b.activation=exponential
    /// sites: a b c
    /// step  loss  a/activation.min  a/activation.max  b/activation.min  b/activation.max  b/activation.inf  c/activation.max
    /// 0..3  NaN   0.01              90                0.001             1e38              10                1
    /// cause
    /// ```
    /// ```trace
    /// sites: a b c
    /// step   loss      accuracy   chance_loss  a/activation.min  a/activation.max  b/activation.min  b/activation.max  c/activation.max
    /// 0..99  2.3->0.1  0.1->0.97  2.3          0                 9                 0                 12                3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Use ReLU or softplus between layers.
    ///
    /// ## References
    /// - Humbatova et al., *Taxonomy of Real Faults in Deep Learning Systems*, 2020: wrong type of activation function
    pub(crate) static HIDDEN_ACTIVATION_EXPONENTIAL: CauseRule = CauseRule {
        slug: "hidden-activation-exponential",
        title: "An exponential between layers grows without bound",
        explains: &[
            "activation-growing-over-depth", "activation-not-finite", "bad-exponential", "loss-not-finite",
            "loss-diverging", "gradient-not-finite",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// An activation that no sigmoid or softplus of sensible inputs reaches. Our choice.
const FAR: f64 = 50.0;

fn weigh(case: &Case<'_>) -> Weighing {
    let (site, known) = clues::hidden_activations(case, &["exponential", "exp"]);
    let mut hidden = case.in_order(Role::Activation);
    hidden.next_back();
    let positive = |site: &SiteId| {
        case.digest.site(*site, Role::Activation).is_some_and(|seen| seen.min.min > 0.0 && seen.max.max > FAR)
    };
    let measured = hidden.find(positive);
    case.weigh(UNLIKELY)
        .first_symptom(&[
            ("activation-not-finite", 1.5),
            ("bad-exponential", 1.5),
            ("activation-growing-over-depth", 1.5),
            ("loss-not-finite", 1.0),
            ("gradient-not-finite", 1.0),
            ("loss-diverging", 1.0),
        ])
        .when(known > 0, 3.5, || Evidence::plain("hidden layers with an exponential activation", known as f64))
        .when(measured.is_some(), 2.5, || {
            Evidence::against("a hidden layer is always positive and reaches beyond", FAR, FAR)
        })
        .when(known == 0 && measured.is_none(), -3.0, || {
            Evidence::plain("no hidden layer looks like an exponential", 0.0)
        })
        .symptom("inputs-not-finite", -5.0)
        .at(site.or(measured))
        .through(Some("exp"))
        .unless_in_trouble(3.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::activation(case, clues::hidden_activations(case, &["exponential", "exp"]).0, "relu")]
}
