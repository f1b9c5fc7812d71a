//! A page of the catalogue for a terminal: the doc comment of a rule, laid out.
use crate::screen::{Ink, Screen};
use crate::table::wrap;
use std::fmt::Write as _;

/// Lays out the doc comment of a rule (Markdown with `## ` headings, paragraphs, lists and fenced examples).
pub(crate) fn page(docs: &str, screen: &Screen) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut fenced = false;
    for line in docs.lines() {
        let line = line.strip_prefix(' ').unwrap_or(line);
        if line.trim_start().starts_with("```") {
            flush(&mut paragraph, &mut out, screen);
            fenced = !fenced;
            // One blank line sets an example off on either side.
            if !(fenced && out.ends_with("\n\n")) {
                out.push('\n');
            }
        } else if fenced {
            let _ = writeln!(out, "    {}", screen.paint(Ink::Dim, line));
        } else if let Some(heading) = line.strip_prefix("## ") {
            flush(&mut paragraph, &mut out, screen);
            trim_blank(&mut out);
            let _ = writeln!(out, "{}{}", if out.is_empty() { "" } else { "\n" }, screen.paint(Ink::Bold, heading));
        } else if line.trim().is_empty() {
            flush(&mut paragraph, &mut out, screen);
            if !out.ends_with("\n\n") && !out.is_empty() {
                out.push('\n');
            }
        } else {
            if line.starts_with("- ") {
                flush(&mut paragraph, &mut out, screen);
            }
            paragraph.push_str(line);
            paragraph.push(' ');
        }
    }
    flush(&mut paragraph, &mut out, screen);
    trim_blank(&mut out);
    out
}

fn trim_blank(out: &mut String) {
    while out.ends_with("\n\n") {
        out.pop();
    }
}

/// Writes the paragraph that was gathered, wrapped, with its code in colour.
fn flush(paragraph: &mut String, out: &mut String, screen: &Screen) {
    let text = std::mem::take(paragraph);
    if text.is_empty() {
        return;
    }
    let is_item = text.starts_with("- ");
    let lines = wrap(&text, screen.text_width().saturating_sub(4));
    let mut in_code = false;
    for (number, line) in lines.iter().enumerate() {
        let indent = if is_item && number > 0 { "    " } else { "  " };
        let _ = writeln!(out, "{indent}{}", inline(line, screen, &mut in_code));
    }
}

/// Code in colour instead of backticks; without colour the backticks stay.
fn inline(line: &str, screen: &Screen, in_code: &mut bool) -> String {
    if !screen.color {
        return line.to_owned();
    }
    let mut out = String::new();
    for (number, piece) in line.split('`').enumerate() {
        if number > 0 {
            *in_code = !*in_code;
        }
        if !piece.is_empty() {
            out.push_str(&screen.paint(if *in_code { Ink::Code } else { Ink::Plain }, piece));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::page;
    use crate::screen::Screen;

    const DOCS: &str = " ## What it does\n Finds `a`\n and b.\n\n ## Example\n ```trace\n step loss\n 0    1\n ```\n Words:\n ```trace\n 1    2\n ```\n\n ## References\n - one\n   more\n - two\n";

    #[test]
    fn a_doc_comment_becomes_a_page() {
        let expected = "What it does\n  Finds `a` and b.\n\nExample\n\n    step loss\n    0    1\n\n  Words:\n\n    1    2\n\nReferences\n  - one more\n  - two\n";
        assert_eq!(page(DOCS, &Screen::FILE), expected);
    }

    #[test]
    fn colour_takes_the_place_of_backticks() {
        let text = page(DOCS, &Screen { color: true, ..Screen::FILE });
        assert!(!text.contains('`') && text.contains("\u{1b}["));
    }
}
