//! What a cause rule is: it weighs the findings and facts of a whole run.
use crate::diagnose::Trouble;
use crate::digest::{Digest, SiteDigest};
use crate::facts::Facts;
use crate::layers::Layers;
use barograph_vocab::{Evidence, Finding, Incident, Remedy, Role, SiteId, Sites};

/// One reason why training goes wrong, its page in the catalogue, and how to tell.
#[derive(Debug)]
pub struct CauseRule {
    /// Public name, `learning-rate-too-high`. Never renamed.
    pub slug: &'static str,
    /// What it means, in one line.
    pub title: &'static str,
    /// Names of the symptom rules that it explains. Without a finding of one of them its confidence stays below 0.5.
    pub explains: &'static [&'static str],
    /// The first version that has it.
    pub since: &'static str,
    /// Adds up the evidence.
    pub weigh: fn(&Case<'_>) -> Weighing,
    /// What to do, the most promising first; at least one.
    pub remedies: fn(&Case<'_>) -> Vec<Remedy>,
    /// The doc comment, verbatim. Filled in by `rule!`.
    pub docs: &'static str,
    /// The file that declares it. Filled in by `rule!`.
    pub file: &'static str,
    /// The line that declares it. Filled in by `rule!`.
    pub line: u32,
}

impl CauseRule {
    /// The text under one `## heading` of the doc comment.
    #[must_use]
    pub fn section(&self, heading: &str) -> Option<&'static str> {
        crate::rule::section(self.docs, heading)
    }
}

/// A run as cause rules see it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Facts, without the declared ones where only measurements count.
    pub facts: Facts<'a>,
    /// Curves, and each tensor's beginning and end.
    pub digest: &'a Digest,
    /// The places in the model.
    pub sites: &'a Sites,
    /// The first bad operation, if the run broke and a replay named it.
    pub incident: Option<&'a Incident>,
    /// Planned steps, if known.
    pub planned_steps: Option<u64>,
    /// Steps done.
    pub steps: u64,
    /// Findings that follow from no other, in order of step and graph.
    pub findings: &'a [Finding],
    pub(crate) layers: &'a Layers,
}

impl<'a> Case<'a> {
    /// The earliest finding of a symptom rule.
    #[must_use]
    pub fn finding(&self, name: &str) -> Option<&'a Finding> {
        self.findings.iter().find(|finding| finding.name == name)
    }

    /// The first of these findings that came before the finding `later`, or at the same step.
    #[must_use]
    pub fn first_before(&self, earlier: &[&str], later: &str) -> Option<&'a Finding> {
        let limit = self.finding(later)?.step;
        earlier
            .iter()
            .filter_map(|name| self.finding(name))
            .filter(|finding| finding.step <= limit)
            .min_by_key(|finding| finding.step)
    }

    /// Whether a symptom rule found something.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.finding(name).is_some()
    }

    /// Whether one of these symptom rules found something.
    #[must_use]
    pub fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    /// Whether the training itself fails, by one of the findings of [`Trouble::NAMES`]. An odd setting that trains well is healthy.
    #[must_use]
    pub fn in_trouble(&self) -> bool {
        self.findings.iter().any(Trouble::is)
    }

    /// The layer that a parameter belongs to; a layer belongs to itself.
    #[must_use]
    pub fn layer_of(&self, site: SiteId) -> SiteId {
        self.layers.of(site)
    }

    /// Whether the parameter here may be a matrix and not a bias.
    #[must_use]
    pub fn is_matrix(&self, site: SiteId) -> bool {
        self.layers.is_matrix(site)
    }

    /// What the network puts out, over the run: the output where it was read, else the last activation.
    #[must_use]
    pub fn output(&self) -> Option<(SiteId, &'a SiteDigest)> {
        let digest = self.digest;
        let last = || self.in_order(Role::Activation).next_back();
        digest.only(Role::Output).or_else(|| last().and_then(|site| Some((site, digest.site(site, Role::Activation)?))))
    }

    /// Starts adding up evidence from the log-odds that the cause has with no evidence at all.
    #[must_use]
    pub fn weigh(&'a self, prior: f64) -> Weights<'a> {
        Weights { case: self, weighing: Weighing { prior, ..Weighing::default() } }
    }

    /// Sites that have a digest of `role`, in execution order.
    #[must_use]
    pub fn in_order(&self, role: Role) -> impl DoubleEndedIterator<Item = SiteId> + use<'a> {
        let digest = self.digest;
        self.sites.in_order().iter().copied().filter(move |site| digest.site(*site, role).is_some())
    }
}

/// One term of the sum of log-odds.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// What it adds; negative speaks against the cause.
    pub log_odds: f64,
    /// The line of evidence for people.
    pub evidence: Evidence,
    /// The symptom rule whose finding this is, if it is one.
    pub symptom: Option<&'static str>,
}

