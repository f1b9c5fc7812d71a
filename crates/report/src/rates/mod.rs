//! The loss over the learning rate, with the rates that are suggested: for a terminal, and as SVG.
mod svg;
mod text;

pub use svg::rates_svg;
pub use text::rates_text;

/// The plot ends at so many times the fall of the loss, measured from the lowest (our choice: what it rises to in the end would press
/// everything else to the ground).
const HEADROOM: f64 = 1.5;

/// What a learning rate test saw.
#[derive(Clone, Copy, Debug)]
pub struct RateCurve<'a> {
    /// The learning rate of each step, above 0 and rising.
    pub rates: &'a [f64],
    /// The loss of each step.
    pub losses: &'a [f64],
    /// The smoothed loss of each step with a finite loss; may be shorter.
    pub smoothed: &'a [f64],
    /// Names, and the rates that they stand at.
    pub marks: &'a [(&'a str, f64)],
}

impl<'a> RateCurve<'a> {
    /// Rate and smoothed loss of each step that has both.
    fn points(&self) -> impl Iterator<Item = (f64, f64)> + 'a {
        self.rates.iter().copied().zip(self.smoothed.iter().copied())
    }

    /// The marks by rising rate.
    fn sorted_marks(&self) -> Vec<(&'a str, f64)> {
        let mut marks = self.marks.to_vec();
        marks.sort_by(|a, b| a.1.total_cmp(&b.1));
        marks
    }
}

/// Places in the unit square: to the right the logarithm of the rate, upwards the loss.
struct Place {
    left: f64,
    right: f64,
    bottom: f64,
    top: f64,
}

impl Place {
    /// Room for the smoothed losses and, if there is one, a lowest loss; none with fewer than two losses.
    fn of(curve: &RateCurve<'_>, lowest: f64) -> Option<Self> {
        let points: Vec<_> = curve.points().collect();
        let ((first, loss), (last, _)) = (*points.first()?, *points.last()?);
        if points.len() < 2 {
            return None;
        }
        let bottom = points.iter().map(|point| point.1).fold(lowest, f64::min);
        let highest = points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
        let fall = loss - bottom;
        let top = if fall > 0.0 { highest.min(bottom + HEADROOM * fall) } else { highest };
        Some(Self { left: first.log10(), right: last.log10(), bottom, top })
    }

    fn x(&self, rate: f64) -> f64 {
        let width = self.right - self.left;
        if width > 0.0 { ((rate.log10() - self.left) / width).clamp(0.0, 1.0) } else { 0.5 }
    }

    fn y(&self, loss: f64) -> f64 {
        let height = self.top - self.bottom;
        if height > 0.0 { ((loss - self.bottom) / height).clamp(0.0, 1.0) } else { 0.5 }
    }

    /// Powers of ten within the rates.
    fn decades(&self) -> impl Iterator<Item = i32> {
        // A rate such as 1e-7 has a logarithm that is off by a rounding.
        ((self.left - 1e-9).ceil() as i32)..=((self.right + 1e-9).floor() as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fall and a rise, as a test of rates usually looks.
    fn seen() -> (Vec<f64>, Vec<f64>) {
        let rates = (0..100).map(|step| 10_f64.powf(-7.0 + 8.0 * f64::from(step) / 99.0)).collect();
        let loss = |step: f64| 2.0 - 1.5 / (1.0 + (40.0 - step / 1.5).exp()) + 0.02 * (step - 85.0).max(0.0).powi(2);
        (rates, (0..100).map(|step| loss(f64::from(step))).collect())
    }

    const MARKS: [(&str, f64); 4] = [("valley", 1e-3), ("steep", 1e-2), ("minimum", 3e-2), ("slide", 1e-4)];

    #[test]
    fn the_text_is_narrow_and_plain_where_it_must_be() {
        let (rates, losses) = seen();
        let curve = RateCurve { rates: &rates, losses: &losses, smoothed: &losses, marks: &MARKS };
        let text = rates_text(&curve, 80, true);
        assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 80), "{text}");
        for (name, _) in MARKS {
            assert!(text.contains(&format!("^ {name}")), "{text}");
        }
        for label in ["1e-7", "1e-3", "1e1"] {
            assert!(text.contains(label), "{text}");
        }
        let text = rates_text(&curve, 80, false);
        assert!(text.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{text}");
    }

    #[test]
    fn marks_stand_under_their_rates() {
        let (rates, losses) = seen();
        let curve = RateCurve { rates: &rates, losses: &losses, smoothed: &losses, marks: &[("valley", 1e-3)] };
        let text = rates_text(&curve, 80, true);
        let column = |needle: &str| text.lines().find_map(|line| line.find(needle)).expect("there");
        assert_eq!(column("^ valley"), column("1e-3"));
    }

    #[test]
    fn the_picture_stands_alone() {
        let (rates, mut losses) = seen();
        losses[99] = f64::NAN;
        let curve = RateCurve { rates: &rates, losses: &losses, smoothed: &losses[..99], marks: &MARKS };
        let svg = rates_svg(&curve);
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && svg.ends_with("</svg>\n"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("href") && !svg.contains("url("), "{svg}");
        for said in ["valley 0.001", "steep 0.01", "minimum 0.03", "slide 1e-4", "learning rate (log scale)"] {
            assert!(svg.contains(said), "{said}: {svg}");
        }
    }

    #[test]
    fn there_may_be_nothing_to_draw() {
        for count in 0..2 {
            let losses = vec![1.0; count];
            let curve = RateCurve { rates: &[0.1, 0.2], losses: &losses, smoothed: &losses, marks: &[] };
            assert!(rates_text(&curve, 80, false).contains("nothing to draw"));
            assert!(rates_svg(&curve).contains("no finite losses"));
        }
        let flat = RateCurve { rates: &[0.1, 0.2], losses: &[1.0; 2], smoothed: &[1.0; 2], marks: &[] };
        assert!(rates_text(&flat, 40, true).contains("1 |"));
    }

    #[test]
    fn colours_are_seen_on_white_and_on_black() {
        // Relative luminance and contrast as WCAG 2.2 defines them.
        for color in svg::COLORS.iter().map(|(_, color)| *color).chain([svg::INK]) {
            let part = |at: usize| f64::from(u8::from_str_radix(&color[at..at + 2], 16).expect("a colour")) / 255.0;
            let linear = |part: f64| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
            let luminance = 0.2126 * linear(part(1)) + 0.7152 * linear(part(3)) + 0.0722 * linear(part(5));
            assert!((1.05 / (luminance + 0.05)).min((luminance + 0.05) / 0.05) >= 3.0, "{color}");
        }
    }
}
