use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A softmax makes units compete: each row sums to 1, so that with many units all of them are small, and one that wins
    /// switches the gradient of all others off. It belongs behind the last layer, or into attention.
    ///
    /// ## How it is weighed
    /// A dense or convolutional layer that is known to have a softmax and is not the last one speaks for it if the run learns
    /// little.
    ///
    /// ## Example
    /// ```trace
    /// facts: fc1.layer=dense fc1.activation=softmax fc2.layer=dense fc2.activation=linear
    /// sites: fc1 fc2
    /// step   loss       accuracy  chance_loss  fc1/activation.min  fc1/activation.max  fc2/activation.max
    /// 0..99  2.31|2.30  0.1       2.3          0.001               0.1                 3
    /// cause
    /// ```
    /// ```trace
    /// facts: fc1.layer=dense fc1.activation=softmax fc2.layer=dense fc2.activation=linear
    /// step   loss      accuracy   chance_loss
    /// 0..99  2.3->0.1  0.1->0.97  2.3
    /// no cause
    /// ```
    /// The softmax of attention, and of the last layer:
    /// ```trace
    /// facts: block.layer=attention block.activation=softmax fc2.layer=dense fc2.activation=softmax
    /// step   loss       accuracy  chance_loss
    /// 0..99  2.31|2.30  0.1       2.3
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Use ReLU or GELU between layers.
    ///
    /// ## References
    /// - Humbatova et al., *Taxonomy of Real Faults in Deep Learning Systems*, 2020: wrong type of activation function
    pub(crate) static HIDDEN_ACTIVATION_SOFTMAX: CauseRule = CauseRule {
        slug: "hidden-activation-softmax",
        title: "Softmax between hidden layers",
        explains: &[
            "loss-flat", "loss-at-chance", "worse-than-neighbours", "loss-still-falling",
            "gradient-vanishing-over-depth", "activation-shrinking-over-depth",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let (site, layers) = clues::hidden_softmax(case);
    case.weigh(UNLIKELY)
        .when(layers > 0, 3.0, || Evidence::plain("hidden layers with a softmax", layers as f64))
        .when(layers == 0, -6.0, || Evidence::plain("no hidden layer is known to have a softmax", 0.0))
        .first_symptom(&[
            ("loss-at-chance", 1.5),
            ("loss-flat", 1.5),
            ("worse-than-neighbours", 1.2),
            ("loss-still-falling", 1.0),
        ])
        .first_symptom(&[("gradient-vanishing-over-depth", 1.0), ("activation-shrinking-over-depth", 1.0)])
        .symptom("output-range-too-narrow", -1.5)
        .symptom("no-weight-changes", -3.0)
        .at(site)
        .unless_in_trouble(4.0)
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    vec![remedy::activation(case, clues::hidden_softmax(case).0, "relu")]
}
