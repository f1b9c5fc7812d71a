use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// The ranks of a distributed run began with different weights, or a weight was changed on some of them only. From
    /// then on each trains a model of its own.
    ///
    /// ## How it is weighed
    /// Checksums that differ at the same step leave little doubt. That nothing keeps the ranks together, neither
    /// `DistributedDataParallel` nor a library that shards the weights, speaks for it too.
    ///
    /// ## Example
    /// ```trace
    /// facts: parallel=none
    /// step  loss  rank=0.checksum  rank=1.checksum
    /// 0..4  2.3   17->21           42->46
    /// cause
    /// ```
    /// ```trace
    /// facts: parallel=none
    /// step  loss  rank=0.checksum  rank=1.checksum
    /// 0..4  2.3   17->21           17->21
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Let `DistributedDataParallel` send the weights of rank 0 to all ranks and average the gradients; without it,
    /// broadcast every parameter and buffer before the first step, and average every gradient on every rank in every step.
    ///
    /// ## References
    /// - Li et al., *PyTorch Distributed: Experiences on Accelerating Data Parallel Training*, VLDB 2020
    /// - PyTorch documentation, *Distributed Data Parallel*: parameters must not be changed behind its back
    pub(crate) static RANKS_DIVERGED: CauseRule = CauseRule {
        slug: "ranks-diverged",
        title: "Ranks that should hold equal weights do not",
        explains: &["ranks-differ"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

/// What the finding says at the first step: no update was made before it.
const AT_THE_START: u64 = 0;

fn weigh(case: &Case<'_>) -> Weighing {
    let parallel = case.facts.text(FactKey::Parallel);
    case.weigh(UNLIKELY)
        .symptom("ranks-differ", 5.0)
        .when(case.has("ranks-differ") && parallel == Some("none"), 1.0, || {
            Evidence::plain("nothing keeps the ranks together: no DistributedDataParallel was seen", 0.0)
        })
        .done()
}

fn remedies(case: &Case<'_>) -> Vec<Remedy> {
    let at_start = case.finding("ranks-differ").is_some_and(|finding| finding.step == AT_THE_START);
    let wrap = remedy::advice(
        "wrap the model in torch.nn.parallel.DistributedDataParallel, which sends the weights of rank 0 to all ranks and averages \
         the gradients",
    );
    let broadcast = remedy::advice(
        "broadcast every parameter and buffer from rank 0 before the first step, or set the same seed on every rank before the \
         model is made",
    );
    let through = remedy::advice(
        "call the wrapped model, not its `module`, in every step, and change weights on all ranks alike: no step of the optimizer, \
         clipping or reset on some of them only",
    );
    let unused = remedy::advice(
        "if some parameters get no gradient on some ranks, make DistributedDataParallel with find_unused_parameters=True",
    );
    let buffers = remedy::advice("keep buffers equal: leave broadcast_buffers on, or use SyncBatchNorm");
    match (case.facts.text(FactKey::Parallel), at_start) {
        (Some("replicated"), _) => vec![through, unused, buffers, broadcast],
        (_, true) => vec![wrap, broadcast, through, buffers],
        (_, false) => vec![wrap, through, broadcast, buffers],
    }
}
