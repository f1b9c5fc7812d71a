//! What a symptom rule is.
use crate::watch::Watch;
use barograph_vocab::{FactKey, Role, Scalar, Severity};

/// One thing that can go wrong, its page in the catalogue, and how to watch for it.
#[derive(Debug)]
pub struct Rule {
    /// Stable short code, such as `ACT001`. Never reused.
    pub code: &'static str,
    /// Kebab-case name; reads well after "allow".
    pub name: &'static str,
    /// How bad a finding of this rule is.
    pub severity: Severity,
    /// What it reads. A rule whose needs were never met is reported as "not checked".
    pub needs: &'static [Need],
    /// Whether the engine keeps one watcher, or one per site.
    pub scope: Scope,
    /// The first version that has it.
    pub since: &'static str,
    /// Starts one watcher.
    pub watch: fn() -> Box<dyn Watch>,
    /// The doc comment, verbatim. Filled in by `rule!`.
    pub docs: &'static str,
    /// The file that declares it. Filled in by `rule!`.
    pub file: &'static str,
    /// The line that declares it. Filled in by `rule!`.
    pub line: u32,
}

/// Where a rule looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One watcher sees every step of the run.
    Run,
    /// Each site that has a reading of this role gets a watcher of its own, which sees the steps that hold such a reading.
    Each(Role),
}

/// One thing a rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Readings of a role.
    Reading(Role),
    /// Readings per unit of a role.
    Units(Role),
    /// A scalar of the steps.
    Scalar(Scalar),
    /// A scalar of the epochs.
    Epoch(Scalar),
    /// A reading of the inputs and targets over an epoch.
    Data,
    /// The logs of several ranks, read together.
    Ranks,
    /// A measured or inferred fact.
    Fact(FactKey),
}

impl Need {
    /// Whether a run that never met it has nothing that the rule is about: no second output, no limit, no scale, no second rank.
    pub(crate) const fn is_of_some_runs(self) -> bool {
        matches!(self, Self::Reading(Role::Loss) | Self::Scalar(Scalar::Clipped | Scalar::LossScale) | Self::Ranks)
    }

    /// What is missing, in words that follow "needs".
    #[must_use]
    pub fn describe(self) -> String {
        match self {
            Self::Reading(role) => plural(role).to_owned(),
            Self::Units(role) => format!("unit readings of {}", plural(role)),
            Self::Scalar(scalar) => format!("the scalar `{}`", scalar.name()),
            Self::Epoch(scalar) => format!("the scalar `{}` of an epoch", scalar.name()),
            Self::Data => "a reading of the inputs and targets".to_owned(),
            Self::Ranks => "several ranks".to_owned(),
            Self::Fact(key) => format!("the fact `{}`", key.name()),
        }
    }
}

const fn plural(role: Role) -> &'static str {
    match role {
        Role::Weight => "weights",
        Role::Gradient => "gradients",
        Role::PreActivation => "pre-activations",
        Role::Activation => "activations",
        Role::ActivationGradient => "activation gradients",
        Role::Update => "weight updates",
        Role::OptimizerState => "optimizer states",
        Role::Input => "inputs",
        Role::Target => "targets",
        Role::Output => "outputs",
        Role::Loss => "losses of single outputs",
    }
}

impl Rule {
    /// The text under one `## heading` of the doc comment.
    #[must_use]
    pub fn section(&self, heading: &str) -> Option<&'static str> {
        section(self.docs, heading)
    }

    /// The first paragraph of `## Fix`, on one line.
    #[must_use]
    pub fn fix(&self) -> String {
        let fix = self.section("Fix").unwrap_or_default();
        let first = fix.split("\n\n").next().unwrap_or_default();
        first.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The text under one `## heading` of a rule's doc comment.
#[must_use]
pub fn section(docs: &'static str, heading: &str) -> Option<&'static str> {
    let start = docs.find(&format!(" ## {heading}\n"))?;
    let body = &docs[start..];
    let body = &body[body.find('\n')? + 1..];
    Some(body.find("\n ## ").map_or(body, |end| &body[..end]).trim())
}

/// Declares a rule: an ordinary `static`, whose doc comment also becomes its `docs` field.
///
/// That copy is all the macro does. It hides no control flow.
macro_rules! rule {
    (
        $(#[doc = $docs:literal])+
        $vis:vis static $NAME:ident: $Kind:ident = $Same:ident { $($field:ident $(: $value:expr)?),+ $(,)? };
    ) => {
        $(#[doc = $docs])+
        $vis static $NAME: $Kind = $Same {
            $($field $(: $value)?,)+
            docs: concat!($($docs, "\n"),+),
            file: file!(),
            line: line!(),
        };
    };
}
pub(crate) use rule;
