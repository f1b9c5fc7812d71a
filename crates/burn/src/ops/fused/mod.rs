//! Operations that do in one pass over memory what would take burn many, with their derivatives written by hand.
//!
//! They take single precision on the CPU, outside of mixed precision. In all other cases a fused operation says so, and the caller runs
//! burn's own, so that derivatives can be checked in double precision. Those that stand in for several of [`super`]'s also step aside
//! under a [`crate::Trace`], so that the first bad one is named as exactly as ever; those that are one operation there too stay, so that
//! what the trace sees has the bits of the training: a softmax that comes to 0 must do so again.
//!
//! Every sum has an order of its own that does not depend on the number of threads.

mod conv2d;
mod convolution;
mod derivative;
mod gelu;
mod gru;
mod layer_norm;
mod lstm;
mod math;
mod matrix;
mod max_pool2d;
mod parts;
mod rnn;
mod sequence;
mod softmax;

pub(super) use conv2d::conv2d;
pub(super) use gelu::gelu;
pub use gru::gru;
pub use layer_norm::layer_norm;
pub use lstm::lstm;
pub(super) use max_pool2d::max_pool2d;
pub use rnn::rnn;
pub(super) use softmax::{log_softmax, softmax};

use crate::scope;
use derivative::{Derivative, finish};

/// Whether separate operations are looked at one by one, so that nothing may stand in for several of them.
fn are_separate() -> bool {
    scope::trace().is_some()
}
