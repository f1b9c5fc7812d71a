//! The first bad operation of a run that broke.
use crate::rule::Rule;
use crate::watch::Verdict;
use barograph_vocab::{Incident, Phase};

pub(super) mod division;
pub(super) mod exponential;
pub(super) mod logarithm;
pub(super) mod masked_row;
pub(super) mod other;
pub(super) mod root;

/// Whether the operation is one of `names`; a trailing underscore (in place) and a path before the name do not count.
fn named(incident: &Incident, names: &[&str]) -> bool {
    let last = incident.operation.rsplit(['.', ':']).next().unwrap_or_default();
    names.contains(&last.trim_end_matches('_'))
}

/// A power that goes wrong with numbers of this size is too large; roots go wrong at zero and below (our choice).
const LARGE: f64 = 1e3;

/// Whether the operation is a power whose result is too large, and no root: then what made its input grow is the matter.
fn is_large_power(incident: &Incident) -> bool {
    let grown = |incident: &Incident| incident.inputs.first().is_some_and(|input| input.reading.abs_max >= LARGE);
    incident.phase == Phase::Forward && named(incident, &["pow"]) && grown(incident)
}

/// The finding that an incident is.
fn found(rule: &Rule, incident: &Incident) -> Verdict {
    let part = if incident.phase == Phase::Backward { "the derivative of " } else { "" };
    let message = format!("{part}`{}` is the first operation with a result that is not finite", incident.operation);
    let mut draft = rule.found(incident.step, message).in_site(&incident.site);
    if let Some(input) = incident.inputs.first() {
        let reading = &input.reading;
        draft = draft.plain(format!("smallest value of {}", input.name), reading.min);
        draft = draft.plain(format!("largest value of {}", input.name), reading.max);
        draft = draft.plain(format!("zeros of {}", input.name), reading.zeros as f64);
    }
    draft.into()
}
