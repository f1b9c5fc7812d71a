//! Operations that do in one pass over memory what would take burn many, with their derivatives written by hand.
//!
//! A fused operation stands in for several of [`super`]'s where nobody watches those one by one: it takes single precision on the
//! CPU, outside of a [`crate::Trace`] and of mixed precision. In all other cases it says so, and the caller runs the separate operations, so that the first
//! bad one is named as exactly as ever and derivatives can be checked in double precision.
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

use derivative::{Derivative, finish};
