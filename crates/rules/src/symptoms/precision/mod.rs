//! Half precision.
use crate::view::RunView;
use barograph_vocab::FactKey;

pub(super) mod gradient_underflow;
pub(super) mod loss_scale_falling;
pub(super) mod near_half_limit;
pub(super) mod update_rounded_away;

/// Whether the forward pass is known to compute in one of these types.
fn computes_in(run: &RunView<'_>, types: &[&str]) -> bool {
    run.facts.is(FactKey::Precision, types)
}
