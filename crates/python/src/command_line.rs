//! The command line inside the wheel.
use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs `barograph` with these arguments, the first being its name. Returns the exit code.
#[pyfunction]
pub(crate) fn command_line(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| barograph_cli::run(arguments).number())
}
