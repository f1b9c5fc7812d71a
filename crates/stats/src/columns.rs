//! The input columns over an epoch.
#![allow(clippy::inline_always, reason = "the levels compile the sums again with their own instructions")]
use barograph_vocab::FeatureSummary;

use crate::elements::{Elements, ElementsError, for_each_dtype};
use crate::level::{Level, Plain};
use crate::rows::Examples;

/// Columns whose mean and scale are listed.
const LISTED: usize = 256;

/// Rows or columns named as examples.
pub(crate) const EXAMPLES: usize = 16;

/// Columns side by side: a register of AVX-512 of f64.
const LANES: usize = 8;

/// Rows that are added together, so that what is kept of a column is loaded and stored once for all of them.
const ROWS: usize = 4;

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

    /// Adds a value to one column.
    fn add(&mut self, lane: usize, x: f64) {
        if !x.is_finite() {
            self.non_finite[lane] += 1;
            return;
        }
        if self.count[lane] == 0 {
            self.origin[lane] = x;
        }
        let away = x - self.origin[lane];
        self.count[lane] += 1;
        self.sum[lane] += away;
        self.squares[lane] += away * away;
        self.min[lane] = self.min[lane].min(x);
        self.max[lane] = self.max[lane].max(x);
    }

    /// Adds a finite value to each column but for the count, where all have their first.
    #[inline(always)]
    fn add_finite(&mut self, values: &[f64; LANES]) {
        for (lane, &x) in values.iter().enumerate() {
            let away = x - self.origin[lane];
            self.sum[lane] += away;
            self.squares[lane] += away * away;
            self.min[lane] = if x < self.min[lane] { x } else { self.min[lane] };
            self.max[lane] = if x > self.max[lane] { x } else { self.max[lane] };
        }
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

/// Adds rows of finite values to columns that have their first value.
struct AddRows<'a> {
    blocks: &'a mut [Block],
    /// Rows one after the other, each as wide as the blocks.
    rows: &'a [f64],
}

impl Plain for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (values, _) = self.rows.as_chunks::<LANES>();
        let width = self.blocks.len();
        let rows = (values.len() / width) as u64;
        for (at, block) in self.blocks.iter_mut().enumerate() {
            let mut sums = *block;
            for values in values[at..].iter().step_by(width) {
                sums.add_finite(values);
            }
            *block = sums;
            block.count.iter_mut().for_each(|count| *count += rows);
        }
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
    /// Whether every column has seen a finite value.
    all_begun: bool,
    /// Rows in f64, each filled up with zeros to whole blocks.
    buffer: Vec<f64>,
    rows: u64,
    bad_rows: Examples,
}

impl Columns {
    /// An accumulator for rows of this many features. An image counts each of its values as a feature.
    #[must_use]
    pub fn new(features: usize) -> Self {
        Self {
            features,
            all_begun: false,
            blocks: vec![Block::EMPTY; features.div_ceil(LANES)],
            buffer: vec![0.0; ROWS * features.next_multiple_of(LANES)],
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
        self.all_begun = false;
        self.rows = 0;
        self.bad_rows.clear();
    }

    /// Adds a batch `[rows, features]`; `rows` holds the number in the data set of each.
    ///
    /// # Errors
    ///
    /// When the view does not have one value per feature and row.
    pub fn add(&mut self, batch: Elements<'_>, rows: &[u64]) -> Result<(), ElementsError> {
        batch.expect_len(&[rows.len(), self.features])?;
        let (level, mut cursor) = (Level::best(), batch.cursor());
        let width = self.blocks.len() * LANES;
        for numbers in rows.chunks(ROWS).filter(|_| width > 0) {
            let mut finite = true;
            for (row, number) in self.buffer.chunks_exact_mut(width).zip(numbers) {
                let row = &mut row[..self.features];
                for_each_dtype!(batch.data, slice => cursor.fill(slice, row, Into::into));
                // Without a way out at the first, so that it becomes vector code.
                if !row.iter().fold(true, |finite, x| finite & x.is_finite()) {
                    self.bad_rows.add(*number);
                    finite = false;
                }
            }
            if finite && self.all_begun {
                level.run(AddRows { blocks: &mut self.blocks, rows: &self.buffer[..numbers.len() * width] });
            } else {
                self.add_carefully(numbers.len());
            }
        }
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

    /// Adds the first so many rows of the buffer, value by value.
    fn add_carefully(&mut self, rows: usize) {
        let width = self.blocks.len() * LANES;
        for row in self.buffer.chunks_exact(width).take(rows) {
            for (at, &x) in row[..self.features].iter().enumerate() {
                self.blocks[at / LANES].add(at % LANES, x);
            }
        }
        self.all_begun = (0..self.features).all(|at| self.blocks[at / LANES].count[at % LANES] > 0);
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
