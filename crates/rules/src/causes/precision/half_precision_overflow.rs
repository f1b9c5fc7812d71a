use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// A number above 65,504 is infinite in fp16, and an exponential overflows above 11.1.
    ///
    /// ## How it is weighed
    /// Activations near that limit speak for it if the run then broke, and an exponential that overflowed on arguments
    /// between `EXP_HALF` and `EXP_SINGLE`. Without `float16` it is out of the question.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100 precision=float16
    /// step  loss  fc1/activation.abs_max  fc2/activation.abs_max  fc2/activation.inf
    /// 0..2  2.3   20=>200                 2000=>30000             0
    /// 3     NaN   200                     65000                   7
    /// cause
    /// ```
    /// ```trace
    /// facts: steps=100 precision=float16
    /// step  loss
    /// 0..2  2.3
    /// 3     NaN
    /// incident: operation=exp site=head input.min=-3 input.max=14
    /// cause
    /// ```
    /// In `f32` the same numbers have room:
    /// ```trace
    /// facts: steps=100 precision=float32
    /// step  loss  fc1/activation.abs_max  fc2/activation.abs_max
    /// 0..2  2.3   20=>200                 2000=>30000
    /// 3     NaN   200                     65000
    /// no cause
    /// ```
    /// ```trace
    /// facts: steps=100 precision=float16
    /// step   loss      accuracy   chance_loss  fc1/activation.abs_max
    /// 0..99  2.3->0.1  0.1->0.97  2.3          20000
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Compute in bfloat16, or keep the layer whose numbers are large in `f32`.
    ///
    /// ## References
    /// - IEEE 754-2019, binary16: the largest number is 65,504
    pub(crate) static HALF_PRECISION_OVERFLOW: CauseRule = CauseRule {
        slug: "half-precision-overflow",
        title: "A value above 65,504 in fp16",
        explains: &[
            "near-half-limit", "loss-not-finite", "activation-not-finite", "gradient-not-finite", "bad-exponential",
            "bad-operation",
        ],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// ln 65,504: above it an exponential is infinite in fp16.
const EXP_HALF: f64 = 11.09;

/// ln 3.4e38: above it an exponential is infinite in `f32` too.
const EXP_SINGLE: f64 = 88.7;

fn weigh(case: &Case<'_>) -> Weighing {
    let half = case.facts.is(FactKey::Precision, &["float16"]);
    let argument = case.incident.filter(|_| case.has("bad-exponential")).and_then(|incident| incident.inputs.first());
    let exponent = argument.map(|input| input.reading.max).filter(|max| (EXP_HALF..EXP_SINGLE).contains(max));
    let broke = case.digest.broken_at.is_some() || case.has("activation-not-finite");
    case.weigh(UNLIKELY)
        .symptom("near-half-limit", 3.5)
        .first_symptom(&[("activation-not-finite", 1.5), ("loss-not-finite", 1.5), ("gradient-not-finite", 1.0)])
        .symptom("bad-exponential", 0.5)
        .symptom("bad-operation", 0.5)
        .given(exponent.map(|max| Evidence::against("largest argument of the exponential", max, EXP_HALF)), 4.0)
        .when(!half, -9.0, || Evidence::plain("the run is not known to compute in float16", 0.0))
        .when(!broke, -5.0, || Evidence::plain("all numbers are finite", 0.0))
        .symptom("inputs-not-finite", -5.0)
        .symptom("weight-growing", -1.0)
        .symptom("loss-diverging", -1.0)
        .done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::advice("compute in bfloat16, which has the range of float32"),
        remedy::advice("keep the layer whose numbers are large in float32"),
    ]
}
