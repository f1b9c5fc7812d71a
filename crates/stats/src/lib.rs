//! Owns the one-pass statistics of tensors: the fused kernels, and the only SIMD `unsafe` of the workspace.
//! Never knows a framework: it sees slices, shapes and strides.
//!
//! - [`read`] and [`read_update`] give a [`barograph_vocab::Reading`] of a tensor, or of a tensor less its old value.
//! - [`mod@reference`] holds the same in plain loops; property tests hold the kernels to it.

mod elements;
mod fold;
mod kernel;
mod layout;
mod level;
mod read;
pub mod reference;
mod source;
mod squares;

pub use elements::{Dtype, Element, Elements, ElementsError, MAX_RANK};
pub use level::Level;
pub use read::{Options, read, read_at, read_update, read_update_at};
