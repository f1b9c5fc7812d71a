//! The sentences of a report. Every format takes them from here, so that all formats say the same.
use crate::add::add;
use crate::fold::{Group, tally};
use crate::number::{confidence, count, counted, exact, number};
use barograph_vocab::{
    Cause, Diagnosis, Edit, EditValue, Evidence, Exactness, Finding, Incident, NotChecked, OperationInput, Phase, Role,
    Severity, Trial, Verdict,
};

/// From this confidence on a cause makes a run unhealthy; below, it is only possible. Source: [`Verdict::Unhealthy`].
pub(crate) const LIKELY: f64 = 0.5;

/// Most sites named in one sentence (our choice: they fit one line).
const SITES_NAMED: usize = 4;

/// Most rules named for one reason (our choice).
const RULES_NAMED: usize = 6;

/// What a verdict or a severity is called at the head of a line, and how it is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Error,
    Warning,
    Note,
    Healthy,
    Unsure,
}

impl Tone {
    /// The word at the head of a line; also the class in HTML.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Error => Severity::Error.name(),
            Self::Warning => Severity::Warning.name(),
            Self::Note => Severity::Note.name(),
            Self::Healthy => Verdict::Healthy.name(),
            Self::Unsure => Verdict::Unsure.name(),
        }
    }
}

impl From<Severity> for Tone {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning => Self::Warning,
            Severity::Note => Self::Note,
        }
    }
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Healthy => Self::Healthy,
            Verdict::Unhealthy => Self::Error,
            Verdict::Unsure => Self::Unsure,
        }
    }
}

/// The rule that sees a loss that is not finite. Codes are never given to another rule.
const LOSS_NOT_FINITE: &str = "LOS001";

/// The rule that sees which rank broke first. Where that is an error, what the first rank's loss did comes after it.
const RANK_BROKE_FIRST: &str = "RNK003";

/// Codes of the rules on single operations begin so.
const ON_AN_OPERATION: &str = "NUM";

/// The finding that the first line of an unhealthy run quotes: at the incident if there is one, else the first of the worst.
pub(crate) fn leading(diagnosis: &Diagnosis) -> Option<&Finding> {
    let worst = diagnosis.findings.iter().map(|finding| finding.severity).max()?;
    let mut of_worst = diagnosis.findings.iter().filter(|finding| finding.severity == worst);
    let Some(incident) = &diagnosis.incident else { return of_worst.next() };
    let mut here = of_worst.clone().filter(|finding| finding.step == incident.step);
    // The operation is where it began; what the reader saw, the loss, is said beside its code.
    let of_operation = here.clone().find(|finding| finding.code.starts_with(ON_AN_OPERATION));
    let run_wide = here.clone().find(|finding| finding.site.is_none());
    of_operation.or(run_wide).or_else(|| here.next()).or_else(|| of_worst.next())
}

/// What the reader saw of an incident: what it did to the loss, in the same step or, from a backward pass, in the next one.
fn seen(diagnosis: &Diagnosis) -> Option<String> {
    let step = diagnosis.incident.as_ref()?.step;
    let of_ranks = |finding: &Finding| finding.code == RANK_BROKE_FIRST && finding.severity == Severity::Error;
    if diagnosis.findings.iter().any(of_ranks) {
        return None;
    }
    let mut here = diagnosis.findings.iter().filter(|finding| (step..=step + 1).contains(&finding.step));
    let finding = here.find(|finding| finding.code == LOSS_NOT_FINITE)?;
    // After a semicolon it says what it follows from, which the next lines tell better.
    let message = finding.message.split(';').next().unwrap_or_default();
    Some(format!("{message} at step {}", count(finding.step)))
}

/// The sentence after the first line's label.
pub(crate) fn headline(diagnosis: &Diagnosis) -> String {
    match diagnosis.verdict {
        Verdict::Healthy => match diagnosis.checked.len() as u64 {
            0 => "nothing is known to be wrong, and no rule could be checked".to_owned(),
            checked => format!("nothing is wrong that {} could see", counted(checked, "rule")),
        },
        Verdict::Unsure => "something is odd, and no cause is likely enough to be named".to_owned(),
        Verdict::Unhealthy => seen(diagnosis).unwrap_or_else(|| match (leading(diagnosis), &diagnosis.incident) {
            (Some(finding), _) => finding.message.clone(),
            (None, Some(incident)) => format!("the first non-finite value appeared at step {}", count(incident.step)),
            (None, None) => "the run does not train as it should".to_owned(),
        }),
    }
}

