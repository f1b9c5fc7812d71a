//! What only a view per unit shows.
use crate::site::{Role, SiteId};

/// Counts over the units (channels, rows of a weight) of one tensor, reduced over the batch.
///
/// For a weight, a unit is one row: the incoming weights of one output unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitReading {
    /// Where.
    pub site: SiteId,
    /// Of what.
    pub role: Role,
    /// Units looked at.
    pub units: u32,
    /// Units that are zero for every example of the batch.
    pub dead: u32,
    /// Units with one and the same value for every example (dead ones included).
    pub constant: u32,
    /// Units beyond the first of each group of exactly equal ones, dead units left out.
    pub duplicates: u32,
    /// Units with a non-finite value.
    pub non_finite: u32,
    /// Numbers of up to four of the units concerned, the worst first; `u32::MAX` where there is none.
    pub worst: [u32; 4],
}
