//! Words of the vocabulary by name, with an error that suggests nothing but says what there is.
use barograph_vocab::{FactKey, FactValue, Phase, Provenance, Role, RunEnd, Scalar};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

fn unknown(what: &str, name: &str, known: &[&str]) -> PyErr {
    PyValueError::new_err(format!("unknown {what} {name:?}; there are {}", known.join(", ")))
}

pub(crate) fn role(code: usize) -> PyResult<Role> {
    Role::ALL
        .get(code)
        .copied()
        .ok_or_else(|| PyValueError::new_err(format!("there is no role with the number {code}")))
}

pub(crate) fn scalar(name: &str) -> PyResult<Scalar> {
    let known: Vec<_> = Scalar::ALL.iter().map(|scalar| scalar.name()).collect();
    Scalar::from_name(name).ok_or_else(|| unknown("scalar", name, &known))
}

pub(crate) fn fact_key(name: &str) -> PyResult<FactKey> {
    let known: Vec<_> = FactKey::ALL.iter().map(|key| key.name()).collect();
    FactKey::from_name(name).ok_or_else(|| unknown("fact", name, &known))
}

pub(crate) fn fact_value(value: &Bound<'_, PyAny>) -> PyResult<FactValue> {
    // A bool of Python is a number too, so it is asked for first.
    if let Ok(flag) = value.extract::<bool>() {
        return Ok(FactValue::Flag(flag));
    }
    match value.extract::<f64>() {
        Ok(number) => Ok(FactValue::Number(number)),
        Err(_) => value.extract().map(FactValue::Text),
    }
}

pub(crate) fn provenance(name: &str) -> PyResult<Provenance> {
    let all = [Provenance::Declared, Provenance::Inferred, Provenance::Measured];
    let found = all.into_iter().find(|provenance| provenance.name() == name);
    found.ok_or_else(|| unknown("provenance", name, &all.map(Provenance::name)))
}

pub(crate) fn phase(name: &str) -> PyResult<Phase> {
    let all = [Phase::Data, Phase::Forward, Phase::Backward, Phase::Update];
    let found = all.into_iter().find(|phase| phase.name() == name);
    found.ok_or_else(|| unknown("phase", name, &all.map(Phase::name)))
}

pub(crate) fn end(name: &str) -> PyResult<RunEnd> {
    match name {
        "completed" => Ok(RunEnd::Completed),
        "stopped" => Ok(RunEnd::Stopped),
        "interrupted" => Ok(RunEnd::Interrupted),
        "failed" => Ok(RunEnd::Failed),
        _ => Err(unknown("end", name, &["completed", "stopped", "interrupted", "failed"])),
    }
}