/// The verdict in one sentence that stands alone.
pub(crate) fn verdict(diagnosis: &Diagnosis) -> String {
    let verdict = match diagnosis.verdict {
        Verdict::Healthy => "Healthy",
        Verdict::Unsure => "Unsure",
        Verdict::Unhealthy => "Unhealthy",
    };
    let answer = answer(diagnosis).map_or_else(String::new, |answer| format!(" {answer}"));
    format!("{verdict}: {}.{answer}", headline(diagnosis).trim_end_matches('.'))
}

/// The likeliest cause in one sentence.
pub(crate) fn answer(diagnosis: &Diagnosis) -> Option<String> {
    let cause = diagnosis.causes.first().filter(|_| diagnosis.verdict != Verdict::Healthy)?;
    let label = if cause.confidence >= LIKELY { "Most likely cause" } else { "Not sure, but possible" };
    Some(format!("{label}: {}.", cause_name(cause)))
}

/// `run mnist, 61 steps`.
pub(crate) fn run(diagnosis: &Diagnosis) -> String {
    format!("run {}", run_name(diagnosis))
}

/// `mnist, 61 steps`.
pub(crate) fn run_name(diagnosis: &Diagnosis) -> String {
    format!("{}, {}", diagnosis.run, counted(diagnosis.steps, "step"))
}

/// `update/weight ratio at fc2: 0.31 (limit 0.01)`.
pub(crate) fn evidence(evidence: &Evidence) -> String {
    let limit = evidence.limit.map_or_else(String::new, |limit| format!(" (limit {})", number(limit)));
    format!("{}: {}{limit}", evidence.text, number(evidence.value))
}

/// `head.log, step 48, forward pass, first of 3 non-finite operations`.
pub(crate) fn incident_place(incident: &Incident) -> String {
    let place = incident_operation(incident);
    let phase = phase(incident.phase);
    let mut text = format!("{place}, step {}, {phase}", count(incident.step));
    match incident.victims {
        0 => {}
        // Data has not been through an operation yet.
        1 if incident.phase == Phase::Data => {}
        1 => text.push_str(", the only non-finite operation"),
        victims => {
            add(&mut text, format_args!(", first of {}", counted(u64::from(victims), "non-finite operation")));
        }
    }
    text
}

/// The operation with its site, `head.log`.
pub(crate) fn incident_operation(incident: &Incident) -> String {
    let (site, operation) = (&incident.site, &incident.operation);
    match (site.is_empty(), operation.is_empty()) {
        (true, _) => operation.clone(),
        (_, true) => site.clone(),
        _ if site == operation => site.clone(),
        _ if operation.contains(char::is_whitespace) => format!("{site}: {operation}"),
        _ => format!("{site}.{operation}"),
    }
}

const fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Data => "in the data",
        Phase::Forward => "forward pass",
        Phase::Backward => "backward pass",
        Phase::Update => "update",
    }
}

/// `src/nets.rs:88`.
pub(crate) fn source(incident: &Incident) -> Option<String> {
    incident.source.as_ref().map(|source| format!("{}:{}", source.file, source.line))
}

/// `loss = -torch.log(p).mean()`, where it is known what stands at the line.
pub(crate) fn source_text(incident: &Incident) -> Option<&str> {
    incident.source.as_ref().map(|source| source.text.as_str()).filter(|text| !text.is_empty())
}

/// `rows 112, 519, 733 and 4 more of the data set`.
pub(crate) fn rows(incident: &Incident) -> Option<String> {
    let listed: Vec<_> = incident.rows.iter().map(u64::to_string).collect();
    let beyond = incident.row_count.saturating_sub(incident.rows.len() as u64);
    let noun = if listed.len() == 1 { "row" } else { "rows" };
    let whole = incident.rows_of.name();
    match (listed.is_empty(), beyond) {
        (true, 0) => None,
        (true, _) => Some(format!("{} of the {whole}", counted(beyond, "row"))),
        (false, 0) => Some(format!("{noun} {} of the {whole}", listed.join(", "))),
        (false, _) => Some(format!("{noun} {} and {} more of the {whole}", listed.join(", "), count(beyond))),
    }
}

