//! The catalogue of rules.
use std::fmt::Write as _;

use barograph_rules::{CAUSES, CauseRule, Rule, SYMPTOMS};

const HEAD: &str = "\
<!-- Made by `cargo xtask docs` from the doc comments of the rules. Change those, not this page. -->
# Catalogue of rules

A **symptom** is what is seen in a run: *the gradient norm grew 40 times*. A **cause** is why: *the learning rate is too high*. Symptom
rules watch each step; when the run is over, or at any step before, cause rules weigh what they found. `barograph explain NAME`
prints the same text.

The examples are tests. `step`, `epoch` and the names beside them head columns; a row holds a range of steps and a value for each column.
`2.3->0.1` is a straight line, `1e-3=>10` grows by a constant factor, `0.9|1.1` takes turns, `-` is no value. The last line says what must
come out: `finding at STEP [SITE]` or `healthy`, and for causes `cause` or `no cause`.
";

/// The whole page.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    page += "\n## Symptoms\n\n| code | name | level | what it finds |\n|---|---|---|---|\n";
    for rule in SYMPTOMS {
        let what = first_paragraph(rule.section("What it does"));
        let (code, name, level) = (rule.code, rule.name, rule.severity.name());
        let _ = writeln!(page, "| [{code}](#{}) | {name} | {level} | {what} |", anchor(rule));
    }
    page += "\n## Causes\n\n| name | in one line |\n|---|---|\n";
    for rule in CAUSES {
        let _ = writeln!(page, "| [{0}](#{0}) | {1} |", rule.slug, rule.title);
    }
    page += "\n## Symptoms in full\n";
    for rule in SYMPTOMS {
        symptom(&mut page, rule);
    }
    page += "\n## Causes in full\n";
    for rule in CAUSES {
        cause(&mut page, rule);
    }
    page
}

/// The anchor that Markdown makes of a symptom's heading.
fn anchor(rule: &Rule) -> String {
    format!("{}-{}", rule.code.to_lowercase(), rule.name)
}

fn symptom(page: &mut String, rule: &Rule) {
    let needs: Vec<_> = rule.needs.iter().map(|need| need.describe()).collect();
    let _ = writeln!(page, "\n### {} {}", rule.code, rule.name);
    let _ = writeln!(page, "\nLevel: {}. Reads {}. Since {}.", rule.severity.name(), needs.join(", "), rule.since);
    page.push_str(&body(rule.docs));
}

fn cause(page: &mut String, rule: &CauseRule) {
    let explains: Vec<_> = rule.explains.iter().map(|name| format!("`{name}`")).collect();
    let _ = writeln!(page, "\n### {}", rule.slug);
    let _ = writeln!(page, "\n{}. Explains {}. Since {}.", rule.title, explains.join(", "), rule.since);
    page.push_str(&body(rule.docs));
}

/// A doc comment with its headings in bold, so that the page's own headings are the rules.
fn body(docs: &str) -> String {
    let mut body = String::new();
    for line in docs.lines() {
        let line = line.strip_prefix(' ').unwrap_or(line).trim_end();
        match line.strip_prefix("## ") {
            Some(heading) => _ = writeln!(body, "{}**{heading}**\n", if body.ends_with("\n\n") { "" } else { "\n" }),
            None => _ = writeln!(body, "{line}"),
        }
    }
    body
}

/// The first paragraph of a section, on one line, fit for a cell of a table.
fn first_paragraph(section: Option<&str>) -> String {
    let first = section.unwrap_or_default().split("\n\n").next().unwrap_or_default();
    first.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
