//! A bounded summary of a run for plots, fed record by record.
mod grid;
mod heat;
mod series;

pub(crate) use grid::{Cell, merged};
pub use heat::{Heat, HeatCell, HeatMap, HeatRow};
pub use series::{Bucket, Extent, Series};

use barograph_vocab::{EpochRecord, Record, Scalar, SiteId, Sites, StepRecord};
use grid::Grid;
use std::collections::BTreeMap;

/// Most buckets of a curve: about the columns a report has room for (our choice).
const CURVE_BUCKETS: usize = 512;

/// Most columns of a heat map (our choice).
const HEAT_COLUMNS: usize = 128;

/// Most rows over all heat maps; with [`HEAT_COLUMNS`] it bounds them to about 10 MB (our choice).
const HEAT_ROWS: usize = 4096;

/// The row of a heat map for everything beyond [`HEAT_ROWS`].
const OTHER_SITES: SiteId = SiteId(u32::MAX);

/// The curves that are kept, by row of the grid.
const CURVES: [Scalar; 4] = [Scalar::Loss, Scalar::ValidationLoss, Scalar::LearningRate, Scalar::GradientNorm];

/// Most measures of epochs that are kept: what a page has room for (our choice).
const MEASURES: usize = 16;

/// What stands before the name of a number of the rows that are held out.
const HELD_OUT: &str = "validation_";

/// The row of the loss as the mean over an epoch, for logs that have no loss per step.
const EPOCH_LOSS: usize = CURVES.len();

/// A bounded summary of a run for plots.
///
/// The minimum, the maximum and the count of non-finite values of a bucket outlive every merge, so that a NaN or a
/// spike of one step shows however long the run is.
#[derive(Clone, Debug)]
pub struct Curves {
    sites: Sites,
    scalars: Grid<Bucket>,
    extents: Vec<Option<Extent>>,
    measures: Vec<Measure>,
    heat: Grid<HeatCell>,
    heat_rows: BTreeMap<(Heat, SiteId), usize>,
}

/// A measure of epochs besides the loss, and its rows of the grid.
#[derive(Clone, Debug)]
struct Measure {
    name: String,
    trained: Option<usize>,
    held_out: Option<usize>,
}

impl Default for Curves {
    fn default() -> Self {
        Self {
            sites: Sites::default(),
            scalars: Grid::new(CURVE_BUCKETS, CURVES.len() + 1),
            extents: vec![None; CURVES.len() + 1],
            measures: Vec::new(),
            heat: Grid::new(HEAT_COLUMNS, 0),
            heat_rows: BTreeMap::new(),
        }
    }
}

impl Curves {
    /// Takes in the next record of a log.
    pub fn see(&mut self, record: &Record) {
        match record {
            Record::Site(site) => {
                self.sites.insert(site.clone());
            }
            Record::Step(step) => self.see_step(step),
            Record::Epoch(epoch) => self.see_epoch(epoch),
            _ => {}
        }
    }

    fn see_step(&mut self, record: &StepRecord) {
        for (row, scalar) in CURVES.into_iter().enumerate() {
            if let Some(value) = record.scalar(scalar) {
                self.see_value(row, record.step, value);
            }
        }
        for at in &record.readings {
            for &heat in Heat::of(at.role) {
                let row = self.heat_row(heat, at.site);
                self.heat.cell(row, record.step).see(heat, &at.reading);
            }
        }
    }

    fn see_epoch(&mut self, record: &EpochRecord) {
        let step = record.steps.saturating_sub(1);
        if let Some(value) = record.scalar(Scalar::ValidationLoss) {
            self.see_value(1, step, value);
        }
        if let Some(value) = record.scalar(Scalar::Loss) {
            self.see_value(EPOCH_LOSS, step, value);
        }
        let scalars = record.scalars.iter().filter(|(scalar, _)| !CURVES.contains(scalar));
        let scalars = scalars.map(|(scalar, value)| (scalar.name(), *value));
        for (name, value) in scalars.chain(record.named.iter().map(|(name, value)| (name.as_str(), *value))) {
            if let Some(row) = self.measure_row(name) {
                self.see_value(row, step, value);
            }
        }
    }

    /// The row of a measure; `None` beyond [`MEASURES`].
    fn measure_row(&mut self, name: &str) -> Option<usize> {
        let plain = name.strip_prefix(HELD_OUT).unwrap_or(name);
        let known = self.measures.iter().position(|measure| measure.name == plain);
        let at = known.or_else(|| {
            let measure = Measure { name: plain.to_owned(), trained: None, held_out: None };
            (self.measures.len() < MEASURES).then(|| self.measures.push(measure))?;
            Some(self.measures.len() - 1)
        })?;
        let Measure { trained, held_out, .. } = &mut self.measures[at];
        let row = if plain == name { trained } else { held_out };
        Some(*row.get_or_insert_with(|| {
            self.extents.push(None);
            self.scalars.add_row()
        }))
    }

