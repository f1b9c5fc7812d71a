//! A change that removes a cause, as data.

/// The value an edit sets.
#[derive(Clone, Debug, PartialEq)]
pub enum EditValue {
    /// A number.
    Number(f64),
    /// A word.
    Text(String),
    /// Yes or no.
    Flag(bool),
}

impl std::fmt::Display for EditValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

/// One key of a recipe and its new value.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// A dotted recipe key, `optimizer.learning_rate` or `layers.3.activation`.
    pub key: String,
    /// What to set it to.
    pub value: EditValue,
}

/// What a short counterfactual run showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// The step whose snapshot it started from.
    pub from_step: u64,
    /// Steps it ran.
    pub steps: u64,
    /// Whether the loss and every weight stayed finite.
    pub finite: bool,
    /// Mean loss over the first tenth of the trial.
    pub loss_first: f64,
    /// Mean loss over the last tenth of the trial.
    pub loss_last: f64,
    /// Mean loss over the same last tenth without the remedy; NaN where it was not finite.
    pub loss_without: f64,
    /// Whether the remedy is held to work: finite, and better than without it.
    pub works: bool,
}

/// A change that removes a cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Remedy {
    /// In words: `lower the learning rate from 0.5 to 0.02`.
    pub text: String,
    /// As recipe edits; empty when it cannot be said as such.
    pub change: Vec<Edit>,
    /// What trying it showed, if it was tried.
    pub verified: Option<Trial>,
}
