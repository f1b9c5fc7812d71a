//! Owns the one-pass statistics of tensors: the fused kernels, and the only SIMD `unsafe` of the workspace.
//! Never knows a framework: it sees slices, shapes and strides.
//!
//! - [`read`] and [`read_update`] give a [`barograph_vocab::Reading`] of a tensor, or of a tensor less its old value.
//! - [`read_units`] and [`read_weight_units`] count dead, constant and duplicate units.
//! - [`Columns`], [`Targets`] and [`NeighbourSample`] accumulate inputs and targets over an epoch.
//! - [`SignedHistogram`] counts values with their sign, for plots.
//! - [`Checksum`] tells whether two processes hold the same tensors, bit for bit.
//! - [`mod@reference`] holds the same in plain loops; property tests hold the kernels to it.
//!
//! The same elements give the same bits on the same machine. Everything runs on the caller's thread. A reading allocates
//! nothing; unit readings allocate in their scratch memory only, the accumulators when they grow.

mod checksum;
mod columns;
mod elements;
mod fold;
mod histogram;
mod kernel;
mod layout;
mod level;
mod neighbour;
mod prefetch;
mod read;
pub mod reference;
mod rows;
mod source;
mod squares;
mod targets;
mod units;

pub use checksum::Checksum;
pub use columns::Columns;
pub use elements::{Dtype, Element, Elements, ElementsError, MAX_RANK};
pub use histogram::{HistogramBucket, SignedHistogram};
pub use level::Level;
pub use neighbour::{NeighbourSample, SAMPLE_ROWS, TargetBatch};
pub use prefetch::prefetch;
pub use read::{Options, read, read_at, read_update, read_update_at};
pub use targets::Targets;
pub use units::{NO_UNIT, UnitCounts, UnitScratch, read_units, read_units_at, read_weight_units, read_weight_units_at};
