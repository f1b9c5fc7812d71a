//! Aligned tables. The last column takes the rest of the line and wraps there.
use crate::screen::{Ink, Screen};
use unicode_width::UnicodeWidthStr as _;

/// Columns between two columns.
const GAP: &str = "  ";

/// The last column is not squeezed below this (our choice); it starts on a line of its own instead.
const NARROWEST: usize = 24;

/// How a column lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table under construction.
pub(crate) struct Table {
    heads: Vec<(&'static str, Align)>,
    rows: Vec<Vec<(Ink, String)>>,
}

impl Table {
    pub(crate) fn new(heads: &[(&'static str, Align)]) -> Self {
        Self { heads: heads.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; it has as many cells as there are heads.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = (Ink, String)>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let widths: Vec<usize> = (0..self.heads.len()).map(|column| self.width_of(column)).collect();
        let heads: Vec<_> = self.heads.iter().map(|(head, _)| (Ink::Dim, (*head).to_owned())).collect();
        std::iter::once(&heads).chain(&self.rows).map(|row| self.line(row, &widths, screen)).collect()
    }

    fn width_of(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].1.width());
        cells.chain([self.heads[column].0.width()]).max().unwrap_or(0)
    }

    fn line(&self, row: &[(Ink, String)], widths: &[usize], screen: &Screen) -> String {
        let Some(((ink, last), cells)) = row.split_last() else { return String::new() };
        let mut line = String::new();
        for (((ink, text), width), (_, align)) in cells.iter().zip(widths).zip(&self.heads) {
            let pad = " ".repeat(width - text.width());
            let text = screen.paint(*ink, text);
            let (first, second) = match align {
                Align::Left => (text, pad),
                Align::Right => (pad, text),
            };
            line.push_str(&first);
            line.push_str(&second);
            line.push_str(GAP);
        }
        let indent: usize = widths[..cells.len()].iter().map(|width| width + GAP.len()).sum();
        let pad = match self.heads[cells.len()].1 {
            Align::Left => 0,
            Align::Right => widths[cells.len()] - last.width(),
        };
        let room = screen.width.saturating_sub(indent).max(NARROWEST);
        for (number, part) in wrap(last, room).iter().enumerate() {
            if number > 0 {
                line.push_str(&" ".repeat(indent));
            }
            line.push_str(&" ".repeat(pad));
            line.push_str(&screen.paint(*ink, part));
            line.truncate(line.trim_end_matches(' ').len());
            line.push('\n');
        }
        line
    }
}

/// Breaks a text at spaces into lines of at most `width` columns; at least one line. A word that is too long stays whole.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().map_or(0, |line| line.width());
        if line > 0 && line + 1 + word.width() > width {
            lines.push(word.to_owned());
        } else if let Some(last) = lines.last_mut() {
            if line > 0 {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Align, Table, wrap};
    use crate::screen::{Ink, Screen};

    #[test]
    fn columns_are_aligned_and_the_last_one_wraps() {
        let mut table = Table::new(&[("name", Align::Left), ("steps", Align::Right), ("what", Align::Left)]);
        table.row([
            (Ink::Plain, "a".to_owned()),
            (Ink::Plain, "1".to_owned()),
            (Ink::Plain, "one two three".to_owned()),
        ]);
        table.row([(Ink::Plain, "bcdefg".to_owned()), (Ink::Plain, "1,000".to_owned()), (Ink::Plain, String::new())]);
        let screen = Screen { width: 10, ..Screen::FILE };
        assert_eq!(table.render(&screen), "name    steps  what\na           1  one two three\nbcdefg  1,000\n");
    }

    #[test]
    fn long_words_stay_whole() {
        assert_eq!(wrap("a bb-bb-bb ccc d", 5), ["a", "bb-bb-bb", "ccc d"]);
        assert_eq!(wrap("", 5), [""]);
    }
}
