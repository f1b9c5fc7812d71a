use crate::figure::figure;
use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds a loss that jumps up and down between steps and no longer falls.
    ///
    /// ## Why it matters
    /// Each update undoes the one before: the step is longer than the valley is wide, or the batch is too small to
    /// point anywhere.
    ///
    /// ## How it is detected
    /// Over the last half of the run the mean change from step to step is above `NOISE` of the loss itself, the loss of
    /// the last quarter is above `STALL` of that of the quarter before the last half, and the network is not good
    /// (skill below `SKILL`, or no skill observed and the loss above half of what it was), and has not learned either: the
    /// loss is above `FELL` of what it was.
    ///
    /// ## Example
    /// ```trace
    /// step     loss      accuracy  chance_loss
    /// 0..19    5.0->1.5  0.4       1.1
    /// 20..199  0.5|2.5   0.4       1.1
    /// finding at end
    /// ```
    /// Single examples give a noisy loss, and training goes well:
    /// ```trace
    /// step    loss     accuracy  chance_loss
    /// 0..199  1.2|0.1  0.95      1.1
    /// healthy
    /// ```
    /// Where one class is rare, answers hardly beat the constant one, and the loss tells all the same:
    /// ```trace
    /// step     loss       accuracy  chance_loss
    /// 0..49    0.7->0.2   0.93      0.22
    /// 50..199  0.1|0.26   0.93      0.22
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Lower the learning rate or the momentum, or take larger batches.
    ///
    /// ## References
    /// - Smith, Kindermans, Ying, Le, *Don't Decay the Learning Rate, Increase the Batch Size*, 2018, arXiv:1711.00489
    pub(crate) static LOSS_OSCILLATING: Rule = Rule {
        code: "LOS006",
        name: "loss-oscillating",
        severity: Severity::Warning,
        needs: &[Need::Scalar(Scalar::Loss)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(LossOscillating),
    };
}

/// Mean change from step to step as a share of the loss. Our choice.
const NOISE: f64 = 0.4;

/// Share of the earlier loss that the later one must stay above. Our choice.
const STALL: f64 = 0.8;

/// A network above this learns, noise or not. Our choice.
const SKILL: f64 = 0.6;

/// Share of the first loss below which the network has learned, whatever its skill: where classes are rare or weighted, accuracy does not
/// tell. Our choice.
const FELL: f64 = 1.0 / 3.0;

/// Fewer steps show no rhythm. Our choice.
const LEAST_STEPS: u64 = 20;

struct LossOscillating;

impl Watch for LossOscillating {
    fn finish(&mut self, run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let digest = run.digest;
        let loss = &digest.loss;
        if loss.seen() < LEAST_STEPS || digest.broken_at.is_some() {
            return Verdict::TooEarly;
        }
        let parts = (
            loss.noise(0.5, 1.0),
            loss.mean(0.5, 1.0),
            loss.mean(0.25, 0.5),
            loss.mean(0.75, 1.0),
            digest.first_loss(),
        );
        let (Some(noise), Some(level), Some(before), Some(after), Some(first)) = parts else {
            return Verdict::TooEarly;
        };
        if level.abs() < noise.max(first.abs()) && level.min(first).min(after) < 0.0 {
            return Verdict::Healthy; // A loss of both signs has no size of its own that its jumps could be held against.
        }
        let good = level < FELL * first || digest.skill().map_or(level < 0.5 * first, |skill| skill >= SKILL);
        let share = noise / level.abs().max(f64::MIN_POSITIVE);
        if good || share <= NOISE || after <= STALL * before {
            return Verdict::Healthy;
        }
        let message = format!(
            "the loss jumps by {} from step to step about a level of {} that no longer falls",
            figure(noise),
            figure(level)
        );
        LOSS_OSCILLATING
            .found(run.last_step, message)
            .against("change from step to step over loss", share, NOISE)
            .into()
    }
}
