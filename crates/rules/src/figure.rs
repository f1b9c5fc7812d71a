//! Figures in messages: three digits, whatever the scale.

/// Plain from this magnitude on; smaller ones would lose their digits.
const SMALL: f64 = 1e-3;

/// Plain below this magnitude; larger ones are hard to read.
const LARGE: f64 = 1e5;

/// A number in at least three digits: `0.0123`, `2.30`, `1250`, `1.3e-7`.
pub(crate) fn figure(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    if !(SMALL..LARGE).contains(&size) {
        return format!("{value:.1e}");
    }
    let digits = (2 - size.log10().floor() as i32).clamp(0, 5) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn three_digits_at_any_scale() {
        let shown = [0.0, 2.3, 0.012_34, 1_250.0, 1.3e-7, -9.87e8, 0.5, f64::NAN].map(figure);
        assert_eq!(shown, ["0", "2.30", "0.0123", "1250", "1.3e-7", "-9.9e8", "0.500", "NaN"]);
    }
}
