//! Vectors of numbers, and functions of them without branches. Each function is accurate to a few units in the last place.
#![allow(clippy::inline_always, reason = "inlined into code for the instructions that this machine has")]
#![allow(clippy::excessive_precision, reason = "the digits are those of the sources")]

use pulp::{Arch, Simd, WithSimd, bytemuck};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// As many numbers as one instruction takes.
#[derive(Clone, Copy)]
pub(super) struct Lanes<S: Simd> {
    simd: S,
    value: S::f32s,
}

macro_rules! operator {
    ($name:ident, $method:ident, $of_simd:ident) => {
        impl<S: Simd> $name for Lanes<S> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self { value: self.simd.$of_simd(self.value, other.value), ..self }
            }
        }
    };
}

operator!(Add, add, add_f32s);
operator!(Sub, sub, sub_f32s);
operator!(Mul, mul, mul_f32s);
operator!(Div, div, div_f32s);

impl<S: Simd> Neg for Lanes<S> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self { value: self.simd.neg_f32s(self.value), ..self }
    }
}

impl<S: Simd> Lanes<S> {
    /// The same number everywhere.
    #[inline(always)]
    pub(super) fn splat(simd: S, value: f32) -> Self {
        Self { simd, value: simd.splat_f32s(value) }
    }

    /// The numbers from `start` on; 0 behind the end.
    #[inline(always)]
    pub(super) fn load(simd: S, values: &[f32], start: usize) -> Self {
        let value = match values.get(start..start + S::F32_LANES) {
            Some(values) => bytemuck::cast_slice::<f32, S::f32s>(values)[0],
            None => simd.partial_load_f32s(&values[start..]),
        };
        Self { simd, value }
    }

    /// Writes the numbers from `start` on, as far as there is room.
    #[inline(always)]
    pub(super) fn store(self, values: &mut [f32], start: usize) {
        match values.get_mut(start..start + S::F32_LANES) {
            Some(values) => bytemuck::cast_slice_mut::<f32, S::f32s>(values)[0] = self.value,
            None => self.simd.partial_store_f32s(&mut values[start..], self.value),
        }
    }

    /// The sum of the numbers.
    #[inline(always)]
    pub(super) fn total(self) -> f32 {
        self.simd.reduce_sum_f32s(self.value)
    }

    #[inline(always)]
    fn same(self, value: f32) -> Self {
        Self::splat(self.simd, value)
    }

    /// `self * factor + term`, rounded once where the machine has an instruction for it.
    #[inline(always)]
    pub(super) fn times_plus(self, factor: Self, term: Self) -> Self {
        if S::IS_SCALAR {
            return self * factor + term;
        }
        Self { value: self.simd.mul_add_f32s(self.value, factor.value, term.value), ..self }
    }

    /// The polynomial with these factors, that of the highest power first.
    #[inline(always)]
    fn polynomial<const N: usize>(self, factors: [f32; N]) -> Self {
        factors.into_iter().fold(self.same(0.0), |sum, factor| sum.times_plus(self, self.same(factor)))
    }

    /// `yes` where this is below `bound`, else `no`; NaN is not below.
    #[inline(always)]
    pub(super) fn if_below(self, bound: Self, yes: Self, no: Self) -> Self {
        let mask = self.simd.less_than_f32s(self.value, bound.value);
        Self { value: self.simd.select_f32s(mask, yes.value, no.value), ..self }
    }

    #[inline(always)]
    pub(super) fn abs(self) -> Self {
        Self { value: self.simd.abs_f32s(self.value), ..self }
    }