/// `input 0 [128, 10]`.
pub(crate) fn input_name(input: &OperationInput) -> String {
    if input.shape.is_empty() { input.name.clone() } else { format!("{} {:?}", input.name, input.shape) }
}

/// `min 0, max 0.98, mean 0.1, 7 zeros of 640`.
pub(crate) fn input_figures(input: &OperationInput) -> String {
    let reading = &input.reading;
    if reading.count == 0 {
        return "empty".to_owned();
    }
    let mut parts = Vec::new();
    if reading.finite() > 0 {
        parts.push(format!("min {}", number(reading.min)));
        parts.push(format!("max {}", number(reading.max)));
        parts.push(format!("mean {}", number(reading.mean)));
    }
    let mut shares = Vec::new();
    for (share, singular, plural) in [
        (reading.nan, "NaN", "NaN"),
        (reading.pos_inf, "+Inf", "+Inf"),
        (reading.neg_inf, "-Inf", "-Inf"),
        (reading.zeros, "zero", "zeros"),
        (reading.negatives, "negative", "negatives"),
    ] {
        if share > 0 {
            shares.push(format!("{} {}", count(share), if share == 1 { singular } else { plural }));
        }
    }
    if !shares.is_empty() {
        parts.push(format!("{} of {}", shares.join(", "), count(reading.count)));
    }
    parts.join(", ")
}

/// Whether the replay is the step that was seen.
pub(crate) fn exactness(incident: &Incident) -> String {
    match &incident.exactness {
        Exactness::Exact => {
            format!("exact: the loss of every step up to {} was reproduced bit for bit", count(incident.step))
        }
        Exactness::Inexact { step } => {
            format!("inexact: the loss of step {} was not reproduced bit for bit", count(*step))
        }
        Exactness::Witnessed => "not needed: the operation was seen when it ran".to_owned(),
        Exactness::NotReplayed { reason } => format!("not replayed: {reason}"),
    }
}

/// `cause` or `possible cause`.
pub(crate) fn cause_label(cause: &Cause) -> &'static str {
    if cause.confidence >= LIKELY { "cause" } else { "possible cause" }
}

/// `learning-rate-too-high (0.94)`.
pub(crate) fn cause_name(cause: &Cause) -> String {
    format!("{} ({})", cause.slug, confidence(cause.confidence))
}

/// `first seen at fc2, in matmul, at step 36`.
pub(crate) fn cause_place(cause: &Cause) -> Option<String> {
    let site = cause.site.as_ref().map(|site| format!("at {site}"));
    let operation = cause.operation.as_ref().map(|operation| format!("in {operation}"));
    let step = cause.step.map(|step| format!("at step {}", count(step)));
    let parts: Vec<_> = [site, operation, step].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("first seen {}", parts.join(", ")))
}

/// Whether the remedy was tried, and what that showed: a label and a sentence.
pub(crate) fn trial(trial: Option<&Trial>) -> (&'static str, String) {
    match trial {
        None => ("not verified", "this fix was not tried".to_owned()),
        Some(trial) if trial.works => ("verified", trial_text(trial)),
        Some(trial) => ("tried, no help", trial_text(trial)),
    }
}

/// `from step 36: finite for 200 steps, loss 2.3 -> 0.41 (without the fix: NaN)`.
#[must_use]
pub fn trial_text(trial: &Trial) -> String {
    let outcome = if trial.finite { "finite for" } else { "not finite within" };
    format!(
        "from step {}: {outcome} {}, loss {} -> {} (without the fix: {})",
        count(trial.from_step),
        counted(trial.steps, "step"),
        number(trial.loss_first),
        number(trial.loss_last),
        number(trial.loss_without)
    )
}

/// `optimizer.learning_rate = 0.02`.
pub(crate) fn edit(edit: &Edit) -> String {
    let value = match &edit.value {
        EditValue::Number(value) => exact(*value),
        other => other.to_string(),
    };
    format!("{} = {value}", edit.key)
}

/// A role as words.
pub(crate) fn role(role: Role) -> String {
    role.name().replace('_', " ")
}

/// Where a finding is: `fc2, gradient`.
pub(crate) fn finding_place(finding: &Finding) -> Option<String> {
    match (&finding.site, finding.role) {
        (Some(site), Some(of)) if !is_said(&role(of), site) => Some(format!("{site}, {}", role(of))),
        (Some(site), _) => Some(site.clone()),
        (None, Some(of)) => Some(role(of)),
        (None, None) => None,
    }
}

