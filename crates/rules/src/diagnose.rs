//! From findings and facts to ranked causes and a verdict.
use crate::cause::{Case, CauseRule, Term};
use crate::causes::CAUSES;
use crate::digest::Digest;
use crate::facts::Facts;
use crate::fold::{fold_sites, split_consequences};
use crate::layers::Layers;
use barograph_vocab::{
    Cause, Diagnosis, Evidence, Finding, Incident, NotChecked, Remedy, Severity, Sites, Trial, Verdict,
};

/// A cause counts from here on.
const SURE: f64 = 0.5;

/// Causes below this are not listed. Our choice.
const LISTED: f64 = 0.2;

/// The findings that say that the training itself fails, and not only that something about it is odd.
#[derive(Clone, Copy, Debug)]
pub struct Trouble;

impl Trouble {
    /// Their rules.
    pub const NAMES: &'static [&'static str] = &[
        "loss-not-finite",
        "gradient-not-finite",
        "weight-not-finite",
        "activation-not-finite",
        "inputs-not-finite",
        "targets-not-finite",
        "loss-diverging",
        "loss-flat",
        "loss-at-chance",
        "loss-oscillating",
        "loss-still-falling",
        "loss-negative",
        "loss-climbing",
        "loss-rewards-errors",
        "worse-than-neighbours",
        "no-weight-changes",
        "output-constant",
        "output-range-too-narrow",
        "one-class-only",
        "class-labels-out-of-range",
    ];

    /// Whether a finding is of this kind; mere notes are not.
    #[must_use]
    pub fn is(finding: &Finding) -> bool {
        finding.severity > Severity::Note && Self::NAMES.contains(&finding.name.as_str())
    }
}

/// A remedy of a cause, by its text, and what trying it showed.
#[derive(Clone, Debug)]
pub(crate) struct TriedRemedy {
    pub(crate) slug: String,
    pub(crate) remedy: String,
    pub(crate) trial: Trial,
}

/// All that a diagnosis is made of.
pub(crate) struct Evidences<'a> {
    pub(crate) name: &'a str,
    /// Whether remedies can be said as edits of a recipe.
    pub(crate) has_recipe: bool,
    pub(crate) sites: &'a Sites,
    pub(crate) layers: &'a Layers,
    pub(crate) facts: Facts<'a>,
    pub(crate) planned_steps: Option<u64>,
    pub(crate) digest: &'a Digest,
    pub(crate) findings: Vec<Finding>,
    pub(crate) incident: Option<&'a Incident>,
    pub(crate) trials: &'a [TriedRemedy],
    pub(crate) steps: u64,
    pub(crate) dropped: u64,
    pub(crate) notes: Vec<String>,
    pub(crate) checked: Vec<String>,
    pub(crate) not_checked: Vec<NotChecked>,
}

pub(crate) fn diagnose(evidences: Evidences<'_>) -> Diagnosis {
    let (roots, consequences) = split_consequences(evidences.findings.clone());
    let mut causes = rank(&evidences.case(&roots), evidences.trials);
    if !evidences.has_recipe {
        for cause in &mut causes {
            cause.remedy.change.clear();
        }
    }
    let mut findings = fold_sites(roots);
    findings.extend(fold_sites(consequences));
    Diagnosis {
        run: evidences.name.to_owned(),
        verdict: verdict(&findings, &causes),
        steps: evidences.steps,
        incident: evidences.incident.cloned(),
        causes,
        findings,
        checked: evidences.checked,
        not_checked: evidences.not_checked,
        dropped: evidences.dropped,
        notes: evidences.notes,
    }
}

/// Every remedy of one cause for this run, the most promising first.
pub(crate) fn remedies(evidences: &Evidences<'_>, slug: &str) -> Vec<Remedy> {
    let (roots, _) = split_consequences(evidences.findings.clone());
    let rule = CAUSES.iter().find(|rule| rule.slug == slug);
    rule.map_or_else(Vec::new, |rule| (rule.remedies)(&evidences.case(&roots)))
}

impl Evidences<'_> {
    fn case<'a>(&'a self, findings: &'a [Finding]) -> Case<'a> {
        Case {
            facts: self.facts,
            digest: self.digest,
            sites: self.sites,
            incident: self.incident,
            planned_steps: self.planned_steps,
            steps: self.steps,
            findings,
            layers: self.layers,
        }
    }
}

/// By falling confidence; causes of equal confidence in the order of the catalogue.
fn rank(case: &Case<'_>, trials: &[TriedRemedy]) -> Vec<Cause> {
    let mut causes: Vec<_> = CAUSES.iter().filter_map(|rule| weigh(rule, case, trials)).collect();
    causes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    causes
}

fn weigh(rule: &CauseRule, case: &Case<'_>, trials: &[TriedRemedy]) -> Option<Cause> {
    let weighing = (rule.weigh)(case);
    let confidence = weighing.confidence(rule.explains);
    if weighing.terms.is_empty() || confidence.is_nan() || confidence < LISTED {
        return None;
    }
    let mut terms = weighing.terms;
    terms.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()));
    let remedy = best_remedy((rule.remedies)(case), rule.slug, trials)?;
    Some(Cause {
        slug: rule.slug.to_owned(),
        confidence,
        step: weighing.step,
        site: weighing.site,
        operation: weighing.operation,
        evidence: terms.into_iter().map(line_of_evidence).collect(),
        remedy,
    })
}

/// The first remedy that was tried and works; else the first of all, with what trying it showed.
fn best_remedy(remedies: Vec<Remedy>, slug: &str, trials: &[TriedRemedy]) -> Option<Remedy> {
    let tried = |mut remedy: Remedy| {
        let trial = trials.iter().rev().find(|tried| tried.slug == slug && tried.remedy == remedy.text);
        remedy.verified = trial.map(|tried| tried.trial.clone());
        remedy
    };
    let remedies: Vec<Remedy> = remedies.into_iter().map(tried).collect();
    let works = remedies.iter().position(|remedy| remedy.verified.as_ref().is_some_and(|trial| trial.works));
    remedies.into_iter().nth(works.unwrap_or(0))
}

/// What speaks against the cause says so, or a reader would take it for support.
fn line_of_evidence(term: Term) -> Evidence {
    let Term { log_odds, mut evidence, .. } = term;
    if log_odds < 0.0 {
        evidence.text = format!("against it: {}", evidence.text);
    }
    evidence
}

fn verdict(findings: &[Finding], causes: &[Cause]) -> Verdict {
    let broken = findings.iter().any(|finding| finding.severity == Severity::Error);
    if broken || causes.iter().any(|cause| cause.confidence >= SURE) {
        Verdict::Unhealthy
    } else if findings.iter().any(Trouble::is) {
        Verdict::Unsure
    } else {
        Verdict::Healthy
    }
}
