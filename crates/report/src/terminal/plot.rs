//! The loss as dots, with a lane for what is not finite.
use super::canvas::{Canvas, Ink, plain, span};
use crate::curves::{Bucket, Cell as _, Series};
use crate::dots::{ACROSS, Dots};
use crate::number::{count, number};
use crate::scale::Scale;

/// Height of the plot in lines (our choice: small enough to leave the text in view).
const LINES: usize = 5;

/// Widest plot, in cells (our choice).
const WIDEST: usize = 96;

/// Draws the loss, if there is a curve to draw.
pub(super) fn loss(canvas: &mut Canvas, series: &Series<'_>, incident: Option<u64>) {
    let Some((low, high)) = series.range() else { return };
    if series.buckets.len() < 2 {
        return;
    }
    let scale = Scale::fit(low, high);
    let (top, bottom) = (number(high), number(low));
    let margin = top.len().max(bottom.len()).max("NaN".len()) + 2;
    let cells = canvas.width().saturating_sub(margin + 4).min(WIDEST);
    let mut plot = Plot::new(cells);
    plot.draw(series, scale);
    let bar = if canvas.is_ascii() { "|" } else { "│" };
    let labels = |line: usize| match line {
        0 if top != bottom => top.as_str(),
        _ if line == LINES - 1 => bottom.as_str(),
        _ => "",
    };
    for line in 0..LINES {
        let text = plot.dots.line(line, canvas.is_ascii());
        canvas.line(&[span(Ink::Dim, format!("{:>margin$} {bar}", labels(line))), plain(text)]);
    }
    if series.extent.non_finite > 0 {
        let lane = plot.lane(canvas.is_ascii());
        canvas.line(&[
            span(Ink::NotFinite, format!("{:>margin$}", "NaN")),
            span(Ink::Dim, format!(" {bar}")),
            span(Ink::NotFinite, lane),
        ]);
    }
    let axis = plot.axis(series, incident, canvas.is_ascii());
    canvas.line(&[span(Ink::Dim, format!("{:>margin$}  {axis}", "step"))]);
}

/// The loss as dots, and where it is not finite.
struct Plot {
    cells: usize,
    dots: Dots,
    bad: Vec<bool>,
}

impl Plot {
    fn new(cells: usize) -> Self {
        Self { cells, dots: Dots::new(cells, LINES), bad: vec![false; cells] }
    }

    /// The column of dots of a bucket.
    fn column(&self, bucket: usize, buckets: usize) -> usize {
        let columns = self.dots.columns();
        if buckets <= columns { bucket * (columns - 1) / (buckets - 1).max(1) } else { bucket * columns / buckets }
    }

    fn draw(&mut self, series: &Series<'_>, scale: Scale) {
        let buckets = series.buckets.len();
        let mut columns: Vec<Bucket> = vec![Bucket::default(); self.dots.columns()];
        for (index, bucket) in series.buckets.iter().enumerate() {
            let at = self.column(index, buckets);
            columns[at].merge(bucket);
            if bucket.non_finite > 0 {
                // A bucket reaches to the next one: the lane has no gaps where a curve has few steps.
                let next = self.column(index + 1, buckets).clamp(at + 1, self.dots.columns());
                self.bad[at / ACROSS..next.div_ceil(ACROSS)].fill(true);
            }
        }
        let mut previous: Option<(usize, f64)> = None;
        for (x, bucket) in columns.iter().enumerate().filter(|(_, bucket)| !bucket.is_empty()) {
            if bucket.finite == 0 {
                previous = None;
                continue;
            }
            let row = |value: f64| self.dots.row(scale.height(value));
            let (top, bottom, at) = (row(bucket.max), row(bucket.min), row(bucket.mean) as f64);
            self.dots.fill(x, top..=bottom);
            if let Some((from, height)) = previous {
                self.dots.connect((from, height), (x, at));
            }
            previous = Some((x, at));
        }
    }

    fn lane(&self, ascii: bool) -> String {
        let mark = if ascii { '#' } else { '█' };
        self.bad.iter().map(|bad| if *bad { mark } else { ' ' }).collect()
    }

    /// First and last step, and the incident's between them.
    fn axis(&self, series: &Series<'_>, incident: Option<u64>, ascii: bool) -> String {
        let buckets = series.buckets.len();
        let first = count(series.origin);
        let last = count(series.extent.last.0);
        let mut axis = format!("{first}{}", " ".repeat(self.cells.saturating_sub(first.len())));
        if let Some(step) = incident.filter(|step| *step >= series.origin) {
            let bucket = ((step - series.origin) / series.width) as usize;
            let at = self.column(bucket.min(buckets - 1), buckets) / ACROSS;
            let mark = format!("{}{}", if ascii { '^' } else { '▲' }, count(step));
            place(&mut axis, at, &mark);
        }
        let at = self.cells.saturating_sub(last.len());
        place(&mut axis, at, &last);
        axis
    }
}

/// Writes a label at a column, or left of it where the line ends; where something stands already, nothing is written.
fn place(axis: &mut String, at: usize, label: &str) {
    let cells: Vec<char> = axis.chars().collect();
    let length = label.chars().count();
    let at = at.min(cells.len().saturating_sub(length));
    let around = at.saturating_sub(1)..(at + length + 1).min(cells.len());
    if cells[around].iter().all(|c| *c == ' ') {
        *axis = cells[..at].iter().copied().chain(label.chars()).chain(cells[at + length..].iter().copied()).collect();
    }
}
