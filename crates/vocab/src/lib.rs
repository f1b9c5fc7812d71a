//! Owns the nouns of Barograph: site, role, reading, scalar, fact, record, finding, incident, remedy, diagnosis.
//!
//! It must never do I/O, hold a threshold, or depend on anything beyond `std`.

mod diagnosis;
mod fact;
mod finding;
mod incident;
mod reading;
mod record;
mod remedy;
mod sample;
mod site;
mod units;

pub use diagnosis::{Cause, Diagnosis, NotChecked, Verdict};
pub use fact::{Fact, FactKey, FactValue, Provenance};
pub use finding::{Evidence, Finding, Severity};
pub use incident::{Exactness, Incident, OperationInput, Phase, RowsOf, SourceLine};
pub use reading::{BIN_OVERFLOW, BIN_UNDERFLOW, BINS, LOWEST_EXPONENT, Reading, bin_of};
pub use record::{
    DataReading, EpochRecord, FeatureSummary, RankReading, RanksRecord, Record, RunEnd, RunStart, Scalar, SiteReading,
    StepRecord, TargetSummary,
};
pub use remedy::{Edit, EditValue, Remedy, Trial};
pub use sample::{Sample, SampleAnswer};
pub use site::{Role, Site, SiteId, Sites};
pub use units::UnitReading;
