use super::names;
use crate::prelude::*;
use std::collections::BTreeMap;

rule! {
    /// ## What it does
    /// Says which rank of a distributed run was the first whose numbers were not finite.
    ///
    /// ## Why it matters
    /// Gradients are averaged over the ranks, so that one NaN on one rank is on all of them a moment later. What they
    /// show then says nothing; what began it, a batch or a device, is on the first rank.
    ///
    /// ## How it is detected
    /// The first step whose loss, gradients or weights are not finite is noted for each rank. Within a step, the loss
    /// comes before the gradients. It is a finding if some ranks were first and others were not. It is an error, because a
    /// rank that is lost makes the run useless even where rank 0, whose numbers the other rules read, is still finite; and
    /// no more than a note if rank 0 is among the first, since the other rules then tell the story.
    ///
    /// ## Example
    /// The loss of rank 2, then the averaged gradients of all:
    /// ```trace
    /// step  rank=0.loss  rank=0.gradient  rank=1.loss  rank=1.gradient  rank=2.loss  rank=2.gradient
    /// 0..6  2.3          1                2.3          1                2.3          1
    /// 7     2.1          NaN              2.1          NaN              NaN          NaN
    /// finding at 7
    /// ```
    /// Replicas that are on their own stay finite:
    /// ```trace
    /// step  rank=0.loss  rank=1.loss
    /// 0..6  2.3          2.3
    /// 7..9  2.3          inf
    /// finding at 7
    /// ```
    /// All ranks at once:
    /// ```trace
    /// step  rank=0.loss  rank=1.loss
    /// 0..6  2.3          2.3
    /// 7     NaN          NaN
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Look at what this rank had that the others had not: the rows of its batch at this step, and its device. The first
    /// bad operation, where one is named, is from its log.
    ///
    /// ## References
    /// - Li et al., *PyTorch Distributed: Experiences on Accelerating Data Parallel Training*, VLDB 2020
    pub(crate) static RANK_NOT_FINITE_FIRST: Rule = Rule {
        code: "RNK003",
        name: "rank-not-finite-first",
        severity: Severity::Error,
        needs: &[Need::Ranks],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(RankNotFiniteFirst::default()),
    };
}

#[derive(Default)]
struct RankNotFiniteFirst {
    /// Step and part of the step at which each rank broke; `None` for one that did not yet.
    broke: BTreeMap<u32, Option<(u64, u8)>>,
}

impl Watch for RankNotFiniteFirst {
    fn ranks(&mut self, _run: &RunView<'_>, ranks: &RanksRecord) -> Verdict {
        for rank in &ranks.ranks {
            let broke = self.broke.entry(rank.rank).or_default();
            *broke = broke.or(rank.broke.map(|phase| (ranks.step, phase as u8)));
        }
        if self.broke.len() > 1 { Verdict::Healthy } else { Verdict::TooEarly }
    }

    /// Only now it is known when the others followed.
    fn finish(&mut self, _run: &RunView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some((step, phase)) = self.broke.values().flatten().copied().min() else { return Verdict::TooEarly };
        let (first, others): (Vec<_>, Vec<_>) =
            self.broke.iter().partition(|(_, broke)| **broke == Some((step, phase)));
        if others.is_empty() {
            return Verdict::Healthy;
        }
        let first: Vec<u32> = first.into_iter().map(|(rank, _)| *rank).collect();
        let next = others.iter().filter_map(|(_, broke)| broke.map(|(at, _)| at)).min();
        let others: Vec<u32> = others.into_iter().map(|(rank, _)| *rank).collect();
        let follow = match next {
            None => format!("{} stayed finite", names(&others)),
            Some(at) if at == step => format!("{} followed in the same step", names(&others)),
            Some(at) => format!("the others followed {} later", steps(at - step)),
        };
        let what = match (Phase::from_code(phase), first.len()) {
            (Some(Phase::Backward), _) => "gradients are",
            (Some(Phase::Update), _) => "weights are",
            (_, 1) => "loss is",
            _ => "losses are",
        };
        let whose = if first.len() == 1 { "its" } else { "their" };
        let message = format!("{} broke first: {whose} {what} not finite; {follow}", names(&first));
        let draft = RANK_NOT_FINITE_FIRST.found(step, message).plain("ranks that were first", first.len() as f64);
        let severity = if first.contains(&0) { Severity::Note } else { Severity::Error };
        draft.with_severity(severity).into()
    }
}

fn steps(number: u64) -> String {
    if number == 1 { "a step".to_owned() } else { format!("{number} steps") }
}
