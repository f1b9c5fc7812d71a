//! The report for a terminal, in the words and looks of a compiler error.
mod canvas;
mod plot;

use crate::Report;
use crate::fold::{Group, worst};
use crate::number::count;
use crate::outline::{FullCause, Headline, Outline, Row};
use crate::words::{self, Tone};
use canvas::{Canvas, Ink, Span, plain, span};

/// Narrowest and widest report, in columns (our choice: below, nothing reads well; above, the eye loses the line).
const WIDTHS: std::ops::RangeInclusive<usize> = 40..=200;

/// From this width on, the findings are a table (our choice).
const TABLE_FROM: usize = 64;

/// Most groups of findings listed; the others are counted (our choice).
const GROUPS: usize = 12;

/// Columns of the closing labels: `not checked` and a space.
const LABEL: usize = 13;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Columns; held within 40 and 200.
    pub width: usize,
    /// Whether to colour. The caller knows `NO_COLOR` and whether the output is a terminal.
    pub color: bool,
    /// Whether to write nothing but ASCII.
    pub ascii: bool,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        Self { width: 80, color: false, ascii: false }
    }
}

/// Renders a report for a terminal, ending with a line break.
#[must_use]
pub fn terminal(report: &Report<'_>, options: &TerminalOptions) -> String {
    let width = options.width.clamp(*WIDTHS.start(), *WIDTHS.end());
    let mut canvas = Canvas::new(width, options.color, options.ascii);
    let outline = Outline::new(report);
    head(&mut canvas, &outline);
    for cause in &outline.causes {
        full_cause(&mut canvas, cause);
    }
    also(&mut canvas, &outline);
    findings(&mut canvas, &outline);
    curve(&mut canvas, report, &outline);
    closing(&mut canvas, report, &outline);
    canvas.finish()
}

fn gutter() -> Vec<Span> {
    vec![span(Ink::Gutter, "   |  ")]
}

/// What stands at the source line is set off, as compilers do.
fn quoted() -> Vec<Span> {
    vec![span(Ink::Gutter, "   |      ")]
}

fn head(canvas: &mut Canvas, outline: &Outline<'_>) {
    let Headline { tone, code, text, place } = &outline.headline;
    let code = code.as_ref().map_or_else(String::new, |code| format!("[{code}]"));
    let label = format!("{}{code}", tone.name());
    canvas.wrapped(&[], &[], &[span(Ink::Head(*tone), label), span(Ink::Bold, format!(": {text}"))]);
    canvas.wrapped(&[span(Ink::Gutter, "  --> ")], &[plain("      ")], &[plain(place.clone())]);
    if let Some(source) = &outline.source {
        canvas.wrapped(&gutter(), &gutter(), &[plain(format!("called at {source}"))]);
    }
    if let Some(line) = outline.source_text {
        canvas.wrapped(&quoted(), &quoted(), &[plain(line)]);
    }
    pairs(canvas, &outline.inputs);
    if let Some(rows) = &outline.rows {
        canvas.wrapped(&gutter(), &gutter(), &[plain(rows.clone())]);
    }
    evidence(canvas, &outline.evidence);
}

/// Names and figures, aligned where they fit.
fn pairs(canvas: &mut Canvas, pairs: &[(String, String)]) {
    let name_width = pairs.iter().map(|(name, _)| canvas.columns(name)).max().unwrap_or(0);
    for (name, figures) in pairs {
        let fits = 6 + name_width + 2 + canvas.columns(figures) <= canvas.width();
        let gap = if fits { name_width - canvas.columns(name) + 1 } else { 1 };
        canvas.wrapped(&gutter(), &gutter(), &[plain(format!("{name}:{}{figures}", " ".repeat(gap)))]);
    }
}

/// Evidence as a table of text, value and limit; as sentences where the table is too wide.
fn evidence(canvas: &mut Canvas, rows: &[Row]) {
    let measured = || rows.iter().filter(|row| row.value.is_some() || row.limit.is_some());
    let text_width = measured().map(|row| canvas.columns(&row.text)).max().unwrap_or(0);
    let value_width = rows.iter().filter_map(|row| row.value.as_ref()).map(String::len).max().unwrap_or(0);
    let limit_width = rows.iter().filter_map(|row| row.limit.as_ref()).map(|limit| limit.len() + 9).max().unwrap_or(0);
    let fits = 6 + text_width + 2 + value_width + limit_width <= canvas.width();
    for Row { text, value, limit } in rows {
        let limit = limit.as_ref().map_or_else(String::new, |limit| format!("(limit {limit})"));
        let (gap, value) = match value {
            Some(value) if fits => (text_width + 2 - canvas.columns(text), format!("{value:>value_width$}")),
            Some(value) => (1, value.clone()),
            None => (0, String::new()),
        };
        let colon = if fits || value.is_empty() { "" } else { ":" };
        let before_limit = match (limit.is_empty(), fits && !value.is_empty()) {
            (true, _) => "",
            (false, true) => "  ",
            (false, false) => " ",
        };
        let body = [
            plain(format!("{text}{colon}{}", " ".repeat(gap))),
            span(Ink::Bold, value),
            span(Ink::Dim, format!("{before_limit}{limit}")),
        ];
        canvas.wrapped(&gutter(), &gutter(), &body);
    }
}