    /// `e^x`: the nearest power of 2 times a polynomial for the rest (Cephes, `expf`). 0 below 2^-125.
    #[inline(always)]
    pub(super) fn exp(self) -> Self {
        const LN_2_HIGH: f32 = 0.693_359_375;
        const LN_2_LOW: f32 = -2.121_944_4e-4;
        /// Added to a small number, it rounds it, and the last bits are the whole number.
        const ROUND: f32 = 12_582_912.0;
        let (largest, smallest) = (self.same(88.722_84), self.same(-86.643_4));
        let held = largest.if_below(self, largest, self);
        let held = held.if_below(smallest, smallest, held);
        let shifted = held.times_plus(self.same(std::f32::consts::LOG2_E), self.same(ROUND));
        let power = shifted - self.same(ROUND);
        let rest = power.times_plus(self.same(-LN_2_LOW), power.times_plus(self.same(-LN_2_HIGH), held));
        let sum = rest.polynomial([1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5]);
        let value = (sum * rest).times_plus(rest, rest + self.same(1.0));
        // 2^(power - 1), since 2^128 is no number.
        let simd = self.simd;
        let bits = simd.transmute_u32s_f32s(shifted.value);
        let bits = simd.add_u32s(bits, simd.splat_u32s(126_u32.wrapping_sub(ROUND.to_bits())));
        let half = simd.transmute_f32s_u32s(simd.wrapping_dyn_shl_u32s(bits, simd.splat_u32s(23)));
        let value = value * Self { value: half, ..self } * self.same(2.0);
        let value = self.if_below(smallest, self.same(0.0), value);
        largest.if_below(self, self.same(f32::INFINITY), value)
    }

    /// The normal distribution function, and its density.
    ///
    /// The error function near 0 is that of Cephes (`erff`), farther out that of Abramowitz and Stegun (7.1.26), whose error of 1.5e-7 is
    /// below the rounding of a number near 1.
    #[inline(always)]
    pub(super) fn normal(self) -> (Self, Self) {
        let (one, half) = (self.same(1.0), self.same(0.5));
        let x = self * self.same(std::f32::consts::FRAC_1_SQRT_2);
        let (size, square) = (x.abs(), x * x);
        let bell = (-square).exp();
        let near = square.polynomial([
            7.853_861e-5,
            -8.010_194e-4,
            5.188_327_7e-3,
            -2.685_381e-2,
            0.112_835_85,
            -0.376_126_26,
            std::f32::consts::FRAC_2_SQRT_PI,
        ]);
        let t = one / size.times_plus(self.same(0.327_591_1), one);
        let far = t.polynomial([1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6]);
        // The share beyond x, half of it on one side.
        let beyond = half * far * t * bell;
        let far = x.if_below(self.same(0.0), beyond, one - beyond);
        let below = size.if_below(one, (half * x).times_plus(near, half), far);
        (below, bell * self.same(0.398_942_3))
    }

    /// `1 / (1 + e^-x)`.
    #[inline(always)]
    pub(super) fn sigmoid(self) -> Self {
        self.same(1.0) / (self.same(1.0) + (-self).exp())
    }

    /// The hyperbolic tangent (Cephes, `tanhf`).
    #[inline(always)]
    pub(super) fn tanh(self) -> Self {
        let (size, square, one) = (self.abs(), self * self, self.same(1.0));
        let far = one - self.same(2.0) / ((size + size).exp() + one);
        let far = self.if_below(self.same(0.0), -far, far);
        let sum = square.polynomial([-5.704_988_7e-3, 2.063_908_8e-2, -5.373_971_6e-2, 0.133_314_42, -0.333_332_82]);
        let near = (sum * square).times_plus(self, self);
        size.if_below(self.same(0.625), near, far)
    }
}

/// The sum of some numbers.
pub(super) fn sum(values: &[f32]) -> f32 {
    Arch::new().dispatch(Sum(values))
}

struct Sum<'a>(&'a [f32]);

