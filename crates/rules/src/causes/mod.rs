//! Every cause rule, one file each, grouped as in the catalogue.
//!
//! To add one: write the file, then add it to [`CAUSES`]. Nothing else.
use crate::cause::CauseRule;

/// All causes, in the order the catalogue lists them.
pub static CAUSES: &[&CauseRule] = &[];
