use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds, among several outputs that each have a loss of their own, the one whose loss grows by orders of magnitude.
    ///
    /// ## Why it matters
    /// The losses are added up, so that one that explodes takes the shared layers, and with them every other output, along. The sum alone does not
    /// say which it was.
    ///
    /// ## How it is detected
    /// The loss of the output, smoothed over `FAST` steps, exceeds `GROWTH` times the smallest that it was since the first `WARM_UP` steps, and
    /// what it began with too, in `READINGS` steps in a row; or it is not finite.
    ///
    /// ## Example
    /// ```trace
    /// step    loss       price/loss.mean  species/loss.mean
    /// 0..19   2.0        1.0->0.5         1.0
    /// 20..39  2.0=>1000  0.5              1.0=>1000
    /// finding at 30 species
    /// ```
    /// Losses of very different sizes may all be well:
    /// ```trace
    /// step    loss  price/loss.mean  species/loss.mean
    /// 0..39   1000  1000->900        1.0|1.5
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Give this output a smaller weight, bring its targets to the scale of 1, or clip the global gradient norm.
    ///
    /// ## References
    /// - Kendall, Gal, Cipolla, *Multi-Task Learning Using Uncertainty to Weigh Losses*, 2018, arXiv:1705.07115
    pub(crate) static OUTPUT_LOSS_EXPLODING: Rule = Rule {
        code: "LOS012",
        name: "output-loss-exploding",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Loss)],
        scope: Scope::Each(Role::Loss),
        since: "0.1.0",
        watch: || Box::new(OutputLossExploding { level: Ema::over(FAST), first: None, least: f64::INFINITY, streak: Streak::default() }),
    };
}

/// Times the smallest loss so far. Our choice: noise reaches three.
const GROWTH: f64 = 10.0;

/// Span of the average, in steps. Our choice.
const FAST: u32 = 3;

/// Steps in a row. Our choice.
const READINGS: u64 = 3;

/// Steps before the smallest is known. Our choice: short runs are judged too.
const WARM_UP: u64 = 5;

struct OutputLossExploding {
    level: Ema,
    first: Option<f64>,
    least: f64,
    streak: Streak,
}

impl Watch for OutputLossExploding {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(reading) = site.and_then(|site| view.reading(site, Role::Loss)) else { return Verdict::TooEarly };
        let name = site.map_or("?", |site| view.sites.path(site));
        if reading.non_finite() > 0 {
            let message = format!("the loss of the output {name} is no longer finite");
            return OUTPUT_LOSS_EXPLODING.found(view.step(), message).at(view, site, Role::Loss).into();
        }
        let loss = reading.mean.abs();
        let first = *self.first.get_or_insert(loss);
        self.level.push(loss);
        let Some(level) = self.level.get() else { return Verdict::TooEarly };
        if self.level.seen() <= WARM_UP {
            self.least = self.least.min(level);
            return Verdict::TooEarly;
        }
        let limit = GROWTH * self.least.max(f64::MIN_POSITIVE);
        self.least = self.least.min(level);
        if self.streak.push(level > limit && level > GROWTH * first) < READINGS {
            return Verdict::Healthy;
        }
        let message = format!("the loss of the output {name} grew from {} to {}", figure(first), figure(level));
        let draft = OUTPUT_LOSS_EXPLODING.found(view.step(), message).against("loss", level, GROWTH * first);
        draft.at(view, site, Role::Loss).into()
    }

    fn sees_broken_steps(&self) -> bool {
        true
    }
}
