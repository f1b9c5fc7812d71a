//! What a report says, in order, before any format is chosen. Text is as the log has it: each format makes it harmless.
use crate::add::add;
use crate::fold::{Group, fold};
use crate::number::{count, counted, number};
use crate::words::{self, Tone};
use crate::{Report, curves::Extent};
use barograph_vocab::{Cause, Diagnosis, Evidence, Finding, Verdict};

/// Most causes told in full (our choice: a reader tries one thing at a time).
const FULL_CAUSES: usize = 2;

/// Most further causes told in one line each (our choice).
const SHORT_CAUSES: usize = 4;

/// Most notes, and most reasons for what was not checked (our choice: a log may hold any number of them).
const LISTED: usize = 20;

/// The first line.
#[derive(Debug)]
pub(crate) struct Headline {
    pub(crate) tone: Tone,
    pub(crate) code: Option<String>,
    pub(crate) text: String,
    pub(crate) place: String,
}

/// One line of evidence.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) text: String,
    /// Absent where the text says it, or where there is nothing to measure.
    pub(crate) value: Option<String>,
    pub(crate) limit: Option<String>,
}

impl Row {
    /// Evidence of a finding: its value was measured.
    fn of_finding(evidence: &Evidence) -> Self {
        let value = number(evidence.value);
        let value = (!says(&evidence.text, &value)).then_some(value);
        Self { text: evidence.text.clone(), value, limit: evidence.limit.map(number) }
    }

    /// Evidence of a cause: where there was nothing to measure, its value is zero.
    fn of_cause(evidence: &Evidence) -> Self {
        let nothing = evidence.value == 0.0 && evidence.limit.is_none();
        let row = Self::of_finding(evidence);
        Self { value: row.value.filter(|_| !nothing), ..row }
    }
}

/// Whether a text holds a number, as a word of its own.
fn says(text: &str, number: &str) -> bool {
    let plain = |c: char| matches!(c, '(' | ')' | ',' | ':' | ';');
    text.split(|c: char| c.is_whitespace() || plain(c)).any(|word| word == number)
}

