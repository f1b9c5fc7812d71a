//! The curve for a terminal.
use super::{Place, RateCurve};
use crate::add::add;
use crate::dots::{ACROSS, Dots};
use crate::number::number;

/// Height in lines (our choice).
const LINES: usize = 10;

/// Columns left of the plot, for the labels and the bar.
const MARGIN: usize = 10;

/// Room right of the plot, for labels that stand under its end.
const RIGHT: usize = 10;

/// Narrowest and widest plot in characters (our choice).
const WIDTHS: std::ops::RangeInclusive<usize> = 20..=96;

/// Draws the smoothed loss over the rate in lines of at most `width` characters (from 40 on), with a line for each mark; Braille dots, or ASCII.
#[must_use]
pub fn rates_text(curve: &RateCurve<'_>, width: usize, ascii: bool) -> String {
    let Some(place) = Place::of(curve, f64::INFINITY) else {
        return "(fewer than two finite losses: nothing to draw)\n".to_owned();
    };
    let cells = width.saturating_sub(MARGIN + RIGHT).clamp(*WIDTHS.start(), *WIDTHS.end());
    let dots = drawn(curve, &place, cells);
    let (bar, tick) = if ascii { ("|", "^") } else { ("│", "▲") };
    let mut out = String::new();
    for line in 0..LINES {
        let label = match line {
            0 if place.top > place.bottom => number(place.top),
            _ if line == LINES - 1 => number(place.bottom),
            _ => String::new(),
        };
        let row = format!("{label:>8} {bar}{}", dots.line(line, ascii));
        add(&mut out, format_args!("{}\n", row.trim_end()));
    }
    add(&mut out, format_args!("{}\n", axis(&place, cells)));
    for (name, rate) in curve.sorted_marks() {
        add(&mut out, format_args!("{:1$}{tick} {name}\n", "", column(&place, rate, cells)));
    }
    out
}

/// The column of characters under a rate.
fn column(place: &Place, rate: f64, cells: usize) -> usize {
    MARGIN + (place.x(rate) * (cells - 1) as f64 + 0.5) as usize
}

fn drawn(curve: &RateCurve<'_>, place: &Place, cells: usize) -> Dots {
    let mut dots = Dots::new(cells, LINES);
    let last = (cells * ACROSS - 1) as f64;
    let mut previous: Option<(usize, f64)> = None;
    for (rate, loss) in curve.points() {
        let (x, row) = ((place.x(rate) * last).round() as usize, dots.row(place.y(loss)));
        dots.fill(x, row..=row);
        match previous {
            Some((from, height)) if from < x => dots.connect((from, height), (x, row as f64)),
            // Several steps in one column are one stroke.
            Some((_, height)) => dots.fill(x, (height as usize).min(row)..=(height as usize).max(row)),
            None => {}
        }
        previous = Some((x, row as f64));
    }
    dots
}

/// Powers of ten under the plot, as many as there is room for.
fn axis(place: &Place, cells: usize) -> String {
    let mut line = String::new();
    for decade in place.decades() {
        let (label, start) = (format!("1e{decade}"), column(place, 10_f64.powi(decade), cells));
        let is_apart = line.is_empty() || start > line.len();
        if is_apart && start >= line.len() {
            line.push_str(&" ".repeat(start - line.len()));
            line.push_str(&label);
        }
    }
    line
}
