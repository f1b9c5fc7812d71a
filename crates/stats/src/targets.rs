//! The targets over an epoch.
use barograph_vocab::TargetSummary;

use crate::elements::{Elements, ElementsError};
use crate::rows::{Examples, RowReader};

/// Distinct values, and distinct rows, that are told apart; classes that are counted. The limit of the run log.
const DISTINCT: usize = 1024;

/// Accumulates the targets over an epoch, in the order of training.
///
/// ```
/// use barograph_stats::Targets;
///
/// let mut targets = Targets::classes(Some(3));
/// targets.add_classes(&[0, 0, 2, 3], &[10, 11, 12, 13]);
/// let summary = targets.summary();
/// assert_eq!((summary.class_counts, summary.out_of_range_examples), (vec![2, 0, 1], vec![13]));
/// ```
#[derive(Clone, Debug)]
pub struct Targets {
    integer: bool,
    /// Outputs of the model, where class numbers must be below it.
    outputs: Option<u64>,
    reader: RowReader,
    columns: Vec<Moments>,
    values: Tally,
    rows: Tally,
    last_row: Option<u64>,
    repeats: u64,
    neighbours: u64,
    whole: bool,
    bad_rows: Examples,
    out_of_range: Examples,
    class_counts: Vec<u64>,
}

/// Welford's mean and squared deviations, with the extremes.
#[derive(Clone, Copy, Debug)]
struct Moments {
    count: u64,
    mean: f64,
    m2: f64,
    min: f64,
    max: f64,
}

impl Moments {
    const EMPTY: Self = Self { count: 0, mean: 0.0, m2: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    fn add(&mut self, x: f64) {
        self.count += 1;
        let away = x - self.mean;
        self.mean += away / self.count as f64;
        self.m2 += away * (x - self.mean);
        self.min = self.min.min(x);
        self.max = self.max.max(x);
    }
}

/// How often each of at most [`DISTINCT`] keys was seen, sorted by key. Beyond that it is full, and keys are only not found.
#[derive(Clone, Debug, Default)]
struct Tally {
    counts: Vec<(u64, u64)>,
    full: bool,
}

impl Tally {
    fn add(&mut self, key: u64) {
        match self.counts.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(at) => self.counts[at].1 += 1,
            Err(_) if self.counts.len() == DISTINCT => self.full = true,
            Err(at) => self.counts.insert(at, (key, 1)),
        }
    }

    fn clear(&mut self) {
        self.counts.clear();
        self.full = false;
    }

    /// The share of pairs, drawn without replacement, that have the same key; 0 where keys were too many to count.
    fn chance_of_a_pair(&self) -> f64 {
        let total: u64 = self.counts.iter().map(|(_, count)| count).sum();
        if self.full || total < 2 {
            return 0.0;
        }
        let total = total as f64;
        self.counts.iter().map(|(_, count)| *count as f64 / total * ((*count as f64 - 1.0) / (total - 1.0))).sum()
    }
}

impl Targets {
    /// For class numbers. `outputs` is the number of outputs of the model, where it is known: class numbers at or above it
    /// are out of range. Negative ones always are.
    #[must_use]
    pub fn classes(outputs: Option<u32>) -> Self {
        Self::new(1, true, outputs.map(u64::from))
    }

    /// For real targets of this many columns.
    #[must_use]
    pub fn real(columns: usize) -> Self {
        Self::new(columns, false, None)
    }

    fn new(columns: usize, integer: bool, outputs: Option<u64>) -> Self {
        Self {
            integer,
            outputs,
            reader: RowReader::new(columns),
            columns: vec![Moments::EMPTY; columns],
            values: Tally::default(),
            rows: Tally::default(),
            last_row: None,
            repeats: 0,
            neighbours: 0,
            whole: true,
            bad_rows: Examples::default(),
            out_of_range: Examples::default(),
            class_counts: Vec::new(),
        }
    }

    /// Forgets the epoch and keeps the memory.
    pub fn clear(&mut self) {
        self.columns.fill(Moments::EMPTY);
        self.values.clear();
        self.rows.clear();
        self.last_row = None;
        (self.repeats, self.neighbours) = (0, 0);
        self.whole = true;
        self.bad_rows.clear();
        self.out_of_range.clear();
        self.class_counts.clear();
    }