/// A cause, told in full.
#[derive(Debug)]
pub(crate) struct FullCause {
    pub(crate) label: &'static str,
    pub(crate) name: String,
    pub(crate) likely: bool,
    /// 0..=1, for a bar.
    pub(crate) confidence: f64,
    pub(crate) place: Option<String>,
    pub(crate) evidence: Vec<Row>,
    pub(crate) fix: String,
    pub(crate) recipe: Vec<String>,
    pub(crate) trial: (&'static str, String),
    pub(crate) works: Option<bool>,
}

/// A cause, told in one line.
#[derive(Debug)]
pub(crate) struct ShortCause {
    pub(crate) name: String,
    pub(crate) fix: String,
}

/// What a report says, in order.
#[derive(Debug)]
pub(crate) struct Outline<'a> {
    pub(crate) headline: Headline,
    /// What the incident's operation was given: name and figures.
    pub(crate) inputs: Vec<(String, String)>,
    pub(crate) source: Option<String>,
    /// What stands at the source line.
    pub(crate) source_text: Option<&'a str>,
    pub(crate) rows: Option<String>,
    /// Evidence of the headline's finding, where no operation's inputs are shown.
    pub(crate) evidence: Vec<Row>,
    pub(crate) causes: Vec<FullCause>,
    pub(crate) also_label: &'static str,
    pub(crate) also: Vec<ShortCause>,
    pub(crate) also_beyond: usize,
    pub(crate) findings: Vec<Group<'a>>,
    pub(crate) loss: Option<String>,
    pub(crate) replay: Option<String>,
    pub(crate) checked: String,
    pub(crate) not_checked: Vec<(String, Vec<&'a str>)>,
    pub(crate) dropped: Option<String>,
    pub(crate) notes: Vec<String>,
    /// The last line: `unhealthy: 2 errors, 1 warning`.
    pub(crate) closing: (&'static str, String),
}

impl<'a> Outline<'a> {
    pub(crate) fn new(report: &Report<'a>) -> Self {
        let diagnosis = report.diagnosis;
        let leading = words::leading(diagnosis).filter(|_| diagnosis.verdict == Verdict::Unhealthy);
        let incident = diagnosis.incident.as_ref();
        let (causes, short) = split(diagnosis);
        Self {
            headline: headline(diagnosis, leading),
            inputs: incident.map_or_else(Vec::new, |incident| {
                incident.inputs.iter().map(|input| (words::input_name(input), words::input_figures(input))).collect()
            }),
            source: incident.and_then(words::source),
            source_text: incident.and_then(words::source_text),
            rows: incident.and_then(words::rows),
            evidence: match (leading, incident) {
                // The figures of the operation's inputs say more.
                (_, Some(incident)) if !incident.inputs.is_empty() => Vec::new(),
                (Some(finding), _) => finding.evidence.iter().map(Row::of_finding).collect(),
                (None, _) => Vec::new(),
            },
            causes: causes.iter().map(full).collect(),
            also_label: if diagnosis.verdict == Verdict::Healthy { "hint" } else { "also possible" },
            also: short.iter().take(SHORT_CAUSES).map(short_cause).collect(),
            also_beyond: short.len().saturating_sub(SHORT_CAUSES),
            findings: fold(&diagnosis.findings),
            loss: report.curves.loss().map(|loss| summary(loss.extent)),
            replay: incident.map(words::exactness),
            checked: words::checked(diagnosis),
            not_checked: reasons(diagnosis),
            dropped: words::dropped(diagnosis),
            notes: notes(diagnosis),
            closing: (diagnosis.verdict.name(), words::tally_of(&diagnosis.findings)),
        }
    }

    /// Whether the list of findings says more than the first line did.
    pub(crate) fn has_more_findings(&self) -> bool {
        let said = self.headline.code.is_some() && self.findings.len() == 1 && self.findings[0].others.is_empty();
        !self.findings.is_empty() && !said
    }
}

fn headline(diagnosis: &Diagnosis, leading: Option<&Finding>) -> Headline {
    let at_finding = || {
        let finding = leading?;
        let step = format!("step {}", count(finding.step));
        Some(words::finding_place(finding).map_or(step.clone(), |place| format!("{place}, {step}")))
    };
    let at_incident = diagnosis.incident.as_ref().map(words::incident_place);
    Headline {
        tone: leading.map_or_else(|| Tone::from(diagnosis.verdict), |finding| Tone::from(finding.severity)),
        code: leading.map(|finding| finding.code.clone()),
        text: words::headline(diagnosis),
        place: at_incident.or_else(at_finding).unwrap_or_else(|| words::run(diagnosis)),
    }
}

/// The causes to tell in full, and the others. A healthy run has at most hints.
fn split(diagnosis: &Diagnosis) -> (&[Cause], &[Cause]) {
    let causes = &diagnosis.causes;
    let likely = causes.iter().take_while(|cause| cause.confidence >= words::LIKELY).count();
    let told = match diagnosis.verdict {
        Verdict::Healthy => 0,
        _ => likely.clamp(1, FULL_CAUSES).min(causes.len()),
    };
    causes.split_at(told)
}

fn reasons(diagnosis: &Diagnosis) -> Vec<(String, Vec<&str>)> {
    let all = words::by_reason(&diagnosis.not_checked);
    let (listed, others) = all.split_at(all.len().min(LISTED));
    let mut reasons: Vec<_> = listed.iter().map(|(reason, rules)| ((*reason).to_owned(), rules.clone())).collect();
    if !others.is_empty() {
        let rules = others.iter().flat_map(|(_, rules)| rules.iter().copied()).collect();
        reasons.push(("for other reasons".to_owned(), rules));
    }
    reasons
}

fn notes(diagnosis: &Diagnosis) -> Vec<String> {
    let (listed, others) = diagnosis.notes.split_at(diagnosis.notes.len().min(LISTED));
    let mut notes = listed.to_vec();
    if !others.is_empty() {
        notes.push(format!("and {}", counted(others.len() as u64, "more note")));
    }
    notes
}

fn full(cause: &Cause) -> FullCause {
    FullCause {
        label: words::cause_label(cause),
        name: words::cause_name(cause),
        likely: cause.confidence >= words::LIKELY,
        confidence: cause.confidence,
        place: words::cause_place(cause),
        evidence: cause.evidence.iter().map(Row::of_cause).collect(),
        fix: cause.remedy.text.clone(),
        recipe: cause.remedy.change.iter().map(words::edit).collect(),
        trial: words::trial(cause.remedy.verified.as_ref()),
        works: cause.remedy.verified.as_ref().map(|trial| trial.works),
    }
}

fn short_cause(cause: &Cause) -> ShortCause {
    ShortCause { name: words::cause_name(cause), fix: cause.remedy.text.clone() }
}

/// `2.31 -> 0.04, lowest 0.03 at step 980, first not finite at step 48 (12 of 60 values)`.
pub(crate) fn summary(extent: &Extent) -> String {
    let (first, last) = (number(extent.first.1), number(extent.last.1));
    let mut text = if extent.values == 1 { first.clone() } else { format!("{first} -> {last}") };
    if let Some((step, lowest)) = extent.lowest {
        let lowest = number(lowest);
        if lowest != last && lowest != first {
            add(&mut text, format_args!(", lowest {lowest} at step {}", count(step)));
        }
    }
    if let Some((step, highest)) = extent.highest {
        let highest = number(highest);
        if highest != last && highest != first {
            add(&mut text, format_args!(", highest {highest} at step {}", count(step)));
        }
    }
    if let Some(step) = extent.first_non_finite {
        let first = if extent.non_finite == 1 { "" } else { "first " };
        let (bad, all) = (count(extent.non_finite), count(extent.values));
        add(&mut text, format_args!(", {first}not finite at step {} ({bad} of {all} values)", count(step)));
    }
    text
}