fn full_cause(canvas: &mut Canvas, cause: &FullCause) {
    let tone = if cause.likely { Tone::Error } else { Tone::Unsure };
    let ink = if cause.likely { Ink::Bold } else { Ink::Head(tone) };
    canvas.wrapped(&[], &[], &[span(ink, format!("{}: ", cause.label)), span(Ink::Bold, cause.name.clone())]);
    evidence(canvas, &cause.evidence);
    if let Some(place) = &cause.place {
        canvas.wrapped(&gutter(), &gutter(), &[plain(place.clone())]);
    }
    remark(canvas, "fix", Ink::Bold, &cause.fix);
    for edit in &cause.recipe {
        remark(canvas, "recipe", Ink::Bold, edit);
    }
    let ink = match cause.works {
        Some(true) => Ink::Good,
        Some(false) => Ink::Bad,
        None => Ink::Dim,
    };
    remark(canvas, cause.trial.0, ink, &cause.trial.1);
}

/// `   = fix: lower the learning rate`.
fn remark(canvas: &mut Canvas, label: &str, ink: Ink, text: &str) {
    let body = [span(ink, format!("{label}:")), plain(format!(" {text}"))];
    canvas.wrapped(&[span(Ink::Gutter, "   = ")], &[plain("     ")], &body);
}

fn also(canvas: &mut Canvas, outline: &Outline<'_>) {
    for cause in &outline.also {
        let body =
            [span(Ink::Dim, format!("{}: ", outline.also_label)), plain(format!("{}: {}", cause.name, cause.fix))];
        canvas.wrapped(&[], &[plain("  ")], &body);
    }
    if outline.also_beyond > 0 {
        canvas.line(&[span(Ink::Dim, format!("and {} less likely", outline.also_beyond))]);
    }
}

fn findings(canvas: &mut Canvas, outline: &Outline<'_>) {
    if !outline.has_more_findings() {
        return;
    }
    canvas.blank();
    canvas.line(&[span(Ink::Bold, "findings")]);
    let (groups, beyond) = worst(&outline.findings, GROUPS);
    let label_width = groups.iter().map(|group| canvas.columns(&label(group))).max().unwrap_or(0);
    let step_width = groups.iter().map(|group| step(group).len()).max().unwrap_or(0);
    for group in &groups {
        let tone = Tone::from(group.first.severity);
        let mut body = vec![plain(group.first.message.clone())];
        if let Some(more) = words::elsewhere(group) {
            body.push(span(Ink::Dim, format!(" ({more})")));
        }
        let label = label(group);
        let pad = label_width - canvas.columns(&label);
        if canvas.width() >= TABLE_FROM && 2 + label_width + 2 + step_width + 2 < canvas.width() / 2 {
            let first = [
                plain("  "),
                span(Ink::Head(tone), label),
                plain(format!("{}  {:>step_width$}  ", " ".repeat(pad), step(group))),
            ];
            let indent = " ".repeat(2 + label_width + 2 + step_width + 2);
            canvas.wrapped(&first, &[plain(indent)], &body);
        } else {
            canvas.wrapped(
                &[plain("  ")],
                &[plain("  ")],
                &[span(Ink::Head(tone), label), plain(format!(" {}", step(group)))],
            );
            canvas.wrapped(&[plain("    ")], &[plain("    ")], &body);
        }
    }
    if beyond > 0 {
        canvas.line(&[span(Ink::Dim, format!("  and {}", words::more_rules(beyond)))]);
    }
}

fn label(group: &Group<'_>) -> String {
    format!("{}[{}]", group.first.severity.name(), group.first.code)
}

fn step(group: &Group<'_>) -> String {
    format!("step {}", count(group.first.step))
}

fn curve(canvas: &mut Canvas, report: &Report<'_>, outline: &Outline<'_>) {
    let (Some(series), Some(summary)) = (report.curves.loss(), &outline.loss) else { return };
    canvas.blank();
    canvas.wrapped(&[], &[plain("      ")], &[span(Ink::Bold, "loss  "), plain(summary.clone())]);
    plot::loss(canvas, &series, report.diagnosis.incident.as_ref().map(|incident| incident.step));
}

fn closing(canvas: &mut Canvas, report: &Report<'_>, outline: &Outline<'_>) {
    canvas.blank();
    if let Some(replay) = &outline.replay {
        closing_line(canvas, "replay", replay);
    }
    closing_line(canvas, "checked", &outline.checked);
    for (index, (reason, rules)) in outline.not_checked.iter().enumerate() {
        let label = if index == 0 { "not checked" } else { "" };
        closing_line(canvas, label, &format!("{reason}: {}", words::rules_named(rules)));
    }
    if let Some(dropped) = &outline.dropped {
        closing_line(canvas, "dropped", dropped);
    }
    for note in &outline.notes {
        closing_line(canvas, "note", note);
    }
    let (verdict, tally) = &outline.closing;
    let tone = Tone::from(report.diagnosis.verdict);
    canvas.wrapped(&[], &[], &[span(Ink::Head(tone), *verdict), plain(format!(": {tally}"))]);
}

fn closing_line(canvas: &mut Canvas, label: &str, text: &str) {
    let first = [span(Ink::Dim, format!("{label:<LABEL$}"))];
    canvas.wrapped(&first, &[plain(" ".repeat(LABEL))], &[plain(text)]);
}
