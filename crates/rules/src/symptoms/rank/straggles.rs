use crate::prelude::*;
use std::collections::BTreeMap;

rule! {
    /// ## What it does
    /// Finds a rank that takes far longer for its steps than the others.
    ///
    /// ## Why it matters
    /// In every step all ranks wait for the slowest. One that takes twice as long makes the whole training take twice as
    /// long.
    ///
    /// ## How it is detected
    /// The time that a rank needs by itself, without what it waits for the others, is more than `FACTOR` times the
    /// median of the other ranks, and more than `LEAST_SECONDS` above it, for `PATIENCE` steps in a row. Where a
    /// library averages the gradients, the backward pass is where ranks wait, so that only what comes before and after it
    /// is counted; where it gathers the weights, too, the forward pass is left out as well.
    ///
    /// ## Example
    /// ```trace
    /// facts: steps=100
    /// step    loss  rank=0.seconds  rank=1.seconds  rank=2.seconds
    /// 0..9    2.3   0.10            0.11            0.10
    /// 10..99  2.0   0.10            0.35            0.12
    /// finding at 29
    /// ```
    /// A checkpoint now and then, and a slow first step, are no reason to speak:
    /// ```trace
    /// facts: steps=100
    /// step    loss  rank=0.seconds  rank=1.seconds
    /// 0       2.3   9.0             0.11
    /// 1..99   2.0   0.10|0.5        0.11
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Look at what only this rank does: its share of the data may be larger or lie on a slower disk, it may write logs
    /// and checkpoints, or its processor may be shared, throttled or pinned badly.
    ///
    /// ## References
    /// - Jiang et al., *MegaScale: Scaling Large Language Model Training to More Than 10,000 GPUs*, NSDI 2024: stragglers
    ///   are found by the time of each rank beside the others
    pub(crate) static RANK_STRAGGLES: Rule = Rule {
        code: "RNK002",
        name: "rank-straggles",
        severity: Severity::Warning,
        needs: &[Need::Ranks, Need::Scalar(Scalar::StepSeconds)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(RankStraggles::default()),
    };
}

/// Our choice: half of the time of every step is then spent waiting.
const FACTOR: f64 = 2.0;

/// Our choice: what a busy system does to a process by chance.
const LEAST_SECONDS: f64 = 0.002;

/// Our choice: longer than a checkpoint or an evaluation, which one rank does for all, lasts.
const PATIENCE: Patience = Patience { steps: 20, share: 0.2 };

#[derive(Default)]
struct RankStraggles {
    streaks: BTreeMap<u32, Streak>,
}

impl Watch for RankStraggles {
    fn ranks(&mut self, run: &RunView<'_>, ranks: &RanksRecord) -> Verdict {
        let mut verdict = Verdict::TooEarly;
        for (at, rank) in ranks.ranks.iter().enumerate() {
            let Some(seconds) = rank.seconds else { continue };
            let Some(others) = median_without(&ranks.ranks, at) else { continue };
            let slow = seconds > FACTOR * others && seconds > others + LEAST_SECONDS;
            let streak = self.streaks.entry(rank.rank).or_default().push(slow);
            if streak >= PATIENCE.of(run.planned_steps) && !matches!(verdict, Verdict::Found(_)) {
                verdict = found(ranks.step, rank.rank, streak, seconds, others);
            } else if matches!(verdict, Verdict::TooEarly) {
                verdict = Verdict::Healthy;
            }
        }
        verdict
    }
}

fn found(step: u64, rank: u32, streak: u64, seconds: f64, others: f64) -> Verdict {
    let message = match others > 0.0 {
        true => {
            format!("rank {rank} takes {:.1} times as long as the others, {streak} steps in a row", seconds / others)
        }
        false => format!("rank {rank} takes {seconds:.3} s where the others take none, {streak} steps in a row"),
    };
    let draft = RANK_STRAGGLES.found(step, message).against("seconds of the step", seconds, FACTOR * others);
    draft.plain("median of the other ranks", others).into()
}

/// The median time of the ranks but one; the mean of the two in the middle for an even number.
fn median_without(ranks: &[RankReading], left_out: usize) -> Option<f64> {
    let others = ranks.iter().enumerate().filter(|(at, _)| *at != left_out);
    let mut seconds: Vec<f64> = others.filter_map(|(_, rank)| rank.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len().checked_sub(1)?;
    Some(f64::midpoint(seconds[middle / 2], seconds[middle.div_ceil(2)]))
}
