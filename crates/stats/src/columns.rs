//! The input columns over an epoch.
#![allow(clippy::inline_always, reason = "the levels compile the sums again with their own instructions")]
use barograph_vocab::FeatureSummary;

use crate::elements::{Elements, ElementsError};
use crate::level::{Level, Plain};
use crate::rows::{Examples, RowReader};

/// Columns whose mean and scale are listed.
const LISTED: usize = 256;

/// Rows or columns named as examples.
pub(crate) const EXAMPLES: usize = 16;

/// Columns side by side: a register of AVX-512 of f64.
const LANES: usize = 8;

/// Statistics of some columns. Sums are of differences from the column's first finite value, so that a large mean does not
/// drown the spread.
#[derive(Clone, Copy, Debug)]
struct Block {
    count: [u64; LANES],
    non_finite: [u64; LANES],
    origin: [f64; LANES],
    sum: [f64; LANES],
    squares: [f64; LANES],
    min: [f64; LANES],
    max: [f64; LANES],
}

impl Block {
    const EMPTY: Self = Self {
        count: [0; LANES],
        non_finite: [0; LANES],
        origin: [0.0; LANES],
        sum: [0.0; LANES],
        squares: [0.0; LANES],
        min: [f64::INFINITY; LANES],
        max: [f64::NEG_INFINITY; LANES],
    };

    /// Adds a value to one column. Without a branch, so that columns side by side become vector code.
    #[inline(always)]
    fn add(&mut self, lane: usize, x: f64) {
        let finite = x.is_finite();
        self.origin[lane] = if finite && self.count[lane] == 0 { x } else { self.origin[lane] };
        self.count[lane] += u64::from(finite);
        self.non_finite[lane] += u64::from(!finite);
        let away = if finite { x - self.origin[lane] } else { 0.0 };
        self.sum[lane] += away;
        self.squares[lane] += away * away;
        self.min[lane] = if finite && x < self.min[lane] { x } else { self.min[lane] };
        self.max[lane] = if finite && x > self.max[lane] { x } else { self.max[lane] };
    }

    fn column(&self, lane: usize) -> Column {
        Column {
            count: self.count[lane],
            non_finite: self.non_finite[lane],
            origin: self.origin[lane],
            sum: self.sum[lane],
            squares: self.squares[lane],
            min: self.min[lane],
            max: self.max[lane],
        }
    }
}

/// Adds a row to the columns; says whether it has a value that is not finite.
struct AddRow<'a> {
    blocks: &'a mut [Block],
    row: &'a [f64],
}

impl Plain for AddRow<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        let (rows, rest) = self.row.as_chunks::<LANES>();
        let (whole, last) = self.blocks.split_at_mut(rows.len());
        // A product with zero is NaN exactly where a factor is not finite.
        let mut traces = [0.0; LANES];
        for (block, row) in whole.iter_mut().zip(rows) {
            for lane in 0..LANES {
                block.add(lane, row[lane]);
                traces[lane] += row[lane] * 0.0;
            }
        }
        for (lane, &x) in rest.iter().enumerate() {
            last[0].add(lane, x);
            traces[lane] += x * 0.0;
        }
        traces.iter().any(|trace| trace.is_nan())
    }
}

/// Statistics of one column.
#[derive(Clone, Copy, Debug)]
struct Column {
    count: u64,
    non_finite: u64,
    origin: f64,
    sum: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Column {
    fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.origin + self.sum / self.count as f64 }
    }

    /// Population standard deviation.
    fn scale(&self) -> f64 {
        if self.count == 0 || self.min == self.max {
            return 0.0;
        }
        let count = self.count as f64;
        ((self.squares - self.sum * (self.sum / count)) / count).max(0.0).sqrt()
    }

    /// Whether two or more finite values were all the same.
    fn is_constant(&self) -> bool {
        self.count >= 2 && self.min == self.max
    }
}

