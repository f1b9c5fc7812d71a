//! Rows that are shown with what the model answers for them.

/// A row of the data, and what a model answered for it after each epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// The row of the data.
    pub row: u64,
    /// Whether the model did not learn from it.
    pub held_out: bool,
    /// A PNG file, where the row is an image.
    pub picture: Option<Vec<u8>>,
    /// The first input values, where it is none.
    pub inputs: String,
    /// The right answer; untrusted text wherever it is shown.
    pub truth: String,
    /// The right answer, where it is a number.
    pub target: Option<f64>,
    /// What was answered, epoch by epoch.
    pub answers: Vec<SampleAnswer>,
}

/// What a model answered for a row after an epoch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleAnswer {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The class, the labels or the numbers; untrusted text wherever it is shown.
    pub text: String,
    /// Whether it was right; nothing for numbers, which are near or far.
    pub right: Option<bool>,
    /// The probability of the right class; for numbers, the first of them. Nothing for labels.
    pub value: Option<f64>,
}
