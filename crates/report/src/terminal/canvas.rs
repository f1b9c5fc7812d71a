//! Lines of styled text, wrapped at a width. Everything that reaches the output passes through here and is made harmless.
use crate::visible::{visible, visible_ascii};
use crate::words::Tone;
use owo_colors::{OwoColorize, Style};
use unicode_width::UnicodeWidthStr;

/// What a piece of text is, and so how it is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Bold,
    Dim,
    Gutter,
    Good,
    Bad,
    NotFinite,
    Head(Tone),
}

impl Ink {
    fn look(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Bold => style.bold(),
            Self::Dim => style.dimmed(),
            Self::Gutter => style.blue().bold(),
            Self::Good => style.green(),
            Self::Bad => style.yellow(),
            Self::NotFinite => style.magenta().bold(),
            Self::Head(Tone::Error) => style.red().bold(),
            Self::Head(Tone::Warning) => style.yellow().bold(),
            Self::Head(Tone::Note | Tone::Unsure) => style.cyan().bold(),
            Self::Head(Tone::Healthy) => style.green().bold(),
        }
    }
}

/// A piece of text in one ink.
#[derive(Clone, Debug)]
pub(super) struct Span {
    text: String,
    ink: Ink,
}

pub(super) fn span(ink: Ink, text: impl Into<String>) -> Span {
    Span { text: text.into(), ink }
}

pub(super) fn plain(text: impl Into<String>) -> Span {
    span(Ink::Plain, text)
}

/// A text under construction.
pub(super) struct Canvas {
    out: String,
    width: usize,
    color: bool,
    ascii: bool,
}

impl Canvas {
    pub(super) fn new(width: usize, color: bool, ascii: bool) -> Self {
        Self { out: String::new(), width, color, ascii }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    pub(super) const fn width(&self) -> usize {
        self.width
    }

    pub(super) const fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// The columns that a text takes when it is shown.
    pub(super) fn columns(&self, text: &str) -> usize {
        self.safe(text).width()
    }

    fn safe(&self, text: &str) -> String {
        if self.ascii { visible_ascii(text) } else { visible(text) }
    }

    pub(super) fn blank(&mut self) {
        self.out.push('\n');
    }

    /// Writes a text behind a prefix; lines that wrap get another prefix of the same width.
    pub(super) fn wrapped(&mut self, first: &[Span], next: &[Span], body: &[Span]) {
        let (first, next) = (self.harmless(first), self.harmless(next));
        let indent: usize = first.iter().map(|span| span.text.width()).sum();
        let words: Vec<Span> = self.harmless(body).iter().flat_map(|span| words(&span.text, span.ink)).collect();
        let lines = fill(&words, self.width.saturating_sub(indent).max(1));
        for (index, line) in lines.iter().enumerate() {
            let prefix = if index == 0 { &first } else { &next };
            self.put(prefix.iter().chain(line));
        }
    }

    /// Writes one line as it is.
    pub(super) fn line(&mut self, spans: &[Span]) {
        let spans = self.harmless(spans);
        self.put(spans.iter());
    }

    fn harmless(&self, spans: &[Span]) -> Vec<Span> {
        spans.iter().map(|Span { text, ink }| span(*ink, self.safe(text))).collect()
    }

    /// Writes a line of harmless pieces; neighbours of one ink become one piece.
    fn put<'a>(&mut self, spans: impl Iterator<Item = &'a Span>) {
        let mut pieces: Vec<Span> = Vec::new();
        for Span { text, ink } in spans {
            match pieces.last_mut() {
                Some(last) if last.ink == *ink || text.trim().is_empty() => last.text.push_str(text),
                _ => pieces.push(span(*ink, text.as_str())),
            }
        }
        if let Some(last) = pieces.last_mut() {
            last.text.truncate(last.text.trim_end_matches(' ').len());
        }
        for Span { text, ink } in pieces.iter().filter(|piece| !piece.text.is_empty()) {
            if self.color && *ink != Ink::Plain {
                self.out.push_str(&text.style(ink.look()).to_string());
            } else {
                self.out.push_str(text);
            }
        }
        self.out.push('\n');
    }
}

/// Splits a text before every space, so that the pieces joined are the text.
fn words(text: &str, ink: Ink) -> Vec<Span> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        if c == ' ' && previous != ' ' {
            words.push(span(ink, &text[start..at]));
            start = at;
        }
        previous = c;
    }
    if start < text.len() {
        words.push(span(ink, &text[start..]));
    }
    words
}

/// Fills lines of at most `width` columns; a word that is wider than a line is cut.
fn fill(words: &[Span], width: usize) -> Vec<Vec<Span>> {
    let mut lines: Vec<Vec<Span>> = vec![Vec::new()];
    let mut used = 0;
    for word in chunks(words) {
        let columns: usize = word.iter().map(|span| span.text.width()).sum();
        if used > 0 && used + columns > width {
            lines.push(Vec::new());
            used = 0;
        }
        let line_is_new = used == 0 && lines.len() > 1;
        for (index, Span { text, ink }) in word.iter().enumerate() {
            let text = if line_is_new && index == 0 { text.trim_start_matches(' ') } else { text };
            for c in text.chars() {
                let columns = c.to_string().width();
                if used > 0 && used + columns > width {
                    lines.push(Vec::new());
                    used = 0;
                }
                push(&mut lines, c, *ink);
                used += columns;
            }
        }
    }
    lines
}

/// Words that no space parts, as one: a label and the colon behind it may differ in ink.
fn chunks(words: &[Span]) -> impl Iterator<Item = &[Span]> {
    words.chunk_by(|_, next| !next.text.starts_with(' '))
}

fn push(lines: &mut [Vec<Span>], c: char, ink: Ink) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut() {
        Some(last) if last.ink == ink => last.text.push(c),
        _ => line.push(span(ink, c.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wraps_behind_a_prefix() {
        let mut canvas = Canvas::new(14, false, false);
        canvas.wrapped(&[plain("= ")], &[plain("  ")], &[plain("lower lr "), plain("from 0.5 to 0.02")]);
        assert_eq!(canvas.finish(), "= lower lr\n  from 0.5 to\n  0.02\n");
    }

    #[test]
    fn cuts_what_is_too_long_and_counts_wide_characters() {
        let mut canvas = Canvas::new(8, false, false);
        canvas.wrapped(&[], &[], &[plain("層層層層層 abcdefghijk")]);
        assert_eq!(canvas.finish(), "層層層層\n層\nabcdefgh\nijk\n");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_width(text in ".{0,80}", width in 8_usize..60, ascii: bool) {
            let mut canvas = Canvas::new(width, false, ascii);
            canvas.wrapped(&[plain("ab")], &[plain("  ")], &[plain(text.clone()), span(Ink::Bold, text)]);
            for line in canvas.finish().lines() {
                prop_assert!(line.width() <= width, "{line:?}");
            }
        }
    }
}
