//! Random numbers that depend on nothing but what they are for.
//!
//! A [`Random`] is keyed by (seed, purpose, step, site). It has no state outside itself, so a replayed step, a resumed run or another
//! thread draws the same numbers, and drawing more in one place changes nothing in another.
//!
//! The generator is Philox4x32 with 10 rounds (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011):
//! a bijection of 128-bit counters under a 64-bit key, which passes `BigCrush`. The key is made of the seed and the purpose by the
//! finalizer of `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014). The counter holds the block number, the site and the step.
//!
//! Every platform gives the same bits: only integer arithmetic and the correctly rounded `+ - * /` and `sqrt` are used, never the
//! system's logarithm.

/// What random numbers are drawn for. The numbers are part of the key and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum Purpose {
    /// Which rows are held out for validation.
    Split = 1,
    /// The order of the rows in an epoch; the epoch is the step.
    Shuffle = 2,
    /// First weights of a site.
    Weight = 3,
    /// First bias of a site.
    Bias = 4,
    /// Dropout mask of a site at a step.
    Dropout = 5,
    /// Which coordinates a gradient check probes.
    GradientCheck = 6,
    /// The random search that tested fixes are held against.
    Search = 7,
    /// Rows sampled for measurements of the data.
    Sample = 8,
    /// For callers outside this crate.
    Custom = 1 << 16,
}

/// A stream of up to 2^34 32-bit numbers; after that it repeats.
#[derive(Clone, Debug)]
pub struct Random {
    key: [u32; 2],
    /// Block number, site, low and high half of the step.
    counter: [u32; 4],
    block: [u32; 4],
    /// Numbers of `block` that are used up.
    used: usize,
    /// The second of a pair of normal numbers.
    spare: Option<f64>,
}

