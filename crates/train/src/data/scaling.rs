//! Bringing columns to a common scale, and back.
use crate::recipe::Normalize;

/// `x * scale + shift` for each column. Kept with the weights, so that predictions see inputs as training did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scaling {
    /// Factor of each column; never 0.
    pub scale: Vec<f32>,
    /// Added to each column after scaling.
    pub shift: Vec<f32>,
}

impl Scaling {
    /// Fits a normalization to some rows of `values` (`[rows, columns]`): those that the network learns from, and no others.
    ///
    /// NaN and infinite values are left out of the fit. A column that is constant over the rows, or has no finite value, gets scale 1.
    ///
    /// # Panics
    /// When a row is out of range.
    #[must_use]
    pub fn fit(how: Normalize, values: &[f32], columns: usize, rows: &[u32]) -> Self {
        let mut fit = Fit::new(how, columns, |column| column);
        for &row in rows {
            let row = row as usize * columns;
            fit.see(&values[row..row + columns]);
        }
        fit.finish()
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.scale.iter().all(|&scale| scale == 1.0) && self.shift.iter().all(|&shift| shift == 0.0)
    }

    /// Scales values in place, `[rows, columns]`.
    pub fn apply(&self, values: &mut [f32]) {
        self.each(values, |value, scale, shift| value * scale + shift);
    }

    /// Turns scaled values back, in place.
    pub fn undo(&self, values: &mut [f32]) {
        self.each(values, |value, scale, shift| (value - shift) / scale);
    }

    fn each(&self, values: &mut [f32], change: impl Fn(f64, f64, f64) -> f64) {
        if self.scale.is_empty() || self.is_identity() {
            return;
        }
        for row in values.chunks_mut(self.scale.len()) {
            for ((value, &scale), &shift) in row.iter_mut().zip(&self.scale).zip(&self.shift) {
                *value = change(f64::from(*value), f64::from(scale), f64::from(shift)) as f32;
            }
        }
    }
}

/// A normalization being fitted, some rows at a time.
pub(crate) struct Fit {
    how: Normalize,
    /// The group of each column; columns of one group are scaled alike.
    groups: Vec<usize>,
    /// One for each group.
    moments: Vec<Moments>,
}

impl Fit {
    pub(crate) fn new(how: Normalize, columns: usize, group: impl Fn(usize) -> usize) -> Self {
        let empty = Moments { count: 0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };
        let groups: Vec<usize> = (0..columns).map(group).collect();
        let count = groups.iter().max().map_or(0, |largest| largest + 1);
        Self { how, groups, moments: vec![empty; count] }
    }

    /// Whether rows have to be seen at all.
    pub(crate) const fn needs_rows(&self) -> bool {
        matches!(self.how, Normalize::Standard | Normalize::MinMax)
    }

    /// Takes in rows `[rows, columns]`.
    pub(crate) fn see(&mut self, values: &[f32]) {
        if !self.needs_rows() || self.groups.is_empty() {
            return;
        }
        for row in values.chunks(self.groups.len()) {
            for (&value, &group) in row.iter().zip(&self.groups) {
                if value.is_finite() {
                    self.moments[group].add(f64::from(value));
                }
            }
        }
    }

    pub(crate) fn finish(self) -> Scaling {
        let columns = self.groups.len();
        let by_group = |fit: fn(&Moments) -> (f64, f64)| {
            let fitted: Vec<(f64, f64)> = self.moments.iter().map(fit).collect();
            let (scale, shift) = self
                .groups
                .iter()
                .map(|&group| fitted[group])
                .map(|(scale, shift)| (scale as f32, shift as f32))
                .unzip();
            Scaling { scale, shift }
        };
        match self.how {
            Normalize::None => Scaling { scale: vec![1.0; columns], shift: vec![0.0; columns] },
            Normalize::Fixed { scale, shift } => {
                Scaling { scale: vec![scale as f32; columns], shift: vec![shift as f32; columns] }
            }
            Normalize::Standard => by_group(Moments::standard),
            Normalize::MinMax => by_group(Moments::min_max),
        }
    }
}

