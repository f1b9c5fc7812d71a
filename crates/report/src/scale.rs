//! The vertical axis of a plot.

/// From this ratio between largest and smallest value on an axis is logarithmic: two decades (our choice).
const LOG_FROM: f64 = 100.0;

/// Most decades an axis spans: about those of positive numbers in single precision. What lies below sits on the floor.
const MOST_DECADES: f64 = 80.0;

/// Maps values to heights between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    log: bool,
    /// The distance of two labels on a linear axis; not normal where there is no such distance.
    step: f64,
}

impl Scale {
    /// An axis for values from `low` to `high`, logarithmic when they are positive and span decades.
    pub(crate) fn fit(low: f64, high: f64) -> Self {
        if low > 0.0 && high / low >= LOG_FROM { Self::log(low, high) } else { Self::linear(low, high) }
    }

    /// A linear axis.
    pub(crate) fn linear(low: f64, high: f64) -> Self {
        Self { low, high, log: false, step: step(low, high) }
    }

    /// A logarithmic axis for positive values from `low` to `high`.
    pub(crate) fn log(low: f64, high: f64) -> Self {
        let high = high.max(f64::MIN_POSITIVE).log10();
        let low = low.max(f64::MIN_POSITIVE).log10().max(high - MOST_DECADES);
        Self { low, high, log: true, step: 0.0 }
    }

    /// An axis whose ends are round numbers, so that ticks sit at both.
    pub(crate) fn rounded(self) -> Self {
        if self.log {
            return Self { low: self.low.floor(), high: self.high.ceil(), ..self };
        }
        let step = self.step;
        if !step.is_normal() {
            return self;
        }
        let wider = Self { low: (self.low / step).floor() * step, high: (self.high / step).ceil() * step, ..self };
        // Next to the largest number there is no rounder one.
        if wider.low.is_finite() && wider.high.is_finite() { wider } else { self }
    }

    /// A logarithmic axis that spans so many decades or more, widened at both ends.
    pub(crate) fn at_least(self, decades: f64) -> Self {
        let missing = (decades - (self.high - self.low)).max(0.0) / 2.0;
        if self.log { Self { low: self.low - missing, high: self.high + missing, ..self } } else { self }
    }

    /// The value at the bottom.
    pub(crate) fn low_value(self) -> f64 {
        if self.log { 10_f64.powf(self.low) } else { self.low }
    }

    /// The value at the top.
    pub(crate) fn high_value(self) -> f64 {
        if self.log { 10_f64.powf(self.high) } else { self.high }
    }

    pub(crate) const fn is_log(self) -> bool {
        self.log
    }

    /// The height of a value: 0 at the bottom, 1 at the top, 0.5 when all values are equal.
    pub(crate) fn height(self, value: f64) -> f64 {
        let value = if self.log { value.max(f64::MIN_POSITIVE).log10() } else { value };
        // Halves first: the difference of two large losses may overflow.
        let span = self.high / 2.0 - self.low / 2.0;
        if span > 0.0 { ((value / 2.0 - self.low / 2.0) / span).clamp(0.0, 1.0) } else { 0.5 }
    }

    /// Round values for labels, from bottom to top: about five on a linear axis, powers of ten on a logarithmic one.
    pub(crate) fn ticks(self) -> Vec<f64> {
        if self.log { self.decades() } else { self.linear_ticks() }
    }

    fn decades(self) -> Vec<f64> {
        let (low, high) = (self.low.ceil() as i32, self.high.floor() as i32);
        let every = ((high - low) / 5 + 1).max(1);
        (low..=high).step_by(every as usize).map(|exponent| 10_f64.powi(exponent)).collect()
    }

    fn linear_ticks(self) -> Vec<f64> {
        let step = self.step;
        if !step.is_normal() {
            return vec![self.low];
        }
        let first = (self.low / step - 1e-6).ceil();
        let many = ((self.high / step + 1e-6).floor() - first).clamp(0.0, 10.0) as usize;
        (0..=many).map(|index| (first + index as f64) * step).collect()
    }
}

/// 1, 2 or 5 times a power of ten, about a quarter of the axis.
fn step(low: f64, high: f64) -> f64 {
    let rough = high / 4.0 - low / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough * 0.999).unwrap_or(10.0);
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_make_an_axis_logarithmic() {
        assert!(!Scale::fit(0.1, 5.0).is_log());
        assert!(!Scale::fit(-1.0, 500.0).is_log());
        let scale = Scale::fit(0.01, 100.0);
        assert!(scale.is_log());
        assert_eq!(scale.height(1.0), 0.5);
        assert_eq!(scale.ticks(), [0.01, 0.1, 1.0, 10.0, 100.0]);
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(Scale::fit(0.0, 2.3).rounded().ticks(), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(Scale::fit(0.2, 6.9).rounded().ticks(), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(Scale::fit(2.0, 2.0).rounded().ticks(), [2.0]);
        assert_eq!(Scale::fit(2.0, 2.0).height(2.0), 0.5);
    }

    #[test]
    fn extremes_stay_on_the_axis() {
        for (low, high) in [(f64::MIN, f64::MAX), (5e-324, f64::MAX), (0.0, 5e-324), (0.0, f64::MAX)] {
            let scale = Scale::fit(low, high).rounded();
            for value in [low, 0.0, high] {
                let height = scale.height(value);
                assert!((0.0..=1.0).contains(&height), "{low} {high} {value}: {height}");
            }
            assert!(scale.ticks().len() < 20);
        }
    }
}
