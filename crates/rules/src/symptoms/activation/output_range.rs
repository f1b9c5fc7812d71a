use crate::digest::SiteDigest;
use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds outputs that a bound keeps from where the targets are.
    ///
    /// ## Why it matters
    /// A sigmoid or softmax cannot put out 50, a ReLU cannot put out -1. The best such a network can do is to sit at
    /// the bound.
    ///
    /// ## How it is detected
    /// Over the whole run the outputs stay within 0..=1, within -1..=1, or at or above zero (touching it), while
    /// targets lie outside by more than `SHARE` of their own range. Class numbers are left out: they are not values to
    /// be put out.
    ///
    /// ## Example
    /// ```trace
    /// step   loss  out/output.min  out/output.max  y/target.min  y/target.max
    /// 0..19  5900  0.1             1               3             100
    /// finding at end out
    /// ```
    /// ReLU for targets of both signs:
    /// ```trace
    /// step   loss  out/output.min  out/output.max  y/target.min  y/target.max
    /// 0..19  0.5   0               2               -2            2
    /// finding at end out
    /// ```
    /// A linear output that has not learned anything yet is narrow, and not bounded:
    /// ```trace
    /// step   loss  fc/weight.rms  fc/activation.min  fc/activation.max  out/output.min  out/output.max  y/target.min  y/target.max
    /// 0..19  1.0   0.1            0.1                0.3                0.1             0.3             -3            3
    /// healthy
    /// ```
    /// Probabilities for targets of 0 and 1:
    /// ```trace
    /// step   loss  out/output.min  out/output.max  y/target.min  y/target.max
    /// 0..19  0.5   0.1             0.9             0             1
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Use a linear output for real targets, or scale the targets into the range of the activation.
    ///
    /// ## References
    /// - Bishop, *Pattern Recognition and Machine Learning*, 2006, section 5.2
    pub(crate) static OUTPUT_RANGE_TOO_NARROW: Rule = Rule {
        code: "ACT006",
        name: "output-range-too-narrow",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Output), Need::Reading(Role::Target)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(OutputRange),
    };
}

/// Share of the targets' range that lies outside. Our choice.
const SHARE: f64 = 0.05;

/// Room for rounding.
const ROUNDING: f64 = 1e-6;

/// Bounds of the usual activations: sigmoid and softmax, tanh, ReLU.
const BOUNDS: [(f64, f64, &str); 3] =
    [(0.0, 1.0, "between 0 and 1"), (-1.0, 1.0, "between -1 and 1"), (0.0, f64::INFINITY, "at or above 0")];

struct OutputRange;

impl Watch for OutputRange {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let digest = run.digest;
        let (Some((site, output)), Some((_, target))) = (run.output(), digest.only(Role::Target)) else {
            return Verdict::TooEarly;
        };
        if are_class_numbers(run) || is_linear(run, output) {
            return Verdict::Healthy;
        }
        let (low, high) = (output.min.min, output.max.max);
        let range = target.max.max - target.min.min;
        for (lower, upper, words) in BOUNDS {
            // A ReLU shows by touching its bound; a linear output may be positive by chance.
            let touches = upper.is_finite() || low == 0.0;
            let within = touches && low >= lower - ROUNDING && high <= upper + ROUNDING;
            let outside = (lower - target.min.min).max(target.max.max - upper);
            if within && outside > SHARE * range {
                let (least, most) = (target.min.min, target.max.max);
                let message = format!(
                    "the outputs stay {words}, and the targets reach from {} to {}",
                    figure(least),
                    figure(most)
                );
                let draft = OUTPUT_RANGE_TOO_NARROW.found(run.last_step, message).at(run, Some(site), Role::Output);
                return draft.against("largest output", high, upper).plain("largest target", most).into();
            }
        }
        Verdict::Healthy
    }
}

/// Whether the last layer puts out its weighted sums as they are: then no bound holds the outputs, and they stay where they are by chance.
///
/// Such a layer has a weight, no activation function that is known, and no pre-activation apart from its activation, which is the output.
fn is_linear(run: &RunView<'_>, output: &SiteDigest) -> bool {
    let digest = run.digest;
    let mut layers = run.sites.in_order().iter().rev().copied();
    let Some((last, activation)) = layers.find_map(|site| Some((site, digest.site(site, Role::Activation)?))) else {
        return false;
    };
    let same = activation.min.last == output.min.last && activation.max.last == output.max.last;
    let has_weight = digest.each(Role::Weight).any(|(site, _)| run.layer_of(site) == last);
    let function = run.facts.text_at(FactKey::Activation, last).filter(|name| *name != "linear");
    same && has_weight && function.is_none() && digest.site(last, Role::PreActivation).is_none()
}

/// Whether the targets are numbers of classes, one output each.
fn are_class_numbers(run: &RunView<'_>) -> bool {
    run.digest.data.as_ref().is_some_and(|data| data.targets.integer || !data.targets.class_counts.is_empty())
        || run.facts.is(FactKey::Task, &["multiclass"])
}