/// The evidence for and against one cause.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weighing {
    /// Log-odds without evidence.
    pub prior: f64,
    /// What was added.
    pub terms: Vec<Term>,
    /// The step at which the cause first showed.
    pub step: Option<u64>,
    /// Where it first showed.
    pub site: Option<String>,
    /// The operation it acted through.
    pub operation: Option<String>,
}

/// The highest confidence without a measured symptom that the cause explains: an odd setting is a hint, never a diagnosis.
const UNSUPPORTED: f64 = 0.45;

impl Weighing {
    /// The sigmoid of the sum, below 0.5 unless a term is a finding of one of the rules that the cause explains.
    #[must_use]
    pub fn confidence(&self, explains: &[&str]) -> f64 {
        let sum: f64 = self.prior + self.terms.iter().map(|term| term.log_odds).sum::<f64>();
        let confidence = 1.0 / (1.0 + (-sum).exp());
        let explained = |term: &Term| term.log_odds > 0.0 && term.symptom.is_some_and(|name| explains.contains(&name));
        if self.terms.iter().any(explained) { confidence } else { confidence.min(UNSUPPORTED) }
    }
}

/// A [`Weighing`] under construction. Each method adds at most one term, and every term is a line of evidence for people.
#[derive(Clone, Debug)]
pub struct Weights<'a> {
    case: &'a Case<'a>,
    weighing: Weighing,
}

impl Weights<'_> {
    /// Adds `log_odds` if the symptom rule `name` found something. The cause shows first where its earliest symptom does.
    #[must_use]
    pub fn symptom(mut self, name: &'static str, log_odds: f64) -> Self {
        if let Some(finding) = self.case.finding(name) {
            let (value, limit) = finding.evidence.first().map_or((0.0, None), |first| (first.value, first.limit));
            let evidence = Evidence { text: finding.message.clone(), value, limit };
            self.weighing.terms.push(Term { log_odds, evidence, symptom: Some(name) });
            if log_odds > 0.0 && self.weighing.step.is_none_or(|step| finding.step < step) {
                self.weighing.step = Some(finding.step);
                self.weighing.site.clone_from(&finding.site);
            }
        }
        self
    }

    /// Adds the first of these symptoms that was found, so that several faces of one thing count once.
    #[must_use]
    pub fn first_symptom(self, weights: &[(&'static str, f64)]) -> Self {
        match weights.iter().find(|(name, _)| self.case.has(name)) {
            Some((name, log_odds)) => self.symptom(name, *log_odds),
            None => self,
        }
    }

    /// Adds `log_odds` with its evidence if `holds`.
    #[must_use]
    pub fn when(mut self, holds: bool, log_odds: f64, evidence: impl FnOnce() -> Evidence) -> Self {
        if holds {
            self.weighing.terms.push(Term { log_odds, evidence: evidence(), symptom: None });
        }
        self
    }

    /// Adds `log_odds` with the evidence if there is some: for a measurement that may be missing.
    #[must_use]
    pub fn given(mut self, evidence: Option<Evidence>, log_odds: f64) -> Self {
        if let Some(evidence) = evidence {
            self.weighing.terms.push(Term { log_odds, evidence, symptom: None });
        }
        self
    }

    /// Subtracts `log_odds` if the training shows no trouble.
    #[must_use]
    pub fn unless_in_trouble(self, log_odds: f64) -> Self {
        let calm = !self.case.in_trouble();
        self.when(calm, -log_odds, || Evidence::plain("the training itself shows no trouble", 0.0))
    }

    /// Says where the cause sits, if that is known better than by its symptoms.
    #[must_use]
    pub fn at(mut self, site: Option<SiteId>) -> Self {
        if let Some(site) = site {
            self.weighing.site = Some(self.case.sites.path(site).to_owned());
        }
        self
    }

    /// Says through which operation it acted.
    #[must_use]
    pub fn through(mut self, operation: Option<&str>) -> Self {
        self.weighing.operation = operation.map(str::to_owned);
        self
    }

    /// The sum.
    #[must_use]
    pub fn done(self) -> Weighing {
        self.weighing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(log_odds: f64, symptom: Option<&'static str>) -> Term {
        Term { log_odds, evidence: Evidence::plain("x", 0.0), symptom }
    }

    fn confidence(terms: Vec<Term>) -> f64 {
        Weighing { terms, ..Weighing::default() }.confidence(&["loss-flat"])
    }

    #[test]
    fn without_a_symptom_that_it_explains_a_cause_stays_below_a_half() {
        assert!(confidence(vec![term(50.0, None)]) < 0.5);
        assert!(confidence(vec![term(50.0, None), term(9.0, Some("loss-spike"))]) < 0.5);
        assert!(confidence(vec![term(50.0, None), term(-1.0, Some("loss-flat"))]) < 0.5);
        assert!(confidence(vec![term(3.0, None), term(0.5, Some("loss-flat"))]) > 0.9);
    }
}