    fn see_value(&mut self, row: usize, step: u64, value: f64) {
        self.scalars.cell(row, step).see(step, value);
        match &mut self.extents[row] {
            Some(extent) => extent.see(step, value),
            none => *none = Some(Extent::new(step, value)),
        }
    }

    fn heat_row(&mut self, heat: Heat, site: SiteId) -> usize {
        let full = self.heat_rows.len() >= HEAT_ROWS;
        let site = if full && !self.heat_rows.contains_key(&(heat, site)) { OTHER_SITES } else { site };
        *self.heat_rows.entry((heat, site)).or_insert_with(|| self.heat.add_row())
    }

    /// The loss of each step; where a log has none, its mean over each epoch.
    #[must_use]
    pub fn loss(&self) -> Option<Series<'_>> {
        self.series(0).or_else(|| self.series(EPOCH_LOSS))
    }

    /// The loss on the validation rows.
    #[must_use]
    pub fn validation_loss(&self) -> Option<Series<'_>> {
        self.series(1)
    }

    /// The learning rate.
    #[must_use]
    pub fn learning_rate(&self) -> Option<Series<'_>> {
        self.series(2)
    }

    /// The global norm of the gradient before clipping.
    #[must_use]
    pub fn gradient_norm(&self) -> Option<Series<'_>> {
        self.series(3)
    }

    /// Each measure of epochs besides the loss, by its name: on the training rows, and on those that are held out.
    pub fn measures(&self) -> impl Iterator<Item = (&str, [Option<Series<'_>>; 2])> {
        let series = |row: Option<usize>| row.and_then(|row| self.series(row));
        self.measures
            .iter()
            .map(move |measure| (measure.name.as_str(), [series(measure.trained), series(measure.held_out)]))
    }

    fn series(&self, row: usize) -> Option<Series<'_>> {
        let extent = self.extents[row].as_ref()?;
        let (origin, width) = (self.scalars.origin(), self.scalars.width());
        Some(Series { buckets: self.scalars.row(row), origin, width, extent })
    }

    /// A heat map, if the log has readings for it.
    #[must_use]
    pub fn heat_map(&self, heat: Heat) -> Option<HeatMap<'_>> {
        let announced = self.sites.in_order().iter().copied();
        let known = |site: &SiteId| self.sites.get(*site).is_none();
        let strangers = self.heat_rows.keys().filter(|(of, _)| *of == heat).map(|(_, site)| *site).filter(known);
        let rows: Vec<_> = announced.chain(strangers).filter_map(|site| self.row_of(heat, site)).collect();
        let (origin, width, last) = (self.heat.origin(), self.heat.width(), self.heat.last());
        (!rows.is_empty()).then_some(HeatMap { heat, origin, width, last, rows })
    }

    fn row_of(&self, heat: Heat, site: SiteId) -> Option<HeatRow<'_>> {
        let cells = self.heat.row(*self.heat_rows.get(&(heat, site))?);
        if site == OTHER_SITES {
            return Some(HeatRow { site: None, path: "other sites", cells });
        }
        Some(HeatRow { site: Some(site), path: self.sites.path(site), cells })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use barograph_vocab::{Reading, Role, Site, SiteReading};

    fn step(step: u64, loss: f64) -> Record {
        Record::Step(StepRecord { step, scalars: vec![(Scalar::Loss, loss)], stands_for: 1, ..StepRecord::default() })
    }

    fn at(site: u32, role: Role, reading: &Reading) -> SiteReading {
        SiteReading { site: SiteId(site), role, reading: *reading }
    }

    fn of_norm(l2: f64) -> Reading {
        Reading { count: 4, l2, ..Reading::EMPTY }
    }

    #[test]
    fn one_bad_step_and_one_spike_outlive_a_million_steps() {
        let mut curves = Curves::default();
        for number in 0..1_000_000 {
            let loss = match number {
                123_456 => f64::NAN,
                654_321 => 1e9,
                _ => 1.0,
            };
            curves.see(&step(number, loss));
        }
        let loss = curves.loss().expect("a loss");
        assert!(loss.buckets.len() <= CURVE_BUCKETS);
        assert_eq!(loss.buckets.iter().map(|bucket| bucket.non_finite).sum::<u64>(), 1);
        assert_eq!(loss.buckets.iter().map(|bucket| bucket.finite).sum::<u64>(), 999_999);
        let bad = loss.buckets.iter().position(|bucket| bucket.non_finite > 0).expect("the bad bucket");
        let (first, last) = loss.steps(bad);
        assert!((first..=last).contains(&123_456));
        assert_eq!(loss.buckets[bad].first_non_finite, Some(123_456));
        assert_eq!(loss.range(), Some((1.0, 1e9)));
        assert_eq!(loss.extent.highest, Some((654_321, 1e9)));
        assert_eq!(loss.buckets.iter().filter(|bucket| bucket.max == 1e9).count(), 1);
    }

    #[test]
    fn steps_may_be_huge_or_go_back() {
        let mut curves = Curves::default();
        for number in [u64::MAX - 3, u64::MAX, 5] {
            curves.see(&step(number, 2.0));
        }
        let loss = curves.loss().expect("a loss");
        assert_eq!(loss.buckets.iter().map(|bucket| bucket.finite).sum::<u64>(), 3);
        assert_eq!(loss.steps(loss.buckets.len() - 1).1, u64::MAX);
        let mut curves = Curves::default();
        for number in [0, u64::MAX] {
            curves.see(&step(number, f64::MAX));
        }
        let loss = curves.loss().expect("a loss");
        assert!(loss.buckets.len() <= CURVE_BUCKETS);
        assert_eq!(loss.buckets[0].mean, f64::MAX);
    }

    #[test]
    fn heat_rows_follow_execution_and_keep_non_finite_readings() {
        let mut curves = Curves::default();
        for (path, order) in [("late", 9), ("early", 1)] {
            curves.see(&Record::Site(Site { path: path.to_owned(), order, units: 0, shape: Vec::new() }));
        }
        for number in 0..10_000 {
            let mut sick = of_norm(0.5);
            sick.nan = u64::from(number == 4321);
            let readings = vec![
                at(0, Role::Gradient, &of_norm(1e300)),
                at(1, Role::Gradient, &sick),
                at(7, Role::Gradient, &of_norm(1.0)),
            ];
            curves.see(&Record::Step(StepRecord { step: number, readings, ..StepRecord::default() }));
        }
        let map = curves.heat_map(Heat::GradientL2).expect("a map");
        assert_eq!(map.rows.iter().map(|row| row.path).collect::<Vec<_>>(), ["early", "late", "?"]);
        assert!(map.rows.iter().all(|row| row.cells.len() <= HEAT_COLUMNS));
        assert_eq!(map.rows[0].cells.iter().map(|cell| cell.non_finite).sum::<u32>(), 1);
        assert_eq!(map.rows[0].cells[(4321 / map.width) as usize].non_finite, 1);
        assert_eq!(map.rows[1].cells[0].max, f32::MAX);
        assert!(curves.heat_map(Heat::WeightRms).is_none());
    }

    #[test]
    fn sites_beyond_the_cap_share_a_row() {
        let mut curves = Curves::default();
        let readings = (0..HEAT_ROWS as u32 + 10)
            .map(|site| at(site, Role::Weight, &Reading { nan: u64::from(site as usize > HEAT_ROWS), ..of_norm(1.0) }))
            .collect();
        curves.see(&Record::Step(StepRecord { readings, ..StepRecord::default() }));
        let map = curves.heat_map(Heat::WeightRms).expect("a map");
        assert_eq!(map.rows.len(), HEAT_ROWS + 1);
        let last = map.rows.last().expect("a row");
        assert_eq!((last.site, last.cells[0].readings, last.cells[0].non_finite), (None, 10, 9));
    }

    #[test]
    fn measures_of_epochs_are_paired_by_name_and_bounded() {
        let mut curves = Curves::default();
        for epoch in 0..3_u32 {
            let value = f64::from(epoch);
            let mut named = vec![("validation_a_f1".to_owned(), value), ("b_loss".to_owned(), f64::NAN)];
            named.extend((0..100).map(|number| (format!("more{number}"), value)));
            let scalars = vec![(Scalar::Loss, 1.0), (Scalar::Accuracy, value), (Scalar::ValidationAccuracy, 0.5)];
            let steps = 10 * (u64::from(epoch) + 1);
            curves.see(&Record::Epoch(EpochRecord { epoch, steps, scalars, named }));
        }
        let measures: Vec<_> = curves.measures().collect();
        assert_eq!(measures.len(), MEASURES);
        let ends =
            |series: &Option<Series<'_>>| series.as_ref().map(|series| (series.extent.first, series.extent.values));
        let shown: Vec<_> = measures.iter().take(3).map(|(name, both)| (*name, both.each_ref().map(ends))).collect();
        assert_eq!(shown[0], ("accuracy", [Some(((9, 0.0), 3)), Some(((9, 0.5), 3))]));
        assert_eq!(shown[1], ("a_f1", [None, Some(((9, 0.0), 3))]));
        assert_eq!(shown[2].0, "b_loss");
        assert_eq!(measures[2].1[0].as_ref().map(|series| series.extent.non_finite), Some(3));
    }

    #[test]
    fn epochs_stand_in_for_steps() {
        let mut curves = Curves::default();
        for epoch in 0..3_u32 {
            let scalars = vec![(Scalar::Loss, 1.0 / f64::from(epoch + 1)), (Scalar::ValidationLoss, f64::NAN)];
            curves.see(&Record::Epoch(EpochRecord {
                epoch,
                steps: u64::from(epoch + 1) * 10,
                scalars,
                named: Vec::new(),
            }));
        }
        assert_eq!(curves.loss().map(|loss| loss.extent.first), Some((9, 1.0)));
        assert_eq!(curves.validation_loss().map(|loss| loss.extent.non_finite), Some(3));
        curves.see(&step(30, 5.0));
        assert_eq!(curves.loss().map(|loss| loss.extent.first), Some((30, 5.0)));
    }
}
