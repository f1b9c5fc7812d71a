//! The report as GitHub-flavoured Markdown, without HTML.
use crate::Report;
use crate::add::add;
use crate::fold::worst;
use crate::number::count;
use crate::outline::{FullCause, Outline, Row};
use crate::visible::visible;
use crate::words;

/// Most groups of findings listed (our choice: a comment on a pull request stays readable).
const GROUPS: usize = 50;

/// Most further names in one cell or list (our choice).
const NAMES: usize = 40;

/// Renders a report as GitHub-flavoured Markdown.
#[must_use]
pub fn markdown(report: &Report<'_>) -> String {
    let outline = Outline::new(report);
    let mut page = Page(String::new());
    head(&mut page, report, &outline);
    for cause in &outline.causes {
        full_cause(&mut page, cause);
    }
    also(&mut page, &outline);
    findings(&mut page, &outline);
    checks(&mut page, report, &outline);
    page.0
}

/// Blocks with one empty line between them.
struct Page(String);

impl Page {
    fn block(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn table(&mut self, head: &[&str], align: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
        let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
        let rule: Vec<String> = align.iter().map(|cell| (*cell).to_owned()).collect();
        let lines: Vec<String> =
            [line(&head), line(&rule)].into_iter().chain(rows.iter().map(|row| line(row))).collect();
        self.block(&lines.join("\n"));
    }
}

fn head(page: &mut Page, report: &Report<'_>, outline: &Outline<'_>) {
    let headline = &outline.headline;
    let rule = headline.code.as_ref().map_or_else(String::new, |rule| format!(" {}", code(rule)));
    page.block(&format!("## {}{rule}: {}", headline.tone.name(), text(&headline.text)));
    let mut place = text(&headline.place);
    if let Some(source) = &outline.source {
        add(&mut place, format_args!(", called at {}", code(source)));
    }
    if let Some(line) = outline.source_text {
        add(&mut place, format_args!(": {}", code(line)));
    }
    page.block(&format!("**Where:** {place}"));
    if report.diagnosis.incident.is_some() {
        page.block(&format!("**Run:** {}", text(&words::run_name(report.diagnosis))));
    }
    if let Some(rows) = &outline.rows {
        page.block(&format!("**Data:** {}", text(rows)));
    }
    let inputs: Vec<_> = outline.inputs.iter().map(|(name, figures)| vec![code(name), text(figures)]).collect();
    page.table(&["input of the operation", "figures"], &["---", "---"], &inputs);
    evidence(page, &outline.evidence);
    if let Some(loss) = &outline.loss {
        page.block(&format!("**Loss:** {}", text(loss)));
    }
}

fn evidence(page: &mut Page, rows: &[Row]) {
    let cells: Vec<_> = rows
        .iter()
        .map(|row| vec![text(&row.text), row.value.clone().unwrap_or_default(), row.limit.clone().unwrap_or_default()])
        .collect();
    page.table(&["evidence", "value", "limit"], &["---", "---:", "---:"], &cells);
}

fn full_cause(page: &mut Page, cause: &FullCause) {
    page.block(&format!("### {}: {}", cause.label, text(&cause.name)));
    if let Some(place) = &cause.place {
        page.block(&text(place));
    }
    evidence(page, &cause.evidence);
    let (label, trial) = &cause.trial;
    page.block(&format!("- **fix:** {}\n- **{label}:** {}", text(&cause.fix), text(trial)));
    if !cause.recipe.is_empty() {
        let edits: Vec<_> = cause.recipe.iter().map(|edit| format!("+ {}", visible(edit))).collect();
        page.block(&fenced("diff", &edits.join("\n")));
    }
}

fn also(page: &mut Page, outline: &Outline<'_>) {
    let mut lines: Vec<_> = outline
        .also
        .iter()
        .map(|cause| format!("- {}: {}: {}", outline.also_label, text(&cause.name), text(&cause.fix)))
        .collect();
    if outline.also_beyond > 0 {
        lines.push(format!("- and {} less likely", outline.also_beyond));
    }
    if !lines.is_empty() {
        page.block(&lines.join("\n"));
    }
}

fn findings(page: &mut Page, outline: &Outline<'_>) {
    if outline.findings.is_empty() {
        return;
    }
    page.block("### findings");
    let (groups, beyond) = worst(&outline.findings, GROUPS);
    let rows: Vec<_> = groups
        .iter()
        .map(|group| {
            let first = group.first;
            let more = words::elsewhere(group).map_or_else(String::new, |more| format!(" ({})", text(&more)));
            vec![
                first.severity.name().to_owned(),
                format!("{} {}", code(&first.code), text(&first.name)),
                count(first.step),
                words::finding_place(first).map_or_else(String::new, |place| code(&place)),
                format!("{}{more}", text(&first.message)),
            ]
        })
        .collect();
    let align = ["---", "---", "---:", "---", "---"];
    page.table(&["severity", "rule", "step", "where", "what"], &align, &rows);
    if beyond > 0 {
        page.block(&format!("and {}", words::more_rules(beyond)));
    }
}

fn checks(page: &mut Page, report: &Report<'_>, outline: &Outline<'_>) {
    page.block("### what was checked");
    let mut lines = Vec::new();
    if let Some(replay) = &outline.replay {
        lines.push(format!("- **replay** {}", text(replay)));
    }
    let checked: Vec<&str> = report.diagnosis.checked.iter().map(String::as_str).collect();
    let names = if checked.is_empty() { String::new() } else { format!(": {}", names_of(&checked)) };
    lines.push(format!("- **checked** {}{names}", text(&outline.checked)));
    for (reason, rules) in &outline.not_checked {
        lines.push(format!("- **not checked**, {}: {}", text(reason), names_of(rules)));
    }
    if let Some(dropped) = &outline.dropped {
        lines.push(format!("- **dropped** {}", text(dropped)));
    }
    for note in &outline.notes {
        lines.push(format!("- **note** {}", text(note)));
    }
    let (verdict, tally) = &outline.closing;
    lines.push(format!("- **{verdict}**: {tally}"));
    page.block(&lines.join("\n"));
}

fn names_of(names: &[&str]) -> String {
    let mut listed: Vec<_> = names.iter().take(NAMES).map(|name| code(name)).collect();
    if names.len() > NAMES {
        listed.push(format!("{} more", names.len() - NAMES));
    }
    listed.join(", ")
}

/// Running text: what Markdown would act upon is escaped. Text that could notify a person goes into a code span.
fn text(raw: &str) -> String {
    let shown = visible(raw);
    if shown.contains('@') {
        return code(raw);
    }
    let characters: Vec<char> = shown.chars().collect();
    let mut out = String::with_capacity(shown.len());
    for (index, &c) in characters.iter().enumerate() {
        let neighbour = |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(|c| c.is_alphanumeric());
        let escape = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '&' | '|' | '~' | '$' | '!' => true,
            // Within a word an underscore is an underscore.
            '_' => !(neighbour(index.checked_sub(1)) && neighbour(Some(index + 1))),
            // What would begin a heading, a quotation or a list, or makes a link of an address.
            '#' | '-' | '+' | '=' | '>' => index == 0,
            ':' => characters.get(index + 1) == Some(&'/'),
            '.' | ')' => numbers_a_list(&characters, index) || ends_in_www(&characters[..index]),
            _ => false,
        };
        if escape {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn numbers_a_list(characters: &[char], index: usize) -> bool {
    let at_end_of_word = characters.get(index + 1).is_none_or(|c| *c == ' ');
    at_end_of_word && characters[..index].iter().all(char::is_ascii_digit)
}

fn ends_in_www(before: &[char]) -> bool {
    before.len() >= 3 && before[before.len() - 3..].iter().all(|c| c.eq_ignore_ascii_case(&'w'))
}

/// Names: a code span with a fence that the text does not contain. A bar is escaped in text, where tables and paragraphs agree
/// on what an escape is; only what could notify a person stays in a code span for all that.
fn code(raw: &str) -> String {
    let shown = visible(raw);
    if shown.contains('|') && !shown.contains('@') {
        return text(raw);
    }
    if shown.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let shown = shown.replace('|', "\\|");
    let fence = "`".repeat(longest_run(&shown) + 1);
    let pad = if shown.starts_with(['`', ' ']) || shown.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{shown}{pad}{fence}")
}

fn fenced(language: &str, block: &str) -> String {
    let fence = "`".repeat(longest_run(block).max(2) + 1);
    format!("{fence}{language}\n{block}\n{fence}")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_names_is_inert() {
        assert_eq!(text("<script>alert(1)</script>"), "\\<script>alert(1)\\</script>");
        assert_eq!(text("[x](http://a.b)"), "\\[x\\](http\\://a.b)");
        assert_eq!(text("a|b `c` *d* update_ratio _e_"), "a\\|b \\`c\\` \\*d\\* update_ratio \\_e\\_");
        assert_eq!(text("# head"), "\\# head");
        assert_eq!(text("1. item"), "1\\. item");
        assert_eq!(text("2.33"), "2.33");
        assert_eq!(text("> quote"), "\\> quote");
        assert_eq!(text("www.a.b"), "www\\.a.b");
        assert_eq!(text("ping @everyone"), "`ping @everyone`");
        assert_eq!(text("loss 2.3 -> 0.4"), "loss 2.3 -> 0.4");
    }

    #[test]
    fn code_spans_cannot_be_closed_from_inside() {
        assert_eq!(code("fc1"), "`fc1`");
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a|b"), "a\\|b");
        assert_eq!(code("a|@b"), "`a\\|@b`");
        assert_eq!(code("a\n"), "`a\\n`");
        assert_eq!(fenced("diff", "+ ```"), "````diff\n+ ```\n````");
    }
}
