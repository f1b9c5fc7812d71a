//! A smoothed value.

/// Exponential moving average without start-up bias: the first values are averaged plainly until their number reaches the span.
#[derive(Clone, Copy, Debug)]
pub struct Ema {
    alpha: f64,
    seen: u64,
    value: f64,
}

impl Ema {
    /// An average over about `span` values.
    #[must_use]
    pub fn over(span: u32) -> Self {
        Self { alpha: 1.0 / f64::from(span.max(1)), seen: 0, value: 0.0 }
    }

    /// Adds a value; one that is not finite is left out.
    pub fn push(&mut self, value: f64) {
        if value.is_finite() {
            self.seen += 1;
            let weight = self.alpha.max(1.0 / self.seen as f64);
            self.value += weight * (value - self.value);
        }
    }

    /// The average, once there is a value.
    #[must_use]
    pub fn get(&self) -> Option<f64> {
        (self.seen > 0).then_some(self.value)
    }

    /// Finite values seen.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::Ema;

    #[test]
    fn starts_as_a_plain_mean() {
        let mut ema = Ema::over(10);
        for value in [1.0, 2.0, f64::NAN, 3.0] {
            ema.push(value);
        }
        assert_eq!((ema.get(), ema.seen()), (Some(2.0), 3));
    }
}
