//! The diagnosis as JSON: a contract with programs. Names are added, never renamed or removed.
use crate::add::add;
use crate::visible::is_unsafe;
use crate::words;
use barograph_vocab::{
    Cause, Diagnosis, Edit, EditValue, Evidence, Exactness, Finding, Incident, NotChecked, OperationInput, Remedy,
    RowsOf, Trial,
};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// Version of the contract; it changes when a name changes its meaning.
const SCHEMA: u32 = 1;

/// Renders a diagnosis as pretty-printed JSON with a fixed order of keys, ending with a line break.
///
/// Numbers that are not finite are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`. Texts are those of the log, unchanged;
/// what could steer a terminal is written as a `\u` escape.
#[must_use]
pub fn json(diagnosis: &Diagnosis) -> String {
    // Structures of strings, numbers and lists cannot fail to serialize; were it to happen, the answer is still JSON.
    let text = serde_json::to_string_pretty(&DiagnosisView::from(diagnosis)).unwrap_or_else(|_| "null".to_owned());
    escaped(&text)
}

/// Outside of strings JSON is plain ASCII, so every unsafe character here is inside of one. Line breaks are the layout's.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if is_unsafe(c) && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                add(&mut out, format_args!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out.push('\n');
    out
}

/// A number, or the name of one that JSON cannot write.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            value if value.is_nan() => serializer.serialize_str("NaN"),
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            value => serializer.serialize_f64(value),
        }
    }
}

#[derive(Serialize)]
struct DiagnosisView<'a> {
    schema: u32,
    run: &'a str,
    verdict: &'static str,
    steps: u64,
    incident: Option<IncidentView<'a>>,
    causes: Vec<CauseView<'a>>,
    findings: Vec<FindingView<'a>>,
    checked: &'a [String],
    not_checked: Vec<NotCheckedView<'a>>,
    dropped: u64,
    notes: &'a [String],
}

impl<'a> From<&'a Diagnosis> for DiagnosisView<'a> {
    fn from(diagnosis: &'a Diagnosis) -> Self {
        Self {
            schema: SCHEMA,
            run: &diagnosis.run,
            verdict: diagnosis.verdict.name(),
            steps: diagnosis.steps,
            incident: diagnosis.incident.as_ref().map(IncidentView::from),
            causes: diagnosis.causes.iter().map(CauseView::from).collect(),
            findings: diagnosis.findings.iter().map(FindingView::from).collect(),
            checked: &diagnosis.checked,
            not_checked: diagnosis.not_checked.iter().map(NotCheckedView::from).collect(),
            dropped: diagnosis.dropped,
            notes: &diagnosis.notes,
        }
    }
}

#[derive(Serialize)]
struct IncidentView<'a> {
    step: u64,
    phase: &'static str,
    operation: &'a str,
    site: &'a str,
    source: Option<String>,
    source_text: Option<&'a str>,
    rows: &'a [u64],
    rows_of: &'static str,
    row_count: u64,
    inputs: Vec<InputView<'a>>,
    victims: u32,
    exactness: ExactnessView<'a>,
}

impl<'a> From<&'a Incident> for IncidentView<'a> {
    fn from(incident: &'a Incident) -> Self {
        Self {
            step: incident.step,
            phase: incident.phase.name(),
            operation: &incident.operation,
            site: &incident.site,
            source: words::source(incident),
            source_text: words::source_text(incident),
            rows: &incident.rows,
            rows_of: match incident.rows_of {
                RowsOf::DataSet => "data_set",
                RowsOf::Batch => "batch",
            },
            row_count: incident.row_count,
            inputs: incident.inputs.iter().map(InputView::from).collect(),
            victims: incident.victims,
            exactness: ExactnessView::from(&incident.exactness),
        }
    }
}

/// `state` is `witnessed`, `exact`, `inexact` (then `step` is the first that differs) or `not_replayed` (then `reason` says why).
#[derive(Serialize)]
struct ExactnessView<'a> {
    state: &'static str,
    step: Option<u64>,
    reason: Option<&'a str>,
}

impl<'a> From<&'a Exactness> for ExactnessView<'a> {
    fn from(exactness: &'a Exactness) -> Self {
        match exactness {
            Exactness::Witnessed => Self { state: "witnessed", step: None, reason: None },
            Exactness::Exact => Self { state: "exact", step: None, reason: None },
            Exactness::Inexact { step } => Self { state: "inexact", step: Some(*step), reason: None },
            Exactness::NotReplayed { reason } => Self { state: "not_replayed", step: None, reason: Some(reason) },
        }
    }
}

