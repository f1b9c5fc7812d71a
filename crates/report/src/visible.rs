//! Makes untrusted text harmless: what a terminal or a browser would act upon becomes something to read.

use crate::add::add;

/// Longest text taken over from a log, in characters; the rest is counted (our choice: a sentence is shorter).
const LONGEST: usize = 400;

/// Whether a character could steer the reader's screen, reorder what is shown, or hide.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'                     // soft hyphen
            | '\u{34f}'                  // grapheme joiner
            | '\u{61c}'                  // Arabic letter mark
            | '\u{115f}'..='\u{1160}'    // Hangul fillers
            | '\u{17b4}'..='\u{17b5}'    // invisible Khmer vowels
            | '\u{180b}'..='\u{180f}'    // Mongolian selectors
            | '\u{200b}'..='\u{200f}'    // zero-width and direction marks
            | '\u{2028}'..='\u{202e}'    // line separators, embeddings and overrides
            | '\u{2060}'..='\u{206f}'    // joiners, isolates, invisible operators
            | '\u{2800}'                 // blank braille
            | '\u{3164}' | '\u{ffa0}'    // Hangul fillers
            | '\u{fe00}'..='\u{fe0f}'    // variation selectors
            | '\u{feff}'                 // byte order mark
            | '\u{fff0}'..='\u{fffb}'    // interlinear marks
            | '\u{1d173}'..='\u{1d17a}'  // musical controls
            | '\u{e0000}'..='\u{e0fff}') // tags
}

/// The text with every unsafe character written as an escape (`\n`, `\u{1b}`), cut after `LONGEST` characters.
#[must_use]
pub fn visible(text: &str) -> String {
    escape(text, is_unsafe)
}

/// Like [`visible`], and nothing but ASCII is left.
pub(crate) fn visible_ascii(text: &str) -> String {
    escape(text, |c| is_unsafe(c) || !c.is_ascii())
}

fn escape(text: &str, hide: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().take(LONGEST) {
        if hide(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    let beyond = text.chars().skip(LONGEST).count();
    if beyond > 0 {
        add(&mut out, format_args!("... ({beyond} more characters)"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn steering_is_made_visible() {
        assert_eq!(visible("a\u{1b}[31mb\nc"), "a\\u{1b}[31mb\\nc");
        assert_eq!(visible("x\u{202e}gnp.exe"), "x\\u{202e}gnp.exe");
        assert_eq!(visible("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(visible("größe 層"), "größe 層");
        assert_eq!(visible_ascii("größe"), "gr\\u{f6}\\u{df}e");
    }

    #[test]
    fn length_is_bounded() {
        let long = visible(&"x".repeat(100_000));
        assert!(long.ends_with("... (99600 more characters)"), "{long}");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left(text in any::<String>()) {
            prop_assert!(!visible(&text).chars().any(is_unsafe));
            prop_assert!(visible_ascii(&text).chars().all(|c| c.is_ascii_graphic() || c == ' '));
        }
    }
}
