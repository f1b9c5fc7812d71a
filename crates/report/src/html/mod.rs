//! The report as one self-contained HTML page: no network, no script.
mod heat;
mod markup;
mod plot;
mod samples;

use crate::Report;
use crate::add::add;
use crate::curves::Heat;
use crate::fold::worst;
use crate::number::count;
use crate::outline::{FullCause, Outline, Row};
use crate::words::{self, Tone};
use barograph_vocab::{Diagnosis, Evidence, Sample};
use markup::{element, table, text};

/// Most groups of findings listed (our choice: it bounds the page).
const GROUPS: usize = 60;

/// Most names of rules listed for one reason (our choice: it bounds the page).
const NAMES: usize = 100;

/// Most figures of one finding in the list of findings (our choice).
const EVIDENCE: usize = 3;

const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded or run, whatever a name from a log would smuggle in.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// What a page with pictures may load besides: those that it holds itself.
const PICTURES: &str = "; img-src data:";

/// Renders a report as one self-contained HTML page, well-formed XML too.
#[must_use]
pub fn html(report: &Report<'_>) -> String {
    let outline = Outline::new(report);
    let diagnosis = report.diagnosis;
    let mut page = String::with_capacity(64 * 1024);
    page.push_str(&head(diagnosis, report.samples));
    page.push_str(&verdict(diagnosis, &outline));
    page.push_str(&place(diagnosis, &outline));
    for cause in &outline.causes {
        page.push_str(&full_cause(cause));
    }
    page.push_str(&also(&outline));
    page.push_str(&curves(report, &outline));
    page.push_str(&section("Samples", &samples::grid(report.samples)));
    page.push_str(&heat_maps(report));
    page.push_str(&findings(&outline));
    page.push_str(&checks(diagnosis, &outline));
    page.push_str("</main></body></html>\n");
    page
}

fn head(diagnosis: &Diagnosis, samples: &[Sample]) -> String {
    let pictures = if samples.iter().any(|sample| sample.picture.is_some()) { PICTURES } else { "" };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}{pictures}\"/>\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <title>{}: {}</title>\n<style>\n{STYLE}</style></head>\n<body><main>\n",
        text(&diagnosis.run),
        diagnosis.verdict.name()
    )
}

/// A section with a heading; nothing where it would be empty.
fn section(heading: &str, body: &str) -> String {
    if body.is_empty() { String::new() } else { format!("<section><h2>{heading}</h2>\n{body}</section>\n") }
}

fn verdict(diagnosis: &Diagnosis, outline: &Outline<'_>) -> String {
    let tone = Tone::from(diagnosis.verdict).name();
    let badge = element("span", "badge", diagnosis.verdict.name());
    let run = element("span", "run", &text(&words::run(diagnosis)));
    let answer = words::answer(diagnosis).map_or_else(String::new, |answer| element("p", "lead", &text(&answer)));
    let headline = element("h1", "", &text(&words::headline(diagnosis)));
    let code = outline.headline.code.as_ref().map_or_else(String::new, |code| {
        element("span", "code", &text(&format!("{}[{code}]", outline.headline.tone.name())))
    });
    format!(
        "<header class=\"{tone}\" aria-label=\"{}\"><p>{badge} {code} {run}</p>{headline}{answer}</header>\n",
        text(&words::verdict(diagnosis))
    )
}

fn place(diagnosis: &Diagnosis, outline: &Outline<'_>) -> String {
    if outline.headline.code.is_none() && diagnosis.incident.is_none() {
        return String::new();
    }
    let mut lines = element("span", "place", &text(&outline.headline.place));
    if let Some(source) = &outline.source {
        add(&mut lines, format_args!("<br/>called at <code>{}</code>", text(source)));
    }
    if let Some(line) = outline.source_text {
        add(&mut lines, format_args!("<br/><code>{}</code>", text(line)));
    }
    if let Some(rows) = &outline.rows {
        add(&mut lines, format_args!("<br/>{}", text(rows)));
    }
    let inputs: Vec<_> =
        outline.inputs.iter().map(|(name, figures)| vec![element("code", "", &text(name)), text(figures)]).collect();
    let inputs = table("figures", &[("input of the operation", ""), ("figures", "")], &inputs);
    section("Where", &format!("{}\n{inputs}{}", element("p", "", &lines), evidence(&outline.evidence)))
}

fn evidence(rows: &[Row]) -> String {
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            vec![
                text(&row.text),
                element("b", "", row.value.as_deref().unwrap_or_default()),
                row.limit.clone().unwrap_or_default(),
            ]
        })
        .collect();
    table("figures", &[("evidence", ""), ("value", "n"), ("limit", "n")], &cells)
}