/// What a fit needs to know of a column's finite values.
#[derive(Clone, Debug)]
struct Moments {
    count: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    squares: f64,
    min: f64,
    max: f64,
}

impl Moments {
    /// One more value (Welford 1962).
    fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Scale and shift to mean 0 and standard deviation 1 (over the rows themselves: divided by their number).
    fn standard(&self) -> (f64, f64) {
        let deviation = (self.squares / self.count as f64).sqrt();
        let scale = if self.is_constant() { 1.0 } else { 1.0 / deviation };
        (scale, -self.mean * scale)
    }

    /// Scale and shift to 0..=1.
    fn min_max(&self) -> (f64, f64) {
        if self.count == 0 {
            return (1.0, 0.0);
        }
        let scale = if self.is_constant() { 1.0 } else { 1.0 / (self.max - self.min) };
        (scale, -self.min * scale)
    }

    /// Whether no scale would make the column vary, within what `Scaling` can hold.
    fn is_constant(&self) -> bool {
        let deviation = (self.squares / self.count.max(1) as f64).sqrt();
        self.min >= self.max
            || !(1.0 / deviation).is_finite()
            || ((1.0 / deviation) as f32).is_infinite()
            || ((1.0 / (self.max - self.min)) as f32) == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: [f32; 12] = [1.0, 7.0, f32::NAN, 3.0, 7.0, f32::NAN, 5.0, 7.0, f32::NAN, 1e6, 7.0, 2.0];

    #[test]
    fn it_is_fitted_on_the_given_rows_alone() {
        let scaling = Scaling::fit(Normalize::Standard, &VALUES, 3, &[0, 1, 2]);
        let mut values = VALUES;
        scaling.apply(&mut values);
        assert!((values[0] + 1.224_745).abs() < 1e-5, "{values:?}");
        assert!(values[3].abs() < 1e-6);
        assert!((values[6] - 1.224_745).abs() < 1e-5);
    }

    #[test]
    fn constant_and_missing_columns_keep_scale_1() {
        for how in [Normalize::Standard, Normalize::MinMax] {
            let scaling = Scaling::fit(how, &VALUES, 3, &[0, 1, 2]);
            assert_eq!((scaling.scale[1], scaling.shift[1]), (1.0, -7.0), "{how:?}");
            assert_eq!((scaling.scale[2], scaling.shift[2].abs()), (1.0, 0.0), "{how:?}");
        }
    }

    #[test]
    fn minmax_reaches_from_0_to_1() {
        let mut values = VALUES;
        Scaling::fit(Normalize::MinMax, &VALUES, 3, &[0, 1, 2]).apply(&mut values);
        assert_eq!([values[0], values[3], values[6]], [0.0, 0.5, 1.0]);
    }

    #[test]
    fn fixed_numbers_are_used_as_they_are() {
        let mut values = [8.0_f32, 16.0];
        Scaling::fit(Normalize::Fixed { scale: 0.0625, shift: -0.5 }, &values, 1, &[]).apply(&mut values);
        assert_eq!(values, [0.0, 0.5]);
    }

    proptest::proptest! {
        #[test]
        fn a_fit_is_finite_and_can_be_undone(values in proptest::collection::vec(proptest::num::f32::ANY, 1..60), minmax: bool) {
            let how = if minmax { Normalize::MinMax } else { Normalize::Standard };
            let rows: Vec<u32> = (0..values.len() as u32).collect();
            let scaling = Scaling::fit(how, &values, 1, &rows);
            proptest::prop_assert!(scaling.scale[0].is_finite() && scaling.scale[0] != 0.0 && scaling.shift[0].is_finite());
        }

        #[test]
        fn undo_is_the_way_back(values in proptest::collection::vec(-1e3_f32..1e3, 2..60)) {
            let rows: Vec<u32> = (0..values.len() as u32).collect();
            let scaling = Scaling::fit(Normalize::Standard, &values, 1, &rows);
            let mut there_and_back = values.clone();
            scaling.apply(&mut there_and_back);
            scaling.undo(&mut there_and_back);
            for (before, after) in values.iter().zip(&there_and_back) {
                proptest::prop_assert!((before - after).abs() <= 1e-2, "{before} {after}");
            }
        }
    }
}
