//! Owns the adapter for any `burn` module: dotted parameter names, gradients, [`tap`], traced operations and the
//! observation of one's own training loop; and [`update`], the one pass over memory in which an optimizer's formula runs. It is the
//! only crate that names burn's internal crates.
//!
//! It must never hold a threshold of a rule, and never change a value that it observes.

pub mod ops;

mod backward;
mod device;
mod gradients;
mod kept;
mod module_path;
mod numerics;
mod observer;
mod optimizer_state;
mod parameters;
mod running;
mod scope;
mod tap;
mod tensor;
mod trace;
mod twice;
mod update;
mod watch;

pub use device::{DeviceName, device_of};
pub use gradients::{GradientNorm, add_gradients, gradient_norms, map_gradients};
pub use kept::Kept;
pub use module_path::ModulePath;
pub use numerics::{Numerics, NumericsGuard};
pub use observer::Observer;
pub use optimizer_state::{KeptTensor, OptimizerState, optimizer_state, with_optimizer_state};
pub use parameters::{Parameter, Parameters};
pub use running::{BatchNormMeter, RunningStatistics, separate, settle};
pub use scope::{Scope, ScopeGuard, StepKey};
pub use tap::{tap, tap_channels, tap_gradient};
pub use tensor::{
    cpu, elements, from_doubles, from_slice, in_double_precision, is_double, is_finite, to_doubles, to_vec,
    with_elements,
};
pub use trace::Trace;
pub use twice::{Derivatives, Variable, derivatives};
pub use update::{Formula, Number, update};
pub use watch::{Watch, watch};
