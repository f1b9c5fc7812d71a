//! Owns the rendering of one diagnosis, with its curves: for a terminal, as JSON, Markdown and HTML.
//!
//! It must never compute a verdict, read a file or a clock, or pass untrusted text on unescaped.
//!
//! ```
//! use barograph_report::{Curves, Report, TerminalOptions, terminal};
//! use barograph_vocab::{Diagnosis, Record, Scalar, StepRecord, Verdict};
//!
//! let mut curves = Curves::default();
//! for step in 0..100 {
//!     let scalars = vec![(Scalar::Loss, 1.0 / (step + 1) as f64)];
//!     curves.see(&Record::Step(StepRecord { step, scalars, ..StepRecord::default() }));
//! }
//! let diagnosis = Diagnosis {
//!     run: "mnist".to_owned(),
//!     verdict: Verdict::Healthy,
//!     steps: 100,
//!     incident: None,
//!     causes: vec![],
//!     findings: vec![],
//!     checked: vec!["loss-not-finite".to_owned()],
//!     not_checked: vec![],
//!     dropped: 0,
//!     notes: vec![],
//! };
//! let report = Report { diagnosis: &diagnosis, curves: &curves, samples: &[] };
//! let text = terminal(&report, &TerminalOptions::default());
//! assert!(text.starts_with("healthy: nothing is wrong that 1 rule could see\n"));
//! assert!(text.contains("loss  1 -> 0.01"));
//! ```

mod add;
mod curves;
mod dots;
mod fold;
mod html;
mod json;
mod markdown;
mod number;
mod outline;
mod rates;
mod scale;
mod terminal;
mod visible;
mod words;

pub use curves::{Bucket, Curves, Extent, Heat, HeatCell, HeatMap, HeatRow, Series};
pub use html::html;
pub use json::json;
pub use markdown::markdown;
pub use number::{confidence, count, counted, exact, number};
pub use rates::{RateCurve, rates_svg, rates_text};
pub use terminal::{TerminalOptions, terminal};
pub use visible::visible;
pub use words::trial_text;

use barograph_vocab::{Diagnosis, Sample};

/// What there is to show of a run.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// What Barograph has to say.
    pub diagnosis: &'a Diagnosis,
    /// The run's curves, fed with the records of its log.
    pub curves: &'a Curves,
    /// Rows that it kept, with what the model answered for them. Only the HTML page shows them.
    pub samples: &'a [Sample],
}
