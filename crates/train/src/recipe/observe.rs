//! How closely a run is watched.
use super::visit::{Counts, Section, Visitor};

/// `[observe]`: how closely a run is watched, and how much memory and disk that may take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObserveSpec {
    /// `updates_every`: steps between two measurements of the weights' updates; the first five steps are measured besides. Default 10; 0 never measures them.
    pub updates_every: u64,
    /// `units_every`: steps between two readings per unit; the first five steps are read besides. Default 10; 0 never reads them.
    pub units_every: u64,
    /// `log_cap_mb`: largest size of the run log on disk, in MB. Default 1000; the middle of a longer run is thinned.
    pub log_cap_mb: u64,
    /// `snapshot_every`: steps between two snapshots for the replay. Default: chosen so that they cost at most 1 % of the time.
    pub snapshot_every: Option<u64>,
    /// `snapshot_memory_mb`: memory for snapshots, in MB. Default 256; 0 takes none, and nothing is replayed.
    pub snapshot_memory_mb: u64,
}

impl Default for ObserveSpec {
    fn default() -> Self {
        Self { updates_every: 10, units_every: 10, log_cap_mb: 1000, snapshot_every: None, snapshot_memory_mb: 256 }
    }
}

impl Section for ObserveSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.count("updates_every", &mut self.updates_every, Counts::from(0), false);
        visitor.count("units_every", &mut self.units_every, Counts::from(0), false);
        visitor.count("log_cap_mb", &mut self.log_cap_mb, Counts::from(1), false);
        visitor.count_or_none("snapshot_every", &mut self.snapshot_every, Counts::from(1));
        visitor.count("snapshot_memory_mb", &mut self.snapshot_memory_mb, Counts::from(0), false);
    }
}
