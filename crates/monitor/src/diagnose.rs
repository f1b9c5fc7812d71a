//! The diagnosis of a run that was logged.
use crate::ranks::RankLogs;
use barograph_rules::{EvidenceMode, Judge};
use barograph_store::{Reader, StoreError};
use barograph_vocab::{Diagnosis, Record};
use std::path::{Path, PathBuf};

/// Why a run cannot be diagnosed.
#[derive(Debug, thiserror::Error)]
pub enum DiagnoseError {
    /// The log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log says too little.
    #[error("{}: the log holds no step, so there is nothing to diagnose; train for at least one step", .0.display())]
    NoStep(PathBuf),
}

/// Diagnoses the run in a folder: the same rules, over the same records, as the live run, and so the same report. A folder with one
/// log per rank (`rank=00000`, ...) is one run: the ordinary rules judge the first rank, and the rules of ranks all of them.
///
/// `see` is shown every record on its way, for plots and the like.
///
/// # Errors
/// When the folder holds no readable run log, or the log no step.
pub fn diagnose(folder: &Path, mode: EvidenceMode, mut see: impl FnMut(&Record)) -> Result<Diagnosis, DiagnoseError> {
    let mut logs = Logs::open(folder)?;
    let mut judge = Judge::new();
    let mut ended = false;
    while let Some(record) = logs.next_record()? {
        judge.see(&record);
        see(&record);
        if matches!(record, Record::End { .. }) {
            ended = true;
            judge.finish();
        }
    }
    if !ended {
        judge.finish();
    }
    let mut diagnosis = judge.diagnosis(mode);
    if diagnosis.steps == 0 {
        return Err(DiagnoseError::NoStep(folder.to_owned()));
    }
    diagnosis.notes.extend(logs.notes());
    Ok(diagnosis)
}

/// What a run folder holds.
enum Logs {
    One(Box<Reader>),
    Ranks(Box<RankLogs>),
}

impl Logs {
    fn open(folder: &Path) -> Result<Self, StoreError> {
        Ok(match RankLogs::open(folder)? {
            Some(ranks) => Self::Ranks(Box::new(ranks)),
            None => Self::One(Box::new(Reader::open(folder)?)),
        })
    }

    fn next_record(&mut self) -> Result<Option<Record>, StoreError> {
        match self {
            Self::One(reader) => reader.next_record(),
            Self::Ranks(ranks) => ranks.next_record(),
        }
    }

    fn notes(&self) -> Vec<String> {
        match self {
            Self::One(reader) => reader.notes(),
            Self::Ranks(ranks) => ranks.notes(),
        }
    }
}