    /// Adds the class numbers of a batch; `rows` holds the number in the data set of each. The shorter of the two counts.
    pub fn add_classes(&mut self, classes: &[i64], rows: &[u64]) {
        for (&class, &number) in classes.iter().zip(rows) {
            self.add_value(0, class as f64);
            self.follow(class.cast_unsigned());
            let index = u64::try_from(class).ok().filter(|class| self.outputs.is_none_or(|outputs| *class < outputs));
            let Some(index) = index else {
                self.out_of_range.add(number);
                continue;
            };
            if let Ok(index) = usize::try_from(index)
                && index < DISTINCT
            {
                // Classes up to the number of outputs are listed even where no row has them.
                let listed = self.outputs.map_or(0, |outputs| outputs.min(DISTINCT as u64) as usize).max(index + 1);
                if self.class_counts.len() < listed {
                    self.class_counts.resize(listed, 0);
                }
                self.class_counts[index] += 1;
            }
        }
    }

    /// Adds real targets `[rows, columns]`; `rows` holds the number in the data set of each.
    ///
    /// # Errors
    ///
    /// When the view does not have one value per column and row.
    pub fn add_real(&mut self, batch: Elements<'_>, rows: &[u64]) -> Result<(), ElementsError> {
        let mut reader = std::mem::replace(&mut self.reader, RowReader::new(0));
        let done = reader.for_each_row(batch, rows, |number, row| self.add_row(number, row));
        self.reader = reader;
        done
    }

    fn add_row(&mut self, number: u64, row: &[f64]) {
        if row.iter().any(|x| !x.is_finite()) {
            self.bad_rows.add(number);
        }
        for (column, &x) in row.iter().enumerate() {
            self.add_value(column, x);
        }
        self.follow(fingerprint(row));
    }

    fn add_value(&mut self, column: usize, x: f64) {
        if !x.is_finite() {
            return;
        }
        self.columns[column].add(x);
        self.whole &= x.fract() == 0.0;
        // -0 and 0 are one value.
        self.values.add((x + 0.0).to_bits());
    }

    /// Notes a row after the one before it.
    fn follow(&mut self, row: u64) {
        if let Some(last) = self.last_row {
            self.neighbours += 1;
            self.repeats += u64::from(last == row);
        }
        self.last_row = Some(row);
        self.rows.add(row);
    }

    /// What was seen so far.
    ///
    /// `repeated` and `repeated_expected` compare whole rows; both are 0 where there are more than 1,024 distinct rows.
    #[must_use]
    pub fn summary(&self) -> TargetSummary {
        let seen = || self.columns.iter().filter(|column| column.count > 0);
        let count: u64 = seen().map(|column| column.count).sum();
        let over_all =
            |part: fn(&Moments) -> f64| if count == 0 { 0.0 } else { seen().map(part).sum::<f64>() / count as f64 };
        let measured = !self.rows.full && self.neighbours > 0;
        TargetSummary {
            columns: self.columns.len() as u32,
            integer: self.integer,
            whole: self.whole && count > 0,
            distinct: self.values.counts.len() as u32,
            bad_rows: self.bad_rows.count(),
            bad_row_examples: self.bad_rows.examples().to_vec(),
            out_of_range: self.out_of_range.count(),
            out_of_range_examples: self.out_of_range.examples().to_vec(),
            min: seen().map(|column| column.min).reduce(f64::min).unwrap_or(0.0),
            max: seen().map(|column| column.max).reduce(f64::max).unwrap_or(0.0),
            mean: over_all(|column| column.mean * column.count as f64),
            std: over_all(|column| column.m2).sqrt(),
            class_counts: self.class_counts.clone(),
            repeated: if measured { self.repeats as f64 / self.neighbours as f64 } else { 0.0 },
            repeated_expected: if measured { self.rows.chance_of_a_pair() } else { 0.0 },
        }
    }
}

/// A row as one number: equal rows have equal ones, and unequal ones nearly never (FNV-1a over 64-bit words, with a
/// rotation, since the low bits of small whole numbers are all zero).
fn fingerprint(row: &[f64]) -> u64 {
    row.iter().fold(0xcbf2_9ce4_8422_2325, |hash, x| {
        (hash ^ (x + 0.0).to_bits()).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
    })
}