#[derive(Serialize)]
struct InputView<'a> {
    name: &'a str,
    shape: &'a [u32],
    min: Number,
    max: Number,
    mean: Number,
    std: Number,
    nan: u64,
    /// Infinities of both signs.
    inf: u64,
    zeros: u64,
    negatives: u64,
    count: u64,
}

impl<'a> From<&'a OperationInput> for InputView<'a> {
    fn from(input: &'a OperationInput) -> Self {
        let reading = &input.reading;
        Self {
            name: &input.name,
            shape: &input.shape,
            min: Number(reading.min),
            max: Number(reading.max),
            mean: Number(reading.mean),
            std: Number(reading.std()),
            nan: reading.nan,
            inf: reading.pos_inf + reading.neg_inf,
            zeros: reading.zeros,
            negatives: reading.negatives,
            count: reading.count,
        }
    }
}

#[derive(Serialize)]
struct CauseView<'a> {
    slug: &'a str,
    confidence: Number,
    step: Option<u64>,
    site: Option<&'a str>,
    operation: Option<&'a str>,
    evidence: Vec<EvidenceView<'a>>,
    remedy: RemedyView<'a>,
}

impl<'a> From<&'a Cause> for CauseView<'a> {
    fn from(cause: &'a Cause) -> Self {
        Self {
            slug: &cause.slug,
            confidence: Number(cause.confidence),
            step: cause.step,
            site: cause.site.as_deref(),
            operation: cause.operation.as_deref(),
            evidence: cause.evidence.iter().map(EvidenceView::from).collect(),
            remedy: RemedyView::from(&cause.remedy),
        }
    }
}

#[derive(Serialize)]
struct EvidenceView<'a> {
    text: &'a str,
    value: Number,
    limit: Option<Number>,
}

impl<'a> From<&'a Evidence> for EvidenceView<'a> {
    fn from(evidence: &'a Evidence) -> Self {
        Self { text: &evidence.text, value: Number(evidence.value), limit: evidence.limit.map(Number) }
    }
}

#[derive(Serialize)]
struct RemedyView<'a> {
    text: &'a str,
    change: ChangeView<'a>,
    verified: Option<TrialView>,
}

impl<'a> From<&'a Remedy> for RemedyView<'a> {
    fn from(remedy: &'a Remedy) -> Self {
        Self {
            text: &remedy.text,
            change: ChangeView(&remedy.change),
            verified: remedy.verified.as_ref().map(TrialView::from),
        }
    }
}

/// Recipe keys and their new values, as one object in the order of the edits.
struct ChangeView<'a>(&'a [Edit]);

impl Serialize for ChangeView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (index, edit) in self.0.iter().enumerate() {
            // An object has a key once: of two edits of one key the later one holds.
            if self.0[index + 1..].iter().any(|later| later.key == edit.key) {
                continue;
            }
            match &edit.value {
                EditValue::Number(value) => map.serialize_entry(&edit.key, &Number(*value))?,
                EditValue::Text(value) => map.serialize_entry(&edit.key, value)?,
                EditValue::Flag(value) => map.serialize_entry(&edit.key, value)?,
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
struct TrialView {
    from_step: u64,
    steps: u64,
    finite: bool,
    loss_first: Number,
    loss_last: Number,
    loss_without: Number,
    works: bool,
    text: String,
}

impl From<&Trial> for TrialView {
    fn from(trial: &Trial) -> Self {
        Self {
            from_step: trial.from_step,
            steps: trial.steps,
            finite: trial.finite,
            loss_first: Number(trial.loss_first),
            loss_last: Number(trial.loss_last),
            loss_without: Number(trial.loss_without),
            works: trial.works,
            text: words::trial_text(trial),
        }
    }
}

#[derive(Serialize)]
struct FindingView<'a> {
    code: &'a str,
    name: &'a str,
    severity: &'static str,
    step: u64,
    site: Option<&'a str>,
    role: Option<&'static str>,
    message: &'a str,
    evidence: Vec<EvidenceView<'a>>,
}

impl<'a> From<&'a Finding> for FindingView<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            code: &finding.code,
            name: &finding.name,
            severity: finding.severity.name(),
            step: finding.step,
            site: finding.site.as_deref(),
            role: finding.role.map(barograph_vocab::Role::name),
            message: &finding.message,
            evidence: finding.evidence.iter().map(EvidenceView::from).collect(),
        }
    }
}

#[derive(Serialize)]
struct NotCheckedView<'a> {
    rule: &'a str,
    reason: &'a str,
}

impl<'a> From<&'a NotChecked> for NotCheckedView<'a> {
    fn from(not_checked: &'a NotChecked) -> Self {
        Self { rule: &not_checked.rule, reason: &not_checked.reason }
    }
}
