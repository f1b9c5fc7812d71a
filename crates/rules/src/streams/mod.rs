//! Streaming detectors that rules and the digest share. Each is a few numbers, fed once a step.
mod curve;
mod ema;
mod patience;
mod streak;
mod trail;

pub use curve::{Bucket, Curve};
pub use ema::Ema;
pub use patience::Patience;
pub use streak::Streak;
pub use trail::Trail;
