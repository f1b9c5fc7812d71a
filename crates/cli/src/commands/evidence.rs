//! What a diagnosis may use.
use barograph_monitor::EvidenceMode;
use clap::ValueEnum;

/// What a diagnosis may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Evidence {
    /// Everything that is known.
    All,
    /// Leave declared facts out.
    Measured,
}

impl From<Evidence> for EvidenceMode {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::All => Self::All,
            Evidence::Measured => Self::Measured,
        }
    }
}
