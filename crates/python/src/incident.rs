//! The step at which a run broke, as the Python side saw it.
use crate::names;
use crate::reading::Statistics;
use barograph_vocab::{Exactness, Incident, RowsOf, SourceLine};
use pyo3::prelude::*;

/// What the Python side knows of the first bad operation.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Seen {
    step: u64,
    phase: String,
    operation: String,
    site: String,
    /// File, line and what stands there.
    source: Option<(String, u32, String)>,
    rows: Vec<u64>,
    row_count: u64,
    inputs: Vec<Py<Statistics>>,
    victims: u32,
    /// Why it is not certain; empty where the operation was seen when it ran.
    doubt: String,
    /// Whether the forward pass was repeated, and gave the same output bits.
    repeated: bool,
}

impl Seen {
    pub(crate) fn incident(self) -> PyResult<Incident> {
        let exactness = match (self.repeated, self.doubt.is_empty()) {
            (true, true) => Exactness::Exact,
            (false, true) => Exactness::Witnessed,
            (_, false) => Exactness::NotReplayed { reason: self.doubt },
        };
        Ok(Incident {
            step: self.step,
            phase: names::phase(&self.phase)?,
            operation: self.operation,
            site: self.site,
            source: self.source.map(|(file, line, text)| SourceLine { file, line, text }),
            rows: self.rows,
            rows_of: RowsOf::Batch,
            row_count: self.row_count,
            inputs: self.inputs.iter().map(|input| input.get().input.clone()).collect(),
            victims: self.victims,
            exactness,
        })
    }
}
