//! Owns the rendering of one diagnosis, with its curves: for a terminal, as JSON, Markdown and HTML.
//!
//! It must never compute a verdict, read a file or a clock, or pass untrusted text on unescaped.

mod curves;
mod fold;
mod html;
mod json;
mod markdown;
mod number;
mod outline;
mod scale;
mod terminal;
mod visible;
mod words;

pub use curves::{Bucket, Curves, Extent, Heat, HeatCell, HeatMap, HeatRow, Series};
pub use html::html;
pub use json::json;
pub use markdown::markdown;
pub use number::{confidence, count, counted, exact, number};
pub use terminal::{TerminalOptions, terminal};

use barograph_vocab::Diagnosis;

/// What there is to show of a run.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What Barograph has to say.
    pub diagnosis: &'a Diagnosis,
    /// The run's curves, fed with the records of its log.
    pub curves: &'a Curves,
}