/// Whether a path ends in the name of a role: `fc2.weight` needs no `weight` after it.
fn is_said(role: &str, site: &str) -> bool {
    site.rsplit('.').next() == Some(role)
}

/// `also at fc2, fc3 and 7 more sites, until step 41`.
pub(crate) fn elsewhere(group: &Group<'_>) -> Option<String> {
    let (first, last) = group.steps();
    let until = (last > first).then(|| format!("until step {}", count(last)));
    let sites = group.sites();
    let also = match sites.get(1..) {
        Some(others) if !others.is_empty() => Some(format!("also at {}", sites_named(others))),
        _ if !group.others.is_empty() => Some(format!("{} in all", counted(group.others.len() as u64 + 1, "finding"))),
        _ => None,
    };
    let parts: Vec<_> = [also, until].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn sites_named(sites: &[&str]) -> String {
    let named = &sites[..sites.len().min(SITES_NAMED)];
    match (sites.len() - named.len(), named) {
        (0, [others @ .., last]) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        (0, _) => named.join(", "),
        (more, _) => format!("{} and {}", named.join(", "), counted(more as u64, "more site")),
    }
}

/// `findings of 31 more rules`.
pub(crate) fn more_rules(beyond: usize) -> String {
    format!("findings of {}", counted(beyond as u64, "more rule"))
}

/// `2 errors, 1 warning`.
pub(crate) fn tally_of(findings: &[Finding]) -> String {
    let parts: Vec<_> = [Severity::Error, Severity::Warning, Severity::Note]
        .into_iter()
        .map(|severity| (tally(findings, severity), severity.name()))
        .filter(|(how_many, _)| *how_many > 0)
        .map(|(how_many, name)| counted(how_many, name))
        .collect();
    if parts.is_empty() { "no findings".to_owned() } else { parts.join(", ") }
}

/// `31 rules over 61 steps`.
pub(crate) fn checked(diagnosis: &Diagnosis) -> String {
    format!("{} over {}", counted(diagnosis.checked.len() as u64, "rule"), counted(diagnosis.steps, "step"))
}

/// Rules that were not checked, by reason in order of first appearance.
pub(crate) fn by_reason(rules: &[NotChecked]) -> Vec<(&str, Vec<&str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for NotChecked { rule, reason } in rules {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, of_reason)) => of_reason.push(rule),
            None => reasons.push((reason, vec![rule])),
        }
    }
    reasons
}

