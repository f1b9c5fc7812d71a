//! No text from a log acts on what shows it.
mod common;

use barograph_report::{Report, TerminalOptions, html, json, markdown, terminal};
use common::{Case, HOSTILE};
use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

/// Characters that steer a screen or reorder what it shows, line breaks of the layout aside.
fn steers(c: char) -> bool {
    let direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}');
    let hidden = matches!(c, '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    (c.is_control() && c != '\n') || direction || hidden
}

/// Takes away the colours that the report itself writes: `ESC [ digits ; m`.
fn without_colors(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let (before, code) = rest.split_at(at);
        out.push_str(before);
        let length = code[2..].find(|c: char| !c.is_ascii_digit() && c != ';').map_or(code.len(), |end| end + 2);
        assert!(code[length..].starts_with('m'), "only colours are written: {:?}", &code[..=length]);
        rest = &code[length + 1..];
    }
    out + rest
}

fn assert_harmless(case: &Case) {
    let report = Report { diagnosis: &case.diagnosis, curves: &case.curves, samples: &case.samples };
    for (width, color, ascii) in [(40, false, true), (80, false, false), (1000, true, false)] {
        let text = terminal(&report, &TerminalOptions { width, color, ascii });
        let text = if color { without_colors(&text) } else { text };
        assert!(!text.contains(steers), "terminal: {text:?}");
        assert!(!ascii || text.is_ascii(), "ASCII was asked for: {text}");
        assert!(text.lines().all(|line| line.width() <= width.min(200)), "wider than {width}: {text}");
        assert!(!text.contains("\nerror[FAKE]"), "a text cannot begin a line of its own: {text}");
    }
    assert!(!markdown(&report).contains(steers));
    assert!(!html(&report).contains(steers));
    assert!(!json(&case.diagnosis).contains(steers));
}

#[test]
fn hostile_texts_are_harmless_everywhere() {
    let case = common::hostile();
    assert_harmless(&case);
    let report = Report { diagnosis: &case.diagnosis, curves: &case.curves, samples: &case.samples };
    let page = html(&report);
    assert!(!page.contains("<script") && !page.contains("<img"), "markup of a log is text");
    assert!(page.contains("&lt;script&gt;"), "and it is shown");
    let text = markdown(&report);
    assert!(!text.replace("\\<", "").lines().any(|line| line.starts_with('<')));
}

#[test]
fn json_keeps_every_character() {
    let value: serde_json::Value = serde_json::from_str(&json(&common::hostile().diagnosis)).expect("JSON");
    assert_eq!(value["notes"], serde_json::json!(HOSTILE));
    assert_eq!(value["incident"]["operation"], HOSTILE[1]);
    let change = value["causes"][0]["remedy"]["change"].as_object().expect("an object");
    assert!(HOSTILE.iter().all(|text| change[*text] == *text));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_is_harmless(texts in prop::array::uniform6("(\\PC|[\u{0}-\u{ff}\u{200b}-\u{206f}]|[|`<>&\\[\\]()#*_$@\"'-]){0,40}")) {
        let case = common::with_texts(texts.each_ref().map(String::as_str));
        assert_harmless(&case);
        let report = Report { diagnosis: &case.diagnosis, curves: &case.curves, samples: &case.samples };
        common::assert_well_formed(&html(&report));
        let value: serde_json::Value = serde_json::from_str(&json(&case.diagnosis)).expect("JSON");
        prop_assert_eq!(&value["notes"], &serde_json::json!(texts));
    }
}
