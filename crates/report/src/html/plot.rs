//! The curves: loss, learning rate and gradient norm over the steps, with a lane for what is not finite.
use super::markup::{coordinate, text};
use crate::add::add;
use crate::curves::{Bucket, Curves, Series, merged};
use crate::number::{count, number};
use crate::outline::summary;
use crate::scale::Scale;
use crate::visible::visible;

/// Width of the drawing and of its margins, in user units.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;

/// Heights of the parts.
const LOSS_HEIGHT: f64 = 230.0;
const SMALL_HEIGHT: f64 = 78.0;
const LANE_HEIGHT: f64 = 12.0;
const LANE_GAP: f64 = 9.0;
const TITLE_HEIGHT: f64 = 24.0;
const AXIS_HEIGHT: f64 = 34.0;

/// Most points of a curve (our choice: three units each).
const POINTS: usize = 300;

/// Most columns that answer the pointer (our choice; they are the page's largest part).
const TIPS: usize = 150;

/// Longest label of the incident, in characters (our choice: it fits half of the drawing).
const LABEL: usize = 60;

/// Narrowest mark of the lane: a single bad step among millions is still seen.
const THINNEST: f64 = 3.0;

/// The steps that the drawing shows.
#[derive(Clone, Copy)]
struct Span {
    first: f64,
    last: f64,
}

impl Span {
    fn of(series: &[Series<'_>]) -> Self {
        let first = series.iter().map(|series| series.origin).min().unwrap_or(0) as f64;
        let last = series.iter().map(|series| series.extent.last.0).max().unwrap_or(0) as f64;
        Self { first, last: last.max(first) }
    }

    fn x(self, step: f64) -> f64 {
        let steps = (self.last - self.first).max(1.0);
        LEFT + ((step - self.first) / steps).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }
}

/// Draws the curves that a run has; nothing where it has none.
pub(super) fn curves(curves: &Curves, incident: Option<(u64, String)>) -> String {
    let of_steps = [curves.loss(), curves.validation_loss(), curves.learning_rate(), curves.gradient_norm()];
    let of_epochs = curves.measures().flat_map(|(_, both)| both);
    let all: Vec<_> = of_steps.into_iter().chain(of_epochs).flatten().collect();
    if all.is_empty() {
        return String::new();
    }
    let mut drawing = Drawing { svg: String::new(), y: 0.0, span: Span::of(&all) };
    if incident.is_some() {
        drawing.y += 16.0;
    }
    let top = drawing.y;
    drawing.loss(curves);
    for (name, [trained, held_out]) in curves.measures() {
        drawing.pair(&text(&visible(name)), trained, held_out, SMALL_HEIGHT);
    }
    if let Some(series) = curves.gradient_norm() {
        drawing.panel("gradient norm", &[("g", series)], SMALL_HEIGHT);
    }
    if let Some(series) = curves.learning_rate() {
        drawing.panel("learning rate", &[("r", series)], SMALL_HEIGHT);
    }
    let bottom = drawing.y;
    drawing.axis();
    if let Some((step, label)) = incident {
        drawing.incident(step, &label, top, bottom);
    }
    drawing.tips(curves, top, bottom);
    let height = coordinate(drawing.y);
    let label = curves.loss().map_or_else(|| "curves".to_owned(), |loss| format!("loss {}", summary(loss.extent)));
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\" class=\"plot\">{}</svg>\n",
        text(&label),
        drawing.svg
    )
}

struct Drawing {
    svg: String,
    y: f64,
    span: Span,
}

impl Drawing {
    fn put(&mut self, markup: std::fmt::Arguments<'_>) {
        add(&mut self.svg, markup);
        self.svg.push('\n');
    }

    fn loss(&mut self, curves: &Curves) {
        self.pair("loss", curves.loss(), curves.validation_loss(), LOSS_HEIGHT);
    }

    /// A number on the training rows, and on those that are held out.
    fn pair(&mut self, name: &str, trained: Option<Series<'_>>, held_out: Option<Series<'_>>, height: f64) {
        let title = match (&trained, &held_out) {
            (Some(_), Some(_)) => format!("{name}, and on the validation rows (dashed)"),
            (None, Some(_)) if name != "loss" => format!("{name} on the validation rows"),
            _ => name.to_owned(),
        };
        let both = [trained.map(|series| ("l", series)), held_out.map(|series| ("v", series))];
        let series: Vec<_> = both.into_iter().flatten().collect();
        if !series.is_empty() {
            self.panel(&title, &series, height);
        }
    }