/// `dead-unit, constant-unit and 3 more`.
pub(crate) fn rules_named(rules: &[&str]) -> String {
    let named = &rules[..rules.len().min(RULES_NAMED)];
    match rules.len() - named.len() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// What was dropped or thinned.
pub(crate) fn dropped(diagnosis: &Diagnosis) -> Option<String> {
    (diagnosis.dropped > 0).then(|| format!("{}, or thinned", counted(diagnosis.dropped, "record")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use barograph_vocab::{Reading, RowsOf, SourceLine};

    fn finding(severity: Severity, step: u64, site: Option<&str>) -> Finding {
        Finding {
            code: "NUM001".to_owned(),
            name: "x".to_owned(),
            severity,
            step,
            site: site.map(str::to_owned),
            role: None,
            message: format!("{severity:?} at {step}"),
            evidence: Vec::new(),
        }
    }

    fn incident(exactness: Exactness) -> Incident {
        Incident {
            step: 48,
            phase: Phase::Backward,
            operation: "log".to_owned(),
            site: "head".to_owned(),
            source: Some(SourceLine { file: "a.rs".to_owned(), line: 3, text: String::new() }),
            rows: vec![7],
            rows_of: RowsOf::DataSet,
            row_count: 1,
            inputs: Vec::new(),
            victims: 1,
            exactness,
        }
    }

    fn diagnosis(findings: Vec<Finding>, incident: Option<Incident>) -> Diagnosis {
        Diagnosis {
            run: "r".to_owned(),
            verdict: Verdict::Unhealthy,
            steps: 60,
            incident,
            causes: Vec::new(),
            findings,
            checked: Vec::new(),
            not_checked: Vec::new(),
            dropped: 0,
            notes: Vec::new(),
        }
    }

    #[test]
    fn the_first_line_quotes_the_operation_of_an_incident_or_what_the_whole_run_shows() {
        let error = |step, site| Finding { code: "WGT001".to_owned(), ..finding(Severity::Error, step, site) };
        let findings =
            vec![finding(Severity::Warning, 1, None), error(40, Some("fc1")), error(48, Some("fc2")), error(48, None)];
        let with = diagnosis(findings.clone(), Some(incident(Exactness::Exact)));
        assert_eq!(leading(&with), Some(&findings[3]));
        let operation = finding(Severity::Error, 48, Some("fc2"));
        let found = diagnosis([findings.clone(), vec![operation.clone()]].concat(), Some(incident(Exactness::Exact)));
        assert_eq!(leading(&found), Some(&operation));
        let without = diagnosis(findings.clone(), None);
        assert_eq!(leading(&without), Some(&findings[1]));
        let elsewhere = diagnosis(findings[..2].to_vec(), Some(incident(Exactness::Exact)));
        assert_eq!(leading(&elsewhere), Some(&findings[1]));
        assert_eq!(
            headline(&diagnosis(Vec::new(), Some(incident(Exactness::Exact)))),
            "the first non-finite value appeared at step 48"
        );
    }

    #[test]
    fn the_first_line_of_an_incident_says_what_became_of_the_loss() {
        let loss = Finding {
            code: LOSS_NOT_FINITE.to_owned(),
            message: "the loss became NaN; follows from x".to_owned(),
            ..finding(Severity::Note, 49, None)
        };
        let at_operation = finding(Severity::Error, 48, Some("head"));
        let broken = diagnosis(vec![at_operation.clone(), loss], Some(incident(Exactness::Exact)));
        assert_eq!(headline(&broken), "the loss became NaN at step 49");
        assert_eq!(leading(&broken), Some(&at_operation));
    }

    #[test]
    fn a_replay_says_how_exact_it_was() {
        let said = |exactness| super::exactness(&incident(exactness));
        assert_eq!(said(Exactness::Exact), "exact: the loss of every step up to 48 was reproduced bit for bit");
        assert_eq!(
            said(Exactness::Inexact { step: 37 }),
            "inexact: the loss of step 37 was not reproduced bit for bit"
        );
        assert_eq!(said(Exactness::NotReplayed { reason: "no snapshot".to_owned() }), "not replayed: no snapshot");
    }

    #[test]
    fn rows_are_listed_and_counted() {
        let said = |rows: &[u64], row_count| {
            super::rows(&Incident { rows: rows.to_vec(), row_count, ..incident(Exactness::Exact) })
        };
        assert_eq!(said(&[], 0), None);
        assert_eq!(said(&[], 9).as_deref(), Some("9 rows of the data set"));
        assert_eq!(said(&[3], 1).as_deref(), Some("row 3 of the data set"));
        assert_eq!(said(&[3, 5], 9).as_deref(), Some("rows 3, 5 and 7 more of the data set"));
    }

    #[test]
    fn places_read_as_paths() {
        let with = |site: &str, operation: &str| {
            incident_operation(&Incident {
                site: site.to_owned(),
                operation: operation.to_owned(),
                ..incident(Exactness::Exact)
            })
        };
        assert_eq!(with("head", "log"), "head.log");
        assert_eq!(with("head.weight", "adam update"), "head.weight: adam update");
        assert_eq!(with("", "log"), "log");
        assert_eq!(with("input", "input"), "input");
        let at = |site: &str, role| {
            finding_place(&Finding { role: Some(role), ..finding(Severity::Note, 0, Some(site)) }).unwrap_or_default()
        };
        assert_eq!(at("fc2.weight", Role::Weight), "fc2.weight");
        assert_eq!(at("fc2.weight", Role::Gradient), "fc2.weight, gradient");
    }

    #[test]
    fn an_input_without_a_finite_element_has_no_mean() {
        let reading = Reading { count: 4, nan: 3, pos_inf: 1, ..Reading::EMPTY };
        let input = OperationInput { name: "x".to_owned(), shape: vec![4], reading };
        assert_eq!(input_figures(&input), "3 NaN, 1 +Inf of 4");
        assert_eq!(input_figures(&OperationInput { reading: Reading::EMPTY, ..input }), "empty");
    }
}
