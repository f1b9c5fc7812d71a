//! Owns the extension module `barograph._native`: tensors of Python as elements, the session, the statistics, the command line.
//!
//! It must never hold a threshold of a rule, compute a verdict, or keep a tensor beyond the call that lends it.
#![allow(clippy::needless_pass_by_value, reason = "what Python hands over is made for the call")]

mod array;
mod command_line;
mod dlpack;
mod incident;
mod modules;
mod names;
mod reading;
mod session;

use pyo3::prelude::*;

/// The native half of the package `barograph`; use the package.
#[pymodule]
mod _native {
    use super::Bound;
    use pyo3::prelude::*;

    #[pymodule_export]
    use super::array::{bad_rows, is_finite, set_torch};
    #[pymodule_export]
    use super::command_line::command_line;
    #[pymodule_export]
    use super::modules::ModuleHooks;
    #[pymodule_export]
    use super::reading::{Statistics, statistics};
    #[pymodule_export]
    use super::session::{Session, is_running};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
