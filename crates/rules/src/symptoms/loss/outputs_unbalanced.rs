use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds an output whose loss drowns those of the others: nearly all that the shared layers learn comes from it.
    ///
    /// ## Why it matters
    /// The shared layers get the sum of what the losses send back. An output whose part is a hundredth of another's is not learned until
    /// that one is, and often never.
    ///
    /// ## How it is detected
    /// Over `STEPS` steps the norm of the gradient that one output sends into the layer that it hangs on is more than `SHARE` times that of the
    /// one that sends least, whose own loss does not fall.
    ///
    /// ## Example
    /// ```trace
    /// step   loss      price/loss.mean  species/loss.mean  price/activation_gradient.l2  species/activation_gradient.l2
    /// 0..59  900->800  900->800         1.1                50                            0.01
    /// finding at 29 species
    /// ```
    /// A small part is enough for an output that learns:
    /// ```trace
    /// step   loss      price/loss.mean  species/loss.mean  price/activation_gradient.l2  species/activation_gradient.l2
    /// 0..59  900->800  900->800         1.1->0.2           50                            0.01
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Give the output that dominates a smaller weight, the other one a larger, or bring real targets to the scale of 1.
    ///
    /// ## References
    /// - Chen, Badrinarayanan, Lee, Rabinovich, *GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks*, 2018,
    ///   arXiv:1711.02257
    pub(crate) static OUTPUTS_UNBALANCED: Rule = Rule {
        code: "LOS013",
        name: "outputs-unbalanced",
        severity: Severity::Note,
        needs: &[Need::Reading(Role::Loss), Need::Reading(Role::ActivationGradient)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(OutputsUnbalanced::default()),
    };
}

/// How many times more one output sends back than another. Our choice: weights of losses that people tune seldom go beyond a hundred.
const SHARE: f64 = 100.0;

/// Steps that are looked at. Our choice.
const STEPS: u64 = 30;

/// What a loss that learns falls to in those steps, as a share. Our choice.
const FALLEN: f64 = 0.95;

/// One output.
struct Part {
    site: SiteId,
    /// Sums over the steps.
    gradient: f64,
    first: Ema,
    last: Ema,
}

#[derive(Default)]
struct OutputsUnbalanced {
    parts: Vec<Part>,
    seen: u64,
}

impl Watch for OutputsUnbalanced {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        for (site, loss) in view.each(Role::Loss) {
            let Some(gradient) = view.reading(site, Role::ActivationGradient) else { continue };
            let at = self.parts.iter().position(|part| part.site == site).unwrap_or_else(|| {
                let (first, last) = (Ema::over(SPAN), Ema::over(SPAN));
                self.parts.push(Part { site, gradient: 0.0, first, last });
                self.parts.len() - 1
            });
            let part = &mut self.parts[at];
            part.gradient += gradient.l2;
            if part.first.seen() < u64::from(SPAN) {
                part.first.push(loss.mean);
            }
            part.last.push(loss.mean);
        }
        self.seen += 1;
        if self.parts.len() < 2 || self.seen < STEPS {
            return Verdict::TooEarly;
        }
        let by_gradient = |a: &&Part, b: &&Part| a.gradient.total_cmp(&b.gradient);
        let (Some(least), Some(most)) = (self.parts.iter().min_by(by_gradient), self.parts.iter().max_by(by_gradient))
        else {
            return Verdict::TooEarly;
        };
        let learns = least.last.get().zip(least.first.get()).is_none_or(|(last, first)| last < FALLEN * first);
        if least.gradient <= 0.0 || most.gradient <= SHARE * least.gradient || learns {
            return Verdict::Healthy;
        }
        let ratio = most.gradient / least.gradient;
        let (loser, winner) = (view.sites.path(least.site), view.sites.path(most.site));
        let message = format!(
            "the output {loser} does not learn: its loss sends back a gradient of norm {}, that of {winner} is {ratio:.0} times as large",
            figure(least.gradient / self.seen as f64)
        );
        let draft = OUTPUTS_UNBALANCED.found(view.step(), message).against("ratio of the gradient norms", ratio, SHARE);
        draft.at(view, Some(least.site), Role::Loss).into()
    }
}

/// Span of the averages of the first and of the last losses, in steps. Our choice.
const SPAN: u32 = 5;
