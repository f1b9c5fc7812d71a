//! A grid of dots, written in Braille characters or in ASCII.
use std::ops::RangeInclusive;

/// Dots of a cell, by Braille: two across, four down.
pub(crate) const ACROSS: usize = 2;
pub(crate) const DOWN: usize = 4;

/// The bit of each dot of a Braille character, by column and row. Source: Unicode, block U+2800.
const BRAILLE: [[u8; DOWN]; ACROSS] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// A grid of dots; rows count from the top.
pub(crate) struct Dots {
    cells: usize,
    rows: usize,
    /// Column after column.
    dots: Vec<bool>,
}

impl Dots {
    /// A grid of so many characters across, and so many lines.
    pub(crate) fn new(cells: usize, lines: usize) -> Self {
        let rows = lines * DOWN;
        Self { cells, rows, dots: vec![false; cells * ACROSS * rows] }
    }

    pub(crate) const fn columns(&self) -> usize {
        self.cells * ACROSS
    }

    /// The row at a height between 0 and 1.
    pub(crate) fn row(&self, height: f64) -> usize {
        ((1.0 - height) * self.rows.saturating_sub(1) as f64).round() as usize
    }

    /// Sets the dots of a column from row to row.
    pub(crate) fn fill(&mut self, column: usize, rows: RangeInclusive<usize>) {
        let (first, last) = (*rows.start(), (*rows.end()).min(self.rows.saturating_sub(1)));
        if column < self.columns() && first <= last {
            self.dots[column * self.rows + first..=column * self.rows + last].fill(true);
        }
    }

    /// A line from one dot to another further right, without a gap.
    pub(crate) fn connect(&mut self, (from, start): (usize, f64), (to, end): (usize, f64)) {
        let at = |x: usize| start + (end - start) * (x - from) as f64 / (to - from) as f64;
        for x in from + 1..=to {
            let (a, b) = (at(x - 1).round() as usize, at(x).round() as usize);
            // Next to the dot before is near enough: both ends of every piece would double the line.
            let range = if a < b { (a + 1)..=b } else { b..=a.saturating_sub(1).max(b) };
            self.fill(x, range);
        }
    }

    /// A line of characters.
    pub(crate) fn line(&self, line: usize, ascii: bool) -> String {
        (0..self.cells).map(|cell| self.glyph(cell, line, ascii)).collect()
    }

    fn glyph(&self, cell: usize, line: usize, ascii: bool) -> char {
        let dot = |x: usize, y: usize| self.dots[(cell * ACROSS + x) * self.rows + line * DOWN + y];
        if ascii {
            let half = |rows: [usize; 2]| rows.iter().any(|&y| dot(0, y) || dot(1, y));
            return match (half([0, 1]), half([2, 3])) {
                (true, true) => ':',
                (true, false) => '\'',
                (false, true) => '.',
                (false, false) => ' ',
            };
        }
        let mut bits = 0_u8;
        for (x, column) in BRAILLE.iter().enumerate() {
            for (y, bit) in column.iter().enumerate() {
                bits |= if dot(x, y) { *bit } else { 0 };
            }
        }
        // The blank pattern is a wide space in some fonts.
        if bits == 0 { ' ' } else { char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ') }
    }
}