impl Random {
    /// The stream for one purpose at one step and site.
    #[must_use]
    pub fn new(seed: u64, purpose: Purpose, step: u64, site: u32) -> Self {
        /// The odd constant of `SplitMix64`: 2^64 over the golden ratio.
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let key = split_mix(seed.wrapping_add(GOLDEN.wrapping_mul(u64::from(purpose as u32))));
        Self {
            key: [key as u32, (key >> 32) as u32],
            counter: [0, site, step as u32, (step >> 32) as u32],
            block: [0; 4],
            used: 4,
            spare: None,
        }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            self.used = 0;
        }
        let bits = self.block[self.used];
        self.used += 1;
        bits
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }

    /// A number from 0 to below 1, a multiple of 2^-24: 32 bits of the stream.
    pub fn uniform(&mut self) -> f32 {
        const STEP: f32 = 1.0 / (1_u32 << 24) as f32;
        (self.next_u32() >> 8) as f32 * STEP
    }

    /// A number from 0 to below 1, a multiple of 2^-53: 64 bits of the stream.
    pub fn uniform_f64(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * STEP
    }

    /// A number of mean 0 and variance 1, by Marsaglia's polar method (Marsaglia and Bray 1964).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (x, y) = (2.0 * self.uniform_f64() - 1.0, 2.0 * self.uniform_f64() - 1.0);
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                let factor = (-2.0 * ln(square) / square).sqrt();
                self.spare = Some(y * factor);
                return x * factor;
            }
        }
    }

    /// A whole number from 0 to below `bound`, each with the same probability (Lemire 2019). 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let mut product = u128::from(self.next_u64()) * u128::from(bound);
        if (product as u64) < bound {
            // The first `2^64 mod bound` products would come up once too often.
            let surplus = bound.wrapping_neg() % bound;
            while (product as u64) < surplus {
                product = u128::from(self.next_u64()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    /// Fills a slice with numbers from `low` to below `high`.
    pub fn fill_uniform(&mut self, values: &mut [f32], low: f64, high: f64) {
        for value in values {
            *value = (low + (high - low) * self.uniform_f64()) as f32;
        }
    }

    /// Fills a slice with normal numbers.
    pub fn fill_normal(&mut self, values: &mut [f32], mean: f64, standard_deviation: f64) {
        for value in values {
            *value = (mean + standard_deviation * self.normal()) as f32;
        }
    }

    /// Brings a slice into random order (Fisher and Yates, as given by Durstenfeld 1964).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// The numbers from 0 to below `count` in random order.
    #[must_use]
    pub fn permutation(&mut self, count: u32) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }
}

/// The finalizer of `SplitMix64`.
const fn split_mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// One block of Philox4x32-10, with the multipliers and key increments of the paper.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    const ROUNDS: usize = 10;
    for _ in 0..ROUNDS {
        let even = u64::from(counter[0]) * 0xd251_1f53;
        let odd = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [
            (odd >> 32) as u32 ^ counter[1] ^ key[0],
            odd as u32,
            (even >> 32) as u32 ^ counter[3] ^ key[1],
            even as u32,
        ];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

/// The natural logarithm of a normal positive number, to about 1e-15, with the same bits on every platform.
///
/// `x = 2^e m` with `m` between `sqrt(1/2)` and `sqrt(2)`, and `ln m = 2 atanh((m - 1) / (m + 1))` by its series.
fn ln(x: f64) -> f64 {
    const MANTISSA: u64 = (1 << 52) - 1;
    const ONE: u64 = 0x3ff0_0000_0000_0000;
    /// The last term is below 0.1716^23 / 23, under half an ulp of the sum.
    const LAST_POWER: u32 = 23;
    let bits = x.to_bits();
    let mut exponent = f64::from((bits >> 52) as u32) - 1023.0;
    let mut mantissa = f64::from_bits(bits & MANTISSA | ONE);
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    let square = ratio * ratio;
    let mut sum = 0.0;
    for power in (1..=LAST_POWER).rev().step_by(2) {
        sum = sum * square + 1.0 / f64::from(power);
    }
    exponent * std::f64::consts::LN_2 + 2.0 * ratio * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn philox_gives_the_known_answers_of_its_authors() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn the_first_numbers_never_change() {
        let mut random = Random::new(42, Purpose::Weight, 7, 3);
        let drawn: Vec<u32> = (0..5).map(|_| random.next_u32()).collect();
        assert_eq!(drawn, [0x99b0_fedc, 0xf388_85fd, 0xedbe_921d, 0xbc78_1858, 0xd0e8_867c]);
        let normal: Vec<u64> = (0..3).map(|_| random.normal().to_bits()).collect();
        assert_eq!(normal, [0x3ff2_7e05_0578_1053, 0xbffb_1764_46f8_bcdb, 0xbfcc_748c_1c78_a057]);
        assert_eq!(random.permutation(8), [4, 3, 2, 0, 1, 5, 7, 6]);
    }

    #[test]
    fn every_part_of_the_key_gives_another_stream() {
        let streams = [
            (0, Purpose::Split, 0, 0),
            (1, Purpose::Split, 0, 0),
            (0, Purpose::Shuffle, 0, 0),
            (0, Purpose::Split, 1, 0),
            (0, Purpose::Split, 1 << 32, 0),
            (0, Purpose::Split, 0, 1),
        ];
        let mut first: Vec<u64> = streams
            .iter()
            .map(|&(seed, purpose, step, site)| Random::new(seed, purpose, step, site).next_u64())
            .collect();
        first.sort_unstable();
        first.dedup();
        assert_eq!(first.len(), streams.len());
    }

    #[test]
    fn uniform_and_normal_numbers_have_their_moments() {
        const DRAWS: usize = 200_000;
        let mut random = Random::new(0, Purpose::Custom, 0, 0);
        let mean = (0..DRAWS).map(|_| f64::from(random.uniform())).sum::<f64>() / DRAWS as f64;
        assert!((mean - 0.5).abs() < 0.003, "{mean}");

        let normal: Vec<f64> = (0..DRAWS).map(|_| random.normal()).collect();
        let moment = |power: i32| normal.iter().map(|x| x.powi(power)).sum::<f64>() / DRAWS as f64;
        assert!(moment(1).abs() < 0.01, "{}", moment(1));
        assert!((moment(2) - 1.0).abs() < 0.02, "{}", moment(2));
        assert!((moment(4) - 3.0).abs() < 0.1, "{}", moment(4));
    }

    #[test]
    fn below_is_fair_and_in_range() {
        let mut random = Random::new(0, Purpose::Custom, 0, 1);
        let mut counts = [0_u32; 7];
        for _ in 0..70_000 {
            counts[random.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (9_500..10_500).contains(&count)), "{counts:?}");
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn a_permutation_holds_every_number_once() {
        let mut order = Random::new(5, Purpose::Shuffle, 2, 0).permutation(1_000);
        assert_ne!(order, (0..1_000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn the_logarithm_agrees_with_the_systems() {
        for x in [1.0, 0.5, 0.999_999_9, 1e-300, 0.7, 2.0_f64.sqrt(), 3.0, 1e10] {
            let error = (ln(x) - x.ln()).abs();
            assert!(error <= 4.0 * f64::EPSILON * x.ln().abs().max(f64::EPSILON), "{x}: {error}");
        }
    }
}
