//! The catalogue of rules and causes, by name.
use barograph_rules::{CAUSES, CauseRule, Rule, SYMPTOMS};

/// Similarity (Jaro-Winkler) from which on a name is proposed instead of an unknown one (our choice).
const SIMILAR: f64 = 0.75;

/// One page of the catalogue.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entry {
    /// A symptom rule.
    Rule(&'static Rule),
    /// A cause.
    Cause(&'static CauseRule),
}

impl Entry {
    /// Every page, rules first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        SYMPTOMS.iter().copied().map(Self::Rule).chain(CAUSES.iter().copied().map(Self::Cause))
    }

    /// The page with this code or name; capitals do not matter.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::all().find(|entry| entry.names().iter().any(|own| own.eq_ignore_ascii_case(name.trim())))
    }

    /// The code or name nearest to an unknown one.
    pub(crate) fn nearest(name: &str) -> Option<&'static str> {
        let (lower, upper) = (name.trim().to_lowercase(), name.trim().to_uppercase());
        let alike = |own: &str| strsim::jaro_winkler(own, &lower).max(strsim::jaro_winkler(own, &upper));
        let names = Self::all().flat_map(Self::names).map(|own| (alike(own), own));
        names.filter(|(alike, _)| *alike >= SIMILAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, own)| own)
    }

    /// Its doc comment.
    pub(crate) const fn docs(self) -> &'static str {
        match self {
            Self::Rule(rule) => rule.docs,
            Self::Cause(cause) => cause.docs,
        }
    }

    fn names(self) -> Vec<&'static str> {
        match self {
            Self::Rule(rule) => vec![rule.code, rule.name],
            Self::Cause(cause) => vec![cause.slug],
        }
    }
}

/// The first paragraph of a rule's `What it does`, on one line.
pub(crate) fn what(rule: &Rule) -> String {
    let text = rule.section("What it does").unwrap_or_default();
    text.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}
