//! Sums of squares that neither overflow nor vanish.

/// A sum of squares whose root is right wherever that is an f64: squares of big and of tiny numbers are scaled by a power
/// of two and kept apart, as in the norms of the reference BLAS (Anderson, 2017).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Squares {
    tiny: f64,
    normal: f64,
    big: f64,
}

impl Squares {
    /// 2^-700 and 2^700: the squares of big numbers times the one, and of tiny numbers times the other, are normal numbers.
    const SHRINK: f64 = f64::from_bits((1023 - 700) << 52);
    const GROW: f64 = f64::from_bits((1023 + 700) << 52);
    /// 2^490 and 2^-480: between them, squares are safe to add as they are.
    const BIG: f64 = f64::from_bits((1023 + 490) << 52);
    const TINY: f64 = f64::from_bits((1023 - 480) << 52);

    /// Adds the square of one number.
    pub(crate) fn add(&mut self, x: f64) {
        let magnitude = x.abs();
        if magnitude > Self::BIG {
            self.big += (magnitude * Self::SHRINK) * (magnitude * Self::SHRINK);
        } else if magnitude < Self::TINY {
            self.tiny += (magnitude * Self::GROW) * (magnitude * Self::GROW);
        } else {
            self.normal += magnitude * magnitude;
        }
    }

    /// Adds a sum of squares of numbers of which the largest is neither big nor tiny.
    pub(crate) fn add_sum(&mut self, squares: f64) {
        self.normal += squares;
    }

    /// The square root of the sum.
    pub(crate) fn norm(&self) -> f64 {
        if self.big > 0.0 {
            return (self.big + self.normal * Self::SHRINK * Self::SHRINK).sqrt() / Self::SHRINK;
        }
        if self.normal > 0.0 {
            return (self.normal + self.tiny / Self::GROW / Self::GROW).sqrt();
        }
        self.tiny.sqrt() / Self::GROW
    }
}
