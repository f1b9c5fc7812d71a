use crate::clues::{self, UNLIKELY};
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A normalization over one value, or over values that do not vary, subtracts all there is and divides by nothing: its
    /// result is 0, or NaN where no constant is added to the variance.
    ///
    /// ## How it is weighed
    /// Normalization layers whose units are constant speak for it if the run learns little, and so does a first bad operation
    /// inside of such a layer.
    ///
    /// ## Example
    /// ```trace
    /// facts: norm.layer=batch_norm training_mode=true
    /// step   loss       accuracy  chance_loss  norm/activation.rms  norm/activation.zero_share  norm/activation.count  norm/activation.units  norm/activation.constant  norm/activation.dead  batch_rows
    /// 0..19  2.31|2.30  0.1       2.3          0                    1.0                         64                     64                     64                        64                    1
    /// cause
    /// ```
    /// ```trace
    /// facts: norm.layer=layer_norm
    /// step  loss  norm/activation.rms
    /// 0..2  2.3   1
    /// 3     NaN   1
    /// incident: operation=div site=norm input.min=0 input.max=0
    /// cause
    /// ```
    /// ```trace
    /// facts: norm.layer=batch_norm
    /// step   loss      accuracy   chance_loss  norm/activation.units  norm/activation.constant
    /// 0..99  2.3->0.1  0.1->0.97  2.3          64                     10
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Normalize over more values: larger batches, or group norm; drop the last batch if it has one row.
    ///
    /// ## References
    /// - Ioffe, Szegedy, *Batch Normalization*, 2015, arXiv:1502.03167
    pub(crate) static NORMALIZATION_DEGENERATE: CauseRule = CauseRule {
        slug: "normalization-degenerate",
        title: "Normalization over one value, or a variance of zero",
        explains: &[
            "normalization-constant", "bad-division", "bad-root", "bad-operation", "loss-not-finite",
            "activation-not-finite",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// What a normalization does with the deviation.
const DIVIDES: [&str; 5] = ["bad-division", "bad-root", "bad-operation", "activation-not-finite", "loss-not-finite"];

fn weigh(case: &Case<'_>) -> Weighing {
    let incident = case.incident.and_then(|incident| Some((incident, case.sites.find(&incident.site)?)));
    let inside = incident.filter(|(_, site)| clues::is_normalization(clues::layer_kind(case, *site)));
    // Large numbers that overflow in a normalization have grown elsewhere.
    let small = |incident: &Incident| incident.inputs.iter().all(|input| input.reading.abs_max < LARGE);
    let inside = inside.filter(|(incident, _)| small(incident));
    let found = inside.is_some() || case.has("normalization-constant");
    let weights = case.weigh(UNLIKELY);
    let weights = if inside.is_some() { weights.first_symptom(&DIVIDES.map(|name| (name, 1.5))) } else { weights };
    weights
        .symptom("normalization-constant", 3.5)
        .when(inside.is_some(), 4.5, || Evidence::plain("the first bad operation is inside of a normalization", 0.0))
        .first_symptom(&[
            ("loss-flat", 1.2),
            ("loss-at-chance", 1.2),
            ("output-constant", 1.2),
            ("worse-than-neighbours", 1.0),
        ])
        .when(!found, -9.0, || Evidence::plain("no normalization is known to be constant", 0.0))
        .symptom("weight-zero", -3.0)
        .symptom("inputs-not-finite", -4.0)
        .at(inside.map(|(_, site)| site))
        .unless_in_trouble(4.0)
        .done()
}

/// Squares of larger numbers overflow in half precision. Our choice.
const LARGE: f64 = 1e4;

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::set("take batches of 32 rows", "batch", EditValue::Number(32.0)),
        remedy::set("leave out the last batch of an epoch when it is short", "data.drop_last", EditValue::Flag(true)),
        remedy::advice("normalize over several features (group norm), and add a constant to the variance"),
    ]
}
