//! Putting findings together: what follows from an earlier finding is not news.
use barograph_vocab::{Finding, Role, Severity};

/// Sites named when a finding is folded; the rest are counted.
const NAMED: usize = 3;

/// How the codes of rules on single operations begin.
const ON_AN_OPERATION: &str = "NUM";

/// Splits findings into those that stand for themselves and those that follow from the first non-finite number, so that a NaN loss is
/// never blamed on the NaN gradients after it.
///
/// Within the failing step the order is that of computation: data, then activations through the graph, the loss, gradients, weights. The
/// operation in which it began, where a replay found it, comes before all but data.
pub(crate) fn split_consequences(findings: Vec<Finding>) -> (Vec<Finding>, Vec<Finding>) {
    let key = |(at, finding): &(usize, &Finding)| (finding.step, rank(finding), *at);
    let first = findings.iter().enumerate().filter(|(_, finding)| is_break(finding)).min_by_key(key);
    let Some((first, root)) = first.map(|(at, finding)| (at, finding.clone())) else { return (findings, Vec::new()) };
    let (mut roots, mut consequences) = (Vec::new(), Vec::new());
    for (at, finding) in findings.into_iter().enumerate() {
        let follows = is_break(&finding) || finding.step > root.step;
        // What a replay says of the failing step comes after it in the log, and explains it.
        if at == first || !follows || finding.code.starts_with(ON_AN_OPERATION) {
            roots.push(finding);
        } else {
            consequences.push(as_note(finding, &root));
        }
    }
    if rank(&root) > 0 {
        let is_origin = |finding: &Finding| finding.step == root.step && finding.code.starts_with(ON_AN_OPERATION);
        roots.sort_by_key(|finding| (finding.step, !is_origin(finding)));
    }
    (roots, consequences)
}

fn is_break(finding: &Finding) -> bool {
    let broke = finding.name.ends_with("-not-finite") || finding.name == "rank-not-finite-first";
    finding.severity == Severity::Error && broke
}

fn as_note(mut finding: Finding, root: &Finding) -> Finding {
    finding.severity = Severity::Note;
    if finding.name != root.name {
        finding.message = format!("{}; follows from {}", finding.message, root.name);
    }
    finding
}

fn rank(finding: &Finding) -> u8 {
    match finding.role {
        Some(Role::Input | Role::Target) => 0,
        Some(Role::PreActivation | Role::Activation | Role::Output) => 1,
        Some(Role::Loss) | None => 2,
        Some(Role::ActivationGradient) => 3,
        Some(Role::Gradient) => 4,
        Some(Role::Update | Role::OptimizerState | Role::Weight) => 5,
    }
}

/// Joins the findings of one rule at several sites into the earliest of them.
pub(crate) fn fold_sites(findings: Vec<Finding>) -> Vec<Finding> {
    let mut folded: Vec<(Finding, Vec<String>)> = Vec::new();
    for finding in findings {
        match folded.iter_mut().find(|(first, _)| first.code == finding.code && finding.site.is_some()) {
            Some((_, others)) => others.extend(finding.site),
            None => folded.push((finding, Vec::new())),
        }
    }
    folded.into_iter().map(|(finding, others)| with_others(finding, &others)).collect()
}

fn with_others(mut finding: Finding, others: &[String]) -> Finding {
    if !others.is_empty() {
        let named = others.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if others.len() > NAMED { ", ..." } else { "" };
        let sites = if others.len() == 1 { "site" } else { "sites" };
        finding.message = format!("{}, and at {} more {sites} ({named}{more})", finding.message, others.len());
    }
    finding
}