fn full_cause(cause: &FullCause) -> String {
    let mut body = String::new();
    if let Some(place) = &cause.place {
        body.push_str(&element("p", "quiet", &text(place)));
    }
    body.push_str(&evidence(&cause.evidence));
    body.push_str(&element("p", "fix", &format!("<b>fix</b> {}", text(&cause.fix))));
    if !cause.recipe.is_empty() {
        let edits: Vec<_> = cause.recipe.iter().map(|edit| format!("+ {}", text(edit))).collect();
        body.push_str(&element("pre", "diff", &edits.join("\n")));
    }
    let class = match cause.works {
        Some(true) => "trial works",
        Some(false) => "trial fails",
        None => "trial",
    };
    let (label, trial) = &cause.trial;
    body.push_str(&element("p", class, &format!("<b>{label}</b> {}", text(trial))));
    let percent = (cause.confidence * 100.0).clamp(0.0, 100.0);
    let bar = format!("<span class=\"bar\" aria-hidden=\"true\"><i style=\"width:{percent:.0}%\"></i></span>");
    let kind = if cause.likely { "likely" } else { "possible" };
    format!(
        "<section class=\"cause {kind}\"><h2>{}: <code>{}</code> {bar}</h2>\n{body}</section>\n",
        cause.label,
        text(&cause.name)
    )
}

fn also(outline: &Outline<'_>) -> String {
    let mut items: String = outline
        .also
        .iter()
        .map(|cause| {
            let name = element("code", "", &text(&cause.name));
            element("li", "", &format!("{}: {name}: {}", outline.also_label, text(&cause.fix)))
        })
        .collect();
    if outline.also_beyond > 0 {
        items.push_str(&element("li", "", &format!("and {} less likely", outline.also_beyond)));
    }
    if items.is_empty() { items } else { element("ul", "also", &items) }
}

fn curves(report: &Report<'_>, outline: &Outline<'_>) -> String {
    let loss = outline.loss.as_ref();
    let loss = loss.map_or_else(String::new, |loss| element("p", "quiet", &text(&format!("loss {loss}"))));
    let incident = report.diagnosis.incident.as_ref();
    let marker = incident.map(|incident| {
        (incident.step, format!("step {}: {}", count(incident.step), words::incident_operation(incident)))
    });
    section("Curves", &format!("{loss}{}", plot::curves(report.curves, marker)))
}

fn heat_maps(report: &Report<'_>) -> String {
    let maps: String =
        Heat::ALL.into_iter().filter_map(|heat| report.curves.heat_map(heat)).map(|map| heat::map(&map)).collect();
    let note = "Sites in execution order, from top to bottom. A colour is the largest value of its steps, and lasts until the next reading.";
    let note = if maps.is_empty() { String::new() } else { element("p", "quiet", note) };
    section("Layers over time", &format!("{note}{maps}"))
}

fn findings(outline: &Outline<'_>) -> String {
    let (groups, beyond) = worst(&outline.findings, GROUPS);
    let rows: Vec<_> = groups
        .iter()
        .map(|group| {
            let first = group.first;
            let severity = first.severity.name();
            let more = words::elsewhere(group);
            let more =
                more.map_or_else(String::new, |more| format!("<br/>{}", element("small", "quiet", &text(&more))));
            vec![
                element("span", severity, severity),
                format!("{} {}", element("code", "", &text(&first.code)), text(&first.name)),
                count(first.step),
                words::finding_place(first).map_or_else(String::new, |place| element("code", "", &text(&place))),
                format!("{}{}{more}", text(&first.message), small_evidence(&first.evidence)),
            ]
        })
        .collect();
    let columns = [("severity", ""), ("rule", ""), ("step", "n"), ("where", ""), ("what", "")];
    let beyond =
        if beyond > 0 { element("p", "quiet", &format!("and {}", words::more_rules(beyond))) } else { String::new() };
    section("Findings", &format!("{}{beyond}", table("findings", &columns, &rows)))
}

/// The figures of a finding, small, below its message.
fn small_evidence(evidence: &[Evidence]) -> String {
    let line = |evidence: &Evidence| format!("<br/>{}", element("small", "quiet", &text(&words::evidence(evidence))));
    evidence.iter().take(EVIDENCE).map(line).collect()
}

fn checks(diagnosis: &Diagnosis, outline: &Outline<'_>) -> String {
    let mut items = String::new();
    let mut item = |label: &str, markup: &str| add(&mut items, format_args!("<dt>{label}</dt><dd>{markup}</dd>\n"));
    if let Some(replay) = &outline.replay {
        item("replay", &text(replay));
    }
    let names: Vec<_> = diagnosis.checked.iter().map(String::as_str).collect();
    let all = format!("<details><summary>{}</summary>{}</details>", text(&outline.checked), names_of(&names));
    item("checked", if names.is_empty() { &outline.checked } else { &all });
    for (reason, rules) in &outline.not_checked {
        item("not checked", &format!("{}: {}", text(reason), names_of(rules)));
    }
    if let Some(dropped) = &outline.dropped {
        item("dropped", &text(dropped));
    }
    for note in &outline.notes {
        item("note", &text(note));
    }
    let (verdict, tally) = &outline.closing;
    item(verdict, tally);
    section("What was checked", &element("dl", "", &items))
}

fn names_of(names: &[&str]) -> String {
    let mut listed: Vec<_> = names.iter().take(NAMES).map(|name| element("code", "", &text(name))).collect();
    if names.len() > NAMES {
        listed.push(format!("{} more", names.len() - NAMES));
    }
    listed.join(", ")
}
