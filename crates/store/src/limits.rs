//! How large a log may be, and how that is divided up.
use crate::Options;

/// The default bound of one run. From the design: 1 GB a run.
pub(crate) const DEFAULT_CAP_BYTES: u64 = 1 << 30;
/// Bounds below this are raised to it. Our choice: a few hundred steps.
pub(crate) const LEAST_CAP_BYTES: u64 = 1 << 20;
/// Default size of the first segment: a short run should not look large. Our choice.
pub(crate) const FIRST_SEGMENT_BYTES: u64 = 1 << 20;
/// Default size up to which segments double. Our choice: a new one about every 5,000 steps.
pub(crate) const SEGMENT_BYTES: u64 = 16 << 20;
/// A log has at least this many segments, so that thinning works in small pieces...
const MOST_SHARE: u64 = 64;
/// ...and at most about this many, because a reader holds them all open.
const LEAST_SHARE: u64 = 256;

/// The division of one log's bytes. All our choice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Size of the first segment.
    pub(crate) first_segment: u64,
    /// Size of later segments.
    pub(crate) segment: u64,
    /// Steps are left out while the log would be larger than this: four segments below the bound, of which thinning needs
    /// two for the file that it is writing, and two are for records that are not steps.
    pub(crate) steps: u64,
    /// Other records are left out above this.
    pub(crate) others: u64,
    /// Thinning begins above this: three quarters of the bound.
    pub(crate) thin_above: u64,
    /// Thinning rests below this: five eighths of the bound.
    pub(crate) thin_to: u64,
    /// The first segments up to this size together are never thinned: an eighth of the bound.
    pub(crate) head: u64,
    /// The last segments up to this size together are not thinned: a quarter of the bound.
    pub(crate) tail: u64,
}

impl Limits {
    pub(crate) fn of(options: &Options) -> Self {
        let cap = options.cap_bytes.max(LEAST_CAP_BYTES);
        let segment = options.segment_bytes.clamp(cap / LEAST_SHARE, cap / MOST_SHARE);
        Self {
            first_segment: options.first_segment_bytes.clamp(cap / LEAST_SHARE / 16, segment),
            segment,
            steps: cap - 4 * segment,
            others: cap - 2 * segment,
            thin_above: cap / 4 * 3,
            thin_to: cap / 8 * 5,
            head: cap / 8,
            tail: cap / 4,
        }
    }
}
