use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a weight that grows far beyond its initial size and beyond what a layer needs.
    ///
    /// ## Why it matters
    /// Large weights saturate what follows and make the loss steep. They mostly come from steps that are too long, or
    /// from a loss that is lowest at infinity.
    ///
    /// ## How it is detected
    /// The root mean square of a weight (biases left out) is `GROWTH` times its initial one, and above `SIZE`.
    ///
    /// ## Example
    /// ```trace
    /// step   fc1/weight.rms
    /// 0..99  0.1=>20
    /// finding at 87 fc1
    /// ```
    /// Small initial weights may grow to an ordinary size:
    /// ```trace
    /// step   fc1/weight.rms
    /// 0..99  0.001=>0.2
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Lower the learning rate; add weight decay.
    ///
    /// ## References
    /// - Krogh, Hertz, *A Simple Weight Decay Can Improve Generalization*, 1992
    pub(crate) static WEIGHT_GROWING: Rule = Rule {
        code: "WGT005",
        name: "weight-growing",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Weight)],
        scope: Scope::Each(Role::Weight),
        since: "0.1.0",
        watch: || Box::new(WeightGrowing::default()),
    };
}

/// Times the initial size. Our choice.
const GROWTH: f64 = 20.0;

/// Root mean square. Our choice: with 100 inputs of unit scale the sum has a deviation of 100.
const SIZE: f64 = 10.0;

#[derive(Default)]
struct WeightGrowing {
    first: Option<f64>,
}

impl Watch for WeightGrowing {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site.filter(|site| view.is_matrix(*site)) else { return Verdict::TooEarly };
        let Some(weight) = view.reading(site, Role::Weight) else { return Verdict::TooEarly };
        let now = weight.rms();
        let first = *self.first.get_or_insert(now);
        let limit = SIZE.max(GROWTH * first);
        if now <= limit {
            return Verdict::Healthy;
        }
        let message = format!("the weight grew from {} to {} (root mean square)", figure(first), figure(now));
        let draft = WEIGHT_GROWING.found(view.step(), message).at(view, Some(site), Role::Weight);
        draft.against("root mean square", now, limit).into()
    }
}
