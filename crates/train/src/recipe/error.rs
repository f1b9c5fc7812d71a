//! What is wrong with a recipe, and where.
use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong with a recipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `digits.toml:14`, or `--set batch=0`, or empty for a recipe built in code.
    pub place: String,
    /// The dotted key it is about, `optimizer.learning_rate`; empty for the whole recipe.
    pub key: String,
    /// What is wrong, and what to do.
    pub text: String,
    /// Whether the key is one that its table does not have.
    pub(crate) unknown_key: bool,
}

impl Problem {
    pub(crate) fn new(place: impl Into<String>, key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), key: key.into(), text: text.into(), unknown_key: false }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() { f.write_str(&self.text) } else { write!(f, "{}: {}", self.place, self.text) }
    }
}

/// A recipe that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The file could not be read.
    #[error("{}: cannot read the recipe: {source}{hint}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
        /// Names of recipes nearby, as the end of the sentence; may be empty.
        hint: String,
    },
    /// It was read, and something in it is wrong. Never empty; in the order of the file.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
}

impl RecipeError {
    /// A single problem.
    pub(crate) fn one(place: impl Into<String>, key: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(place, key, text)])
    }

    /// What is wrong, one entry each; empty when the file could not be read.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        match self {
            Self::Unreadable { .. } => &[],
            Self::Invalid(problems) => problems,
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
