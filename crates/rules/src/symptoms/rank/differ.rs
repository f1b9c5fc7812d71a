use super::{names, ranks_that};
use crate::prelude::*;
use std::collections::BTreeMap;

rule! {
    /// ## What it does
    /// Finds ranks whose weights are not bit for bit those of the others, where all should hold the same.
    ///
    /// ## Why it matters
    /// Each rank then trains a model of its own. The gradients that are averaged belong to different weights, and what
    /// is saved is the model of one rank, which has seen its share of the data only.
    ///
    /// ## How it is detected
    /// At the first steps and every tenth, each rank takes a checksum of its weights. Two ranks whose checksums differ
    /// at the same step hold different weights. There is nothing to allow for: a sum of gradients over the ranks has the
    /// same bits on each of them, and so has the same update. Weights of which each rank holds a part (FSDP, tensor
    /// parallelism) have no checksum.
    ///
    /// ## Example
    /// Rank 2 was left out of an update between the checks at steps 2 and 3:
    /// ```trace
    /// step  loss  rank=0.checksum  rank=1.checksum  rank=2.checksum
    /// 0..2  2.3   17->19           17->19           17->19
    /// 3     2.1   20               20               99
    /// finding at 3
    /// ```
    /// ```trace
    /// step  loss  rank=0.checksum  rank=1.checksum
    /// 0..4  2.3   17->21           17->21
    /// 5..9  2.1   -                -
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Wrap the model in `DistributedDataParallel` before the first step and change its weights through the optimizer
    /// only; it begins with the weights of rank 0 on every rank. Training that averages weights only now and then
    /// (local SGD) differs in between by design.
    ///
    /// ## References
    /// - Li et al., *PyTorch Distributed: Experiences on Accelerating Data Parallel Training*, VLDB 2020: the same
    ///   initial weights and the same gradients are what keeps replicas equal
    pub(crate) static RANKS_DIFFER: Rule = Rule {
        code: "RNK001",
        name: "ranks-differ",
        severity: Severity::Error,
        needs: &[Need::Ranks, Need::Scalar(Scalar::WeightsChecksum)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(RanksDiffer::default()),
    };
}

#[derive(Default)]
struct RanksDiffer {
    /// The last step at which all ranks were equal.
    equal_at: Option<u64>,
    broken: bool,
}

impl Watch for RanksDiffer {
    fn ranks(&mut self, _run: &RunView<'_>, ranks: &RanksRecord) -> Verdict {
        // Weights that are not finite are another rule's: their bits mean nothing.
        self.broken |= ranks.ranks.iter().any(|rank| rank.broke.is_some());
        let mut holders: BTreeMap<u64, usize> = BTreeMap::new();
        for checksum in ranks.ranks.iter().filter_map(|rank| rank.checksum) {
            *holders.entry(checksum).or_default() += 1;
        }
        let known: usize = holders.values().sum();
        if self.broken || known < 2 {
            return Verdict::TooEarly;
        }
        if holders.len() == 1 {
            self.equal_at = Some(ranks.step);
            return Verdict::Healthy;
        }
        let most = holders.values().copied().max().unwrap_or_default();
        let message = format!("{}{}", who(&ranks.ranks, &holders, most), self.since());
        let draft = RANKS_DIFFER.found(ranks.step, message).against("different weights", holders.len() as f64, 1.0);
        draft.plain("ranks compared", known as f64).into()
    }
}

/// Who holds other weights than most ranks do, where there is such a majority.
fn who(ranks: &[RankReading], holders: &BTreeMap<u64, usize>, most: usize) -> String {
    let known: usize = holders.values().sum();
    let Some((common, _)) = holders.iter().find(|(_, count)| **count == most && most * 2 > known) else {
        let all = names(&ranks_that(ranks, |rank| rank.checksum.is_some()));
        return match holders.len() {
            number if number == known => format!("{all} hold different weights"),
            number => format!("{all} hold {number} different sets of weights"),
        };
    };
    let odd = ranks_that(ranks, |rank| rank.checksum.is_some_and(|checksum| checksum != *common));
    let even = ranks_that(ranks, |rank| rank.checksum == Some(*common));
    let verb = if odd.len() == 1 { "holds" } else { "hold" };
    format!("{} {verb} other weights than {}", names(&odd), names(&even))
}

impl RanksDiffer {
    fn since(&self) -> String {
        match self.equal_at {
            Some(step) => format!("; at step {step} they were equal"),
            None => " from the first check on".to_owned(),
        }
    }
}