    fn panel(&mut self, title: &str, series: &[(&str, Series<'_>)], height: f64) {
        let ranges: Vec<_> = series.iter().filter_map(|(_, series)| series.range()).collect();
        let low = ranges.iter().map(|range| range.0).fold(f64::INFINITY, f64::min);
        let high = ranges.iter().map(|range| range.1).fold(f64::NEG_INFINITY, f64::max);
        let scale = if ranges.is_empty() { Scale::fit(0.0, 1.0) } else { Scale::fit(low, high).rounded() };
        let log = if scale.is_log() { ", logarithmic" } else { "" };
        self.put(format_args!(
            "<text class=\"h\" x=\"{LEFT}\" y=\"{}\">{title}{log}</text>",
            coordinate(self.y + 15.0)
        ));
        self.y += TITLE_HEIGHT;
        let top = self.y;
        for tick in scale.ticks() {
            let y = top + (1.0 - scale.height(tick)) * height;
            let (line, base) = (coordinate(y), coordinate(y + 4.0));
            let (end, label) = (WIDTH - RIGHT, LEFT - 8.0);
            self.put(format_args!("<path class=\"grid\" d=\"M{LEFT} {line}H{end}\"/>"));
            self.put(format_args!("<text class=\"e\" x=\"{label}\" y=\"{base}\">{}</text>", number(tick)));
        }
        for (class, series) in series {
            self.curve(class, series, |value| top + (1.0 - scale.height(value)) * height);
        }
        self.y += height + LANE_GAP;
        self.lane(series);
        self.y += 8.0;
    }

    /// The envelope of each bucket, and the means joined; a bucket without a finite value breaks the line.
    fn curve(&mut self, class: &str, series: &Series<'_>, y: impl Fn(f64) -> f64) {
        let (mut line, mut envelope, mut broken) = (String::new(), String::new(), true);
        let points = points(series, POINTS);
        for (first, last, bucket) in &points {
            if bucket.is_empty() {
                continue;
            }
            if bucket.finite == 0 {
                broken = true;
                continue;
            }
            let x = coordinate(self.span.x(f64::midpoint(*first as f64, *last as f64)));
            let command = if broken { 'M' } else { 'L' };
            // The stroke of no length draws the dot of a value that stands alone.
            let dot = if broken { "h0" } else { "" };
            add(&mut line, format_args!("{command}{x} {}{dot}", coordinate(y(bucket.mean))));
            if bucket.max > bucket.min {
                add(&mut envelope, format_args!("M{x} {}V{}", coordinate(y(bucket.max)), coordinate(y(bucket.min))));
            }
            broken = false;
        }
        let width = (WIDTH - LEFT - RIGHT) / points.len().max(1) as f64;
        if !envelope.is_empty() {
            let width = coordinate(width.clamp(1.0, 6.0));
            self.put(format_args!("<path class=\"env {class}\" stroke-width=\"{width}\" d=\"{envelope}\"/>"));
        }
        self.put(format_args!("<path class=\"line {class}\" d=\"{line}\"/>"));
    }

    /// The lane is drawn whether or not there is something in it: its emptiness is an answer too.
    fn lane(&mut self, series: &[(&str, Series<'_>)]) {
        let (top, label) = (coordinate(self.y), LEFT - 8.0);
        let width = WIDTH - LEFT - RIGHT;
        self.put(format_args!("<text class=\"e\" x=\"{label}\" y=\"{}\">NaN</text>", coordinate(self.y + 10.0)));
        self.put(format_args!(
            "<rect class=\"lane\" x=\"{LEFT}\" y=\"{top}\" width=\"{width}\" height=\"{LANE_HEIGHT}\"/>"
        ));
        for (_, series) in series {
            for (start, end) in bad_spans(series) {
                let x = self.span.x(start as f64);
                let wide = (self.span.x(end as f64 + 1.0) - x).max(THINNEST);
                let (x, wide) = (coordinate(x.min(WIDTH - RIGHT - THINNEST)), coordinate(wide));
                self.put(format_args!(
                    "<rect class=\"bad\" x=\"{x}\" y=\"{top}\" width=\"{wide}\" height=\"{LANE_HEIGHT}\"/>"
                ));
            }
        }
        self.y += LANE_HEIGHT;
    }

    fn axis(&mut self) {
        let y = coordinate(self.y + 14.0);
        let scale = Scale::linear(self.span.first, self.span.last);
        for tick in scale.ticks().into_iter().filter(|tick| tick.fract() == 0.0) {
            let x = coordinate(self.span.x(tick));
            self.put(format_args!("<text class=\"m\" x=\"{x}\" y=\"{y}\">{}</text>", count(tick as u64)));
        }
        let middle = coordinate(LEFT + (WIDTH - LEFT - RIGHT) / 2.0);
        self.put(format_args!("<text class=\"m h\" x=\"{middle}\" y=\"{}\">step</text>", coordinate(self.y + 30.0)));
        self.y += AXIS_HEIGHT;
    }

    fn incident(&mut self, step: u64, label: &str, top: f64, bottom: f64) {
        let shown = visible(label);
        let cut = if shown.chars().count() > LABEL { "…" } else { "" };
        let label: String = shown.chars().take(LABEL).chain(cut.chars()).collect();
        let x = self.span.x(step as f64);
        let (at, top_line) = (coordinate(x), coordinate(top));
        // The label stays inside of the drawing: on the right half it ends at the line.
        let class = if x > WIDTH / 2.0 { "inc e" } else { "inc" };
        self.put(format_args!("<path class=\"inc\" d=\"M{at} {top_line}V{}\"/>", coordinate(bottom)));
        self.put(format_args!("<text class=\"{class}\" x=\"{at}\" y=\"11\">{}</text>", text(&label)));
    }

    /// Columns that tell their figures under the pointer.
    fn tips(&mut self, curves: &Curves, top: f64, bottom: f64) {
        let named = [
            ("loss", curves.loss()),
            ("validation loss", curves.validation_loss()),
            ("gradient norm", curves.gradient_norm()),
            ("learning rate", curves.learning_rate()),
        ];
        let measures = curves.measures().flat_map(|(name, [trained, held_out])| {
            let name = text(&visible(name));
            [(name.clone(), trained), (format!("validation {name}"), held_out)]
        });
        let named = named.into_iter().map(|(name, series)| (name.to_owned(), series)).chain(measures);
        let series: Vec<_> = named.filter_map(|(name, series)| Some((name, points(&series?, TIPS)))).collect();
        let (y, height) = (coordinate(top), coordinate(bottom - top));
        let columns = series.iter().map(|(_, points)| points.len()).max().unwrap_or(0);
        self.put(format_args!("<g class=\"tip\">"));
        for column in 0..columns {
            let mut tip = String::new();
            let mut steps = None;
            for (name, points) in &series {
                let Some((first, last, bucket)) = points.get(column).filter(|(_, _, bucket)| !bucket.is_empty()) else {
                    continue;
                };
                steps = Some((*first, *last));
                add(&mut tip, format_args!("\n{name} {}", figures(bucket)));
            }
            let Some((first, last)) = steps else { continue };
            let (x, end) = (self.span.x(first as f64), self.span.x(last as f64 + 1.0));
            let (x, width) = (coordinate(x), coordinate((end - x).max(1.0)));
            self.put(format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"><title>{}{tip}</title></rect>",
                steps_named(first, last)
            ));
        }
        self.put(format_args!("</g>"));
    }
}

/// `step 48`, or `steps 40..48`.
pub(super) fn steps_named(first: u64, last: u64) -> String {
    if first == last { format!("step {}", count(first)) } else { format!("steps {}..{}", count(first), count(last)) }
}

fn figures(bucket: &Bucket) -> String {
    let mut text = match bucket.finite {
        0 => String::new(),
        1 => number(bucket.mean),
        _ => format!("{} ({} .. {})", number(bucket.mean), number(bucket.min), number(bucket.max)),
    };
    if bucket.non_finite > 0 {
        let space = if text.is_empty() { "" } else { ", " };
        add(&mut text, format_args!("{space}{} not finite", count(bucket.non_finite)));
    }
    text
}

/// At most `most` buckets with their first and last steps.
fn points(series: &Series<'_>, most: usize) -> Vec<(u64, u64, Bucket)> {
    let together = series.buckets.len().div_ceil(most).max(1);
    let last_step = series.extent.last.0;
    series
        .buckets
        .chunks(together)
        .enumerate()
        .map(|(index, chunk)| {
            let (first, _) = series.steps(index * together);
            let (_, last) = series.steps(index * together + chunk.len() - 1);
            (first, last.min(last_step).max(first), merged(chunk))
        })
        .collect()
}

/// Ranges of steps with a non-finite value, neighbours joined.
fn bad_spans(series: &Series<'_>) -> Vec<(u64, u64)> {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    for (index, _) in series.buckets.iter().enumerate().filter(|(_, bucket)| bucket.non_finite > 0) {
        let (first, last) = series.steps(index);
        match spans.last_mut() {
            Some(span) if span.1 + 1 >= first => span.1 = last,
            _ => spans.push((first, last)),
        }
    }
    spans
}
