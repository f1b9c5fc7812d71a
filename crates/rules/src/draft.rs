//! Writing a finding in one expression.
use crate::rule::Rule;
use crate::view::RunView;
use crate::watch::Verdict;
use barograph_vocab::{Evidence, Finding, Role, Severity, SiteId};

/// A finding under construction: `RULE.found(step, message).at(view, site, role).against(text, value, LIMIT).into()`.
#[derive(Clone, Debug)]
pub struct Draft(Box<Finding>);

impl Rule {
    /// Starts a finding of this rule with one sentence that holds the figures.
    #[must_use]
    pub fn found(&self, step: u64, message: impl Into<String>) -> Draft {
        Draft(Box::new(Finding {
            code: self.code.to_owned(),
            name: self.name.to_owned(),
            severity: self.severity,
            step,
            site: None,
            role: None,
            message: message.into(),
            evidence: Vec::new(),
        }))
    }
}

impl Draft {
    /// Says where.
    #[must_use]
    pub fn at(mut self, run: &RunView<'_>, site: Option<SiteId>, role: Role) -> Self {
        self.0.site = site.map(|site| run.sites.path(site).to_owned());
        self.0.role = Some(role);
        self
    }

    /// Says where, by path.
    #[must_use]
    pub fn in_site(mut self, path: &str) -> Self {
        self.0.site = Some(path.to_owned());
        self
    }

    /// Says which tensor of the run as a whole: the inputs, the targets.
    #[must_use]
    pub fn of(mut self, role: Role) -> Self {
        self.0.role = Some(role);
        self
    }

    /// Adds a figure and the limit it is held against.
    #[must_use]
    pub fn against(mut self, text: impl Into<String>, value: f64, limit: f64) -> Self {
        self.0.evidence.push(Evidence::against(text, value, limit));
        self
    }

    /// Adds a figure.
    #[must_use]
    pub fn plain(mut self, text: impl Into<String>, value: f64) -> Self {
        self.0.evidence.push(Evidence::plain(text, value));
        self
    }

    /// Makes this finding worse or milder than the rule's own severity.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.0.severity = severity;
        self
    }
}

impl From<Draft> for Verdict {
    fn from(draft: Draft) -> Self {
        Self::Found(draft.0)
    }
}