impl WithSimd for Sum<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let lanes = S::F32_LANES;
        // Four sums side by side, since each addition waits for the one before.
        let mut sums = [Lanes::splat(simd, 0.0); 4];
        for (number, start) in (0..self.0.len()).step_by(lanes).enumerate() {
            sums[number % 4] = sums[number % 4] + Lanes::load(simd, self.0, start);
        }
        ((sums[0] + sums[1]) + (sums[2] + sums[3])).total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Map<'a, F>(&'a [f32], F);

    /// A function for every kind of vector.
    trait Function {
        fn of<S: Simd>(&self, x: Lanes<S>) -> Lanes<S>;
    }

    macro_rules! function {
        ($name:ident, $method:ident) => {
            struct $name;
            impl Function for $name {
                fn of<S: Simd>(&self, x: Lanes<S>) -> Lanes<S> {
                    x.$method()
                }
            }
        };
    }

    struct Normal;

    impl Function for Normal {
        fn of<S: Simd>(&self, x: Lanes<S>) -> Lanes<S> {
            x.normal().0
        }
    }

    /// The normal distribution function, summed up from its density.
    fn normal(x: f64) -> f64 {
        let (steps, density) = (2000, |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt());
        let width = x / f64::from(steps);
        let simpson = (0..steps).map(|step| {
            let at = f64::from(step) * width;
            (density(at) + 4.0 * density(at + 0.5 * width) + density(at + width)) * width / 6.0
        });
        0.5 + simpson.sum::<f64>()
    }

    #[test]
    fn the_normal_distribution_is_accurate() {
        let numbers: Vec<f32> = (-900..=900).map(|step| step as f32 / 100.0).collect();
        let results = map(&numbers, Normal);
        let far = numbers.iter().zip(&results).map(|(x, ours)| (normal(f64::from(*x)) - f64::from(*ours)).abs());
        let far = far.fold(0.0, f64::max);
        assert!(far < 2e-7, "{far:e}");
        assert_eq!(map(&[f32::INFINITY, f32::NEG_INFINITY, 0.0], Normal), [1.0, 0.0, 0.5]);
        assert!(map(&[f32::NAN], Normal)[0].is_nan());
    }

    function!(Exp, exp);
    function!(Sigmoid, sigmoid);
    function!(Tanh, tanh);

    impl<F: Function> WithSimd for Map<'_, F> {
        type Output = Vec<f32>;
        fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
            let mut results = vec![0.0; self.0.len()];
            for start in (0..results.len()).step_by(S::F32_LANES) {
                self.1.of(Lanes::load(simd, self.0, start)).store(&mut results, start);
            }
            results
        }
    }

    fn map(values: &[f32], function: impl Function) -> Vec<f32> {
        Arch::new().dispatch(Map(values, function))
    }

    /// The largest relative error for numbers of all sizes up to `bound`.
    fn worst(bound: f32, ours: impl Function, exact: fn(f64) -> f64) -> f64 {
        let steps = (0..200_003).map(|i| bound * (i as f32 / 100_000.0 - 1.0));
        let small = (0..60).map(|power| 2.0_f32.powi(-power));
        let numbers: Vec<f32> = steps.chain(small.clone()).chain(small.map(|x| -x)).collect();
        let results = map(&numbers, ours);
        numbers.iter().zip(results).fold(0.0, |worst: f64, (&x, ours)| {
            let exact = exact(f64::from(x));
            worst.max((f64::from(ours) - exact).abs() / exact.abs().max(f64::from(f32::MIN_POSITIVE)))
        })
    }

    #[test]
    fn they_are_accurate() {
        let errors = [
            worst(86.6, Exp, f64::exp),
            worst(30.0, Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
            worst(20.0, Tanh, f64::tanh),
        ];
        assert!(errors.iter().all(|error| *error < 4e-7), "{errors:?}");
    }

    #[test]
    fn the_ends_are_as_they_should_be() {
        let inf = f32::INFINITY;
        assert_eq!(map(&[0.0, 89.0, inf, -200.0, -inf, f32::MIN], Exp), [1.0, inf, inf, 0.0, 0.0, 0.0]);
        assert!(map(&[88.7, -86.6], Exp).iter().all(|x| x.is_normal()));
        assert_eq!(map(&[inf, -inf, 0.0], Sigmoid), [1.0, 0.0, 0.5]);
        assert_eq!(map(&[inf, -inf, 100.0, 1e-30], Tanh), [1.0, -1.0, 1.0, 1e-30]);
        for result in [map(&[f32::NAN], Exp), map(&[f32::NAN], Sigmoid), map(&[f32::NAN], Tanh)] {
            assert!(result[0].is_nan());
        }
    }
}
