//! The curve as a picture, for any background.
use super::{Place, RateCurve};
use crate::add::add;
use crate::number::number;
use crate::visible::visible;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 48.0;

/// Of the suggestions; each has a contrast of 3 to 1 and more with white and with black.
pub(super) const COLORS: [(&str, &str); 4] =
    [("valley", "#1f8a4c"), ("steep", "#3b7dd8"), ("minimum", "#b8651b"), ("slide", "#9b59b6")];

/// Of the curve.
const LINE: &str = "#3b7dd8";

/// Of axes and text.
pub(super) const INK: &str = "#7a7a7a";

/// Draws the losses over the rate as a picture of its own: the losses of the steps as faint dots, the smoothed ones as a line, the marks as
/// dashed lines.
#[must_use]
pub fn rates_svg(curve: &RateCurve<'_>) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"{INK}\">\n<title>Loss over the learning rate</title>\n"
    );
    let lowest = curve.losses.iter().copied().filter(|loss| loss.is_finite()).fold(f64::INFINITY, f64::min);
    match Place::of(curve, lowest) {
        None => add(
            &mut svg,
            format_args!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">no finite losses</text>\n",
                WIDTH / 2.0,
                HEIGHT / 2.0
            ),
        ),
        Some(place) => {
            frame(&mut svg, &place);
            losses(&mut svg, curve, &place);
            for (number, (name, rate)) in curve.sorted_marks().into_iter().enumerate() {
                mark(&mut svg, &place, name, rate, number);
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn x(place: &Place, rate: f64) -> f64 {
    LEFT + place.x(rate) * (WIDTH - LEFT - RIGHT)
}

fn y(place: &Place, loss: f64) -> f64 {
    HEIGHT - BOTTOM - place.y(loss) * (HEIGHT - TOP - BOTTOM)
}

fn losses(svg: &mut String, curve: &RateCurve<'_>, place: &Place) {
    let shown = curve.rates.iter().zip(curve.losses).filter(|(_, loss)| (place.bottom..=place.top).contains(*loss));
    for (&rate, &loss) in shown {
        let (x, y) = (x(place, rate), y(place, loss));
        add(svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.6\" opacity=\"0.5\"/>\n"));
    }
    let points: Vec<_> =
        curve.points().map(|(rate, loss)| format!("{:.1},{:.1}", x(place, rate), y(place, loss))).collect();
    let points = points.join(" ");
    add(svg, format_args!("<polyline points=\"{points}\" fill=\"none\" stroke=\"{LINE}\" stroke-width=\"2\"/>\n"));
}

fn frame(svg: &mut String, place: &Place) {
    let low = HEIGHT - BOTTOM;
    add(svg, format_args!("<path d=\"M{LEFT} {TOP}V{low}H{}\" fill=\"none\" stroke=\"{INK}\"/>\n", WIDTH - RIGHT));
    for decade in place.decades() {
        let x = x(place, 10_f64.powi(decade));
        add(svg, format_args!("<path d=\"M{x:.1} {low}v4\" stroke=\"{INK}\"/>\n"));
        add(svg, format_args!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">1e{decade}</text>\n", low + 18.0));
    }
    for loss in [place.bottom, f64::midpoint(place.bottom, place.top), place.top] {
        let (left, y) = (LEFT - 6.0, y(place, loss) + 4.0);
        add(svg, format_args!("<text x=\"{left}\" y=\"{y:.1}\" text-anchor=\"end\">{}</text>\n", number(loss)));
    }
    let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
    add(
        svg,
        format_args!(
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">learning rate (log scale)</text>\n",
            HEIGHT - 8.0
        ),
    );
}

/// A line at the rate. Labels stand at different heights, for the rates may be close together.
fn mark(svg: &mut String, place: &Place, name: &str, rate: f64, row: usize) {
    let color = COLORS.iter().find(|(known, _)| *known == name).map_or(INK, |(_, color)| color);
    let (x, label) = (x(place, rate), TOP + 12.0 + 16.0 * row as f64);
    // Near the right border there is room only on the other side of the line.
    let (side, anchor) = if x > 0.75 * WIDTH { (-4.0, "end") } else { (4.0, "start") };
    add(
        svg,
        format_args!("<path d=\"M{x:.1} {TOP}V{}\" stroke=\"{color}\" stroke-dasharray=\"4 3\"/>\n", HEIGHT - BOTTOM),
    );
    let name: String = visible(name).chars().filter(|c| !matches!(c, '<' | '>' | '&')).collect();
    add(
        svg,
        format_args!(
            "<text x=\"{:.1}\" y=\"{label}\" fill=\"{color}\" text-anchor=\"{anchor}\">{name} {}</text>\n",
            x + side,
            number(rate)
        ),
    );
}