/// Accumulates the input columns over an epoch.
///
/// ```
/// use barograph_stats::{Columns, Elements};
///
/// let mut columns = Columns::new(2);
/// let batch = [1.0_f32, 7.0, 3.0, 7.0, f32::NAN, 7.0];
/// columns.add(Elements::contiguous(&batch), &[40, 41, 42])?;
/// let summary = columns.summary();
/// assert_eq!((summary.constant, summary.bad_row_examples), (1, vec![42]));
/// assert_eq!((summary.means, summary.scales), (vec![2.0, 7.0], vec![1.0, 0.0]));
/// # Ok::<(), barograph_stats::ElementsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Columns {
    features: usize,
    blocks: Vec<Block>,
    reader: RowReader,
    rows: u64,
    bad_rows: Examples,
}

impl Columns {
    /// An accumulator for rows of this many features. An image counts each of its values as a feature.
    #[must_use]
    pub fn new(features: usize) -> Self {
        Self {
            features,
            blocks: vec![Block::EMPTY; features.div_ceil(LANES)],
            reader: RowReader::new(features),
            rows: 0,
            bad_rows: Examples::default(),
        }
    }

    /// Rows seen.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Forgets the epoch and keeps the memory.
    pub fn clear(&mut self) {
        self.blocks.fill(Block::EMPTY);
        self.rows = 0;
        self.bad_rows.clear();
    }

    /// Adds a batch `[rows, features]`; `rows` holds the number in the data set of each.
    ///
    /// # Errors
    ///
    /// When the view does not have one value per feature and row.
    pub fn add(&mut self, batch: Elements<'_>, rows: &[u64]) -> Result<(), ElementsError> {
        let Self { blocks, reader, bad_rows, .. } = self;
        let level = Level::best();
        reader.for_each_row(batch, rows, |number, row| {
            if level.run(AddRow { blocks, row }) {
                bad_rows.add(number);
            }
        })?;
        self.rows += rows.len() as u64;
        Ok(())
    }

    /// What was seen so far.
    #[must_use]
    pub fn summary(&self) -> FeatureSummary {
        let columns = self.columns();
        let bad_columns = || columns.iter().enumerate().filter(|(_, column)| column.non_finite > 0);
        let mut scales: Vec<f64> = columns.iter().map(Column::scale).filter(|scale| *scale > 0.0).collect();
        scales.sort_by(f64::total_cmp);
        FeatureSummary {
            features: columns.len() as u32,
            bad_rows: self.bad_rows.count(),
            bad_row_examples: self.bad_rows.examples().to_vec(),
            bad_columns: bad_columns().count() as u32,
            bad_column_examples: bad_columns().take(EXAMPLES).map(|(at, _)| at as u32).collect(),
            constant: columns.iter().filter(|column| column.is_constant()).count() as u32,
            means: columns.iter().take(LISTED).map(Column::mean).collect(),
            scales: columns.iter().take(LISTED).map(Column::scale).collect(),
            scale_min: scales.first().copied().unwrap_or(0.0),
            scale_median: median(&scales),
            scale_max: scales.last().copied().unwrap_or(0.0),
            mean_abs_max: columns.iter().map(|column| column.mean().abs()).fold(0.0, f64::max),
            abs_max: columns.iter().filter(|column| column.count > 0).map(|c| c.max.max(-c.min)).fold(0.0, f64::max),
            rms: rms(&columns),
        }
    }

    fn columns(&self) -> Vec<Column> {
        (0..self.features).map(|at| self.blocks[at / LANES].column(at % LANES)).collect()
    }
}

/// Root mean square over all finite values.
fn rms(columns: &[Column]) -> f64 {
    let count: u64 = columns.iter().map(|column| column.count).sum();
    if count == 0 {
        return 0.0;
    }
    let share = |column: &Column| column.count as f64 / count as f64;
    columns.iter().map(|c| share(c) * (c.scale().powi(2) + c.mean().powi(2))).sum::<f64>().sqrt()
}

/// The middle of sorted numbers, or the mean of the two in the middle; 0 of none.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => 0.0,
        (Some(upper), 1) => *upper,
        (Some(upper), _) => f64::midpoint(*upper, sorted[middle - 1]),
    }
}
