//! How numbers are written, in every format for people.

/// Integers below this magnitude, and fractions, are written out; larger values in powers of ten (our choice).
const PLAIN_BELOW: f64 = 1e6;

/// Fractions below this magnitude are written in powers of ten (our choice).
const PLAIN_FROM: f64 = 1e-3;

/// Decimals of a mantissa: three significant digits, which is what a step's noise leaves meaningful (our choice).
const MANTISSA_DECIMALS: i32 = 2;

/// Writes a measured value with three significant digits: `0.31`, `214`, `1e-4`, `3.2e7`, `NaN`, `inf`.
///
/// Whole numbers below a million keep all their digits, so that a count stays a count.
#[must_use]
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else if value == 0.0 {
        "0".to_owned()
    } else if magnitude < PLAIN_BELOW && value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        significant(value)
    }
}

/// Three significant digits of a finite value that is not zero.
fn significant(value: f64) -> String {
    // Rounding comes first: 999.96 has the exponent of 1000.
    let scientific = format!("{value:.*e}", MANTISSA_DECIMALS as usize);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value.abs() < PLAIN_FROM || exponent >= PLAIN_BELOW.log10() as i32 {
        return format!("{}e{exponent}", trim(mantissa));
    }
    let decimals = (MANTISSA_DECIMALS - exponent).max(0) as usize;
    trim(&format!("{value:.decimals$}")).to_owned()
}

/// Drops the zeros that end a decimal fraction.
fn trim(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

/// Writes a count with a comma between thousands: `1,048,576`.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes a count and its noun: `1 rule`, `31 rules`.
#[must_use]
pub fn counted(value: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(value), if value == 1 { "" } else { "s" })
}

/// Writes a confidence with two decimals, cut rather than rounded: what is below 0.5 never reads as 0.50, nor 0.997 as 1.00.
#[must_use]
pub fn confidence(value: f64) -> String {
    // The small term undoes the error of a product such as 0.29 * 100.
    let hundredths = (value * 100.0 + 1e-9).floor();
    format!("{:.2}", hundredths / 100.0)
}

/// Writes a recipe's value with every digit it needs, so that what is printed can be copied.
#[must_use]
pub fn exact(value: f64) -> String {
    let text = format!("{value:?}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits() {
        let cases = [
            (0.0, "0"),
            (-0.0, "0"),
            (1e-4, "1e-4"),
            (1.234e-7, "1.23e-7"),
            (0.001, "0.001"),
            (0.000_999_9, "1e-3"),
            (0.31, "0.31"),
            (2.298, "2.3"),
            (9.999, "10"),
            (214.4, "214"),
            (999.96, "1000"),
            (1234.56, "1235"),
            (123_456.0, "123456"),
            (999_999.7, "1e6"),
            (1e6, "1e6"),
            (-3.25e30, "-3.25e30"),
            (5e-324, "4.94e-324"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text, "{value:?}");
        }
    }

    #[test]
    fn counts_have_thousands() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_048_576), "1,048,576");
        assert_eq!(counted(1, "rule"), "1 rule");
        assert_eq!(counted(0, "rule"), "0 rules");
    }

    #[test]
    fn confidence_is_cut() {
        assert_eq!(confidence(0.29), "0.29");
        assert_eq!(confidence(0.499_9), "0.49");
        assert_eq!(confidence(0.999), "0.99");
        assert_eq!(confidence(1.0), "1.00");
    }

    #[test]
    fn recipe_values_are_exact() {
        assert_eq!(exact(0.1), "0.1");
        assert_eq!(exact(32.0), "32");
        assert_eq!(exact(1e-12), "1e-12");
        assert_eq!(exact(0.012_345_678_9), "0.0123456789");
    }
}
