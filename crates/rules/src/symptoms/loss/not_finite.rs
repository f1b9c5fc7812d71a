use crate::prelude::*;

rule! {
    /// ## What it does
    /// Stops at the first loss that is NaN or infinite.
    ///
    /// ## Why it matters
    /// Every weight is NaN one step later. Nothing after this can be kept.
    ///
    /// ## How it is detected
    /// The loss of a step is not finite.
    ///
    /// ## Example
    /// ```trace
    /// step  loss
    /// 0..4  2.30
    /// 5     NaN
    /// finding at 5
    /// ```
    /// A loss may be large and is finite all the same:
    /// ```trace
    /// step  loss
    /// 0..9  2.3=>1e30
    /// healthy
    /// ```
    ///
    /// Where there are several outputs, the one whose loss broke is named:
    /// ```trace
    /// step  loss  price/loss.nan  species/loss.nan
    /// 0..4  2.30  0               0
    /// 5     NaN   0               1
    /// finding at 5 species
    /// ```
    ///
    /// ## Fix
    /// Return to the last good checkpoint. The cause below this finding says what to change; most often it is the learning rate, a
    /// logarithm of zero, or data that are not finite.
    ///
    /// ## References
    /// - IEEE 754-2019, section 6.2: operations on NaN give NaN
    pub(crate) static LOSS_NOT_FINITE: Rule = Rule {
        code: "LOS001",
        name: "loss-not-finite",
        severity: Severity::Error,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossNotFinite),
    };
}

struct LossNotFinite;

impl Watch for LossNotFinite {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        match view.scalar(Scalar::Loss) {
            None => Verdict::TooEarly,
            Some(loss) if loss.is_finite() => Verdict::Healthy,
            Some(loss) => {
                let mut outputs = view.each(Role::Loss);
                let broken = outputs.find(|(_, reading)| reading.non_finite() > 0).map(|(site, _)| site);
                let message = match broken {
                    Some(site) => format!("the loss became {loss}, by that of the output {}", view.sites.path(site)),
                    None => format!("the loss became {loss}"),
                };
                let draft = LOSS_NOT_FINITE.found(view.step(), message).plain("loss", loss);
                if broken.is_some() { draft.at(view, broken, Role::Loss).into() } else { draft.into() }
            }
        }
    }

    fn sees_broken_steps(&self) -> bool {
        true
    }
}
