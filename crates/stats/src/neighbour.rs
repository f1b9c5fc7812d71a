//! Whether the inputs say anything about the targets: the skill of the nearest neighbours.
#![allow(clippy::inline_always, reason = "the levels compile the distances again with their own instructions")]
use crate::elements::{Elements, ElementsError};
use crate::level::{Level, Plain};

/// Rows of the sample. 256 rows compare in a few milliseconds and tell a skill of 0.2 from none. Our choice.
pub const SAMPLE_ROWS: usize = 256;

/// Features looked at; of more, evenly spread ones. Our choice: neighbours among pixels survive thinning.
const SAMPLE_FEATURES: usize = 1024;

/// Rows below which no skill is given. Our choice.
const FEWEST_ROWS: usize = 16;

/// Neighbours that answer for a row.
const NEIGHBOURS: usize = 3;

/// A sample of the rows of an epoch with their targets, at most [`SAMPLE_ROWS`].
///
/// Which rows are taken depends on their numbers in the data set only, through a fixed hash of which the smallest win. So
/// the sample is the same in whatever order rows come, it is spread over the data set, and a row is in it once.
///
/// ```
/// use barograph_stats::{Elements, NeighbourSample, TargetBatch};
///
/// let inputs: Vec<f32> = (0..100).map(|row| row as f32).collect();
/// let numbers: Vec<u64> = (0..100).collect();
/// let classes: Vec<i64> = (0..100).map(|row| row / 50).collect();
/// let mut sample = NeighbourSample::new(1, 1);
/// sample.add(Elements::contiguous(&inputs), TargetBatch::Classes(&classes), &numbers)?;
/// assert!(sample.skill().is_some_and(|skill| skill > 0.9));
/// # Ok::<(), barograph_stats::ElementsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NeighbourSample {
    features: usize,
    /// Distance of features that are looked at.
    stride: usize,
    /// Sorted by rank.
    rows: Vec<SampledRow>,
    targets: usize,
}

#[derive(Clone, Debug)]
struct SampledRow {
    rank: u64,
    number: u64,
    features: Vec<f64>,
    target: Target,
}

/// What a row is to be answered with.
#[derive(Clone, Debug, PartialEq)]
enum Target {
    Class(i64),
    Real(Vec<f64>),
}

/// The targets of a batch.
#[allow(clippy::large_enum_variant, reason = "a view is 190 bytes, and one is passed per batch")]
#[derive(Clone, Copy, Debug)]
pub enum TargetBatch<'a> {
    /// Class numbers, one per row.
    Classes(&'a [i64]),
    /// Real targets `[rows, columns]`.
    Real(Elements<'a>),
}

impl NeighbourSample {
    /// A sample of rows of `features` features and `targets` target columns (1 for class numbers).
    #[must_use]
    pub fn new(features: usize, targets: usize) -> Self {
        let stride = features.div_ceil(SAMPLE_FEATURES).max(1);
        Self { features, stride, rows: Vec::new(), targets }
    }

    /// Rows in the sample.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no row was taken yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Forgets the sample.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    /// Offers a batch `[rows, features]`; `rows` holds the number in the data set of each. Rows with a non-finite feature
    /// or target are passed over.
    ///
    /// # Errors
    ///
    /// When inputs or targets do not have one row per row number.
    pub fn add(&mut self, inputs: Elements<'_>, targets: TargetBatch<'_>, rows: &[u64]) -> Result<(), ElementsError> {
        inputs.expect_len(&[rows.len(), self.features])?;
        match targets {
            TargetBatch::Classes(classes) if classes.len() != rows.len() => {
                return Err(ElementsError::WrongLength { elements: classes.len(), expected: rows.len() });
            }
            TargetBatch::Classes(_) => {}
            TargetBatch::Real(view) => view.expect_len(&[rows.len(), self.targets])?,
        }
        for (at, &number) in rows.iter().enumerate() {
            let rank = rank_of(number);
            let full = self.rows.len() == SAMPLE_ROWS;
            if full && self.rows.last().is_some_and(|last| last.rank <= rank) {
                continue;
            }
            let Err(place) = self.rows.binary_search_by_key(&(rank, number), |row| (row.rank, row.number)) else {
                continue;
            };
            if let Some(row) = self.take(inputs, targets, at, rank, number) {
                self.rows.insert(place, row);
                self.rows.truncate(SAMPLE_ROWS);
            }
        }
        Ok(())
    }

    /// The row at this place of a batch, if it is finite.
    fn take(
        &self,
        inputs: Elements<'_>,
        targets: TargetBatch<'_>,
        at: usize,
        rank: u64,
        number: u64,
    ) -> Option<SampledRow> {
        let features: Vec<f64> =
            (0..self.features).step_by(self.stride).map(|feature| inputs.get(at * self.features + feature)).collect();
        let target = match targets {
            TargetBatch::Classes(classes) => Target::Class(classes[at]),
            TargetBatch::Real(view) => {
                Target::Real((0..self.targets).map(|column| view.get(at * self.targets + column)).collect())
            }
        };
        let finite = features.iter().all(|x| x.is_finite())
            && match &target {
                Target::Class(_) => true,
                Target::Real(values) => values.iter().all(|x| x.is_finite()),
            };
        finite.then_some(SampledRow { rank, number, features, target })
    }

    /// How much better than a constant the three nearest other rows answer for each row, by Euclidean distance over
    /// standardized features: 1 is all, 0 none, below 0 worse than a constant.
    ///
    /// For classes, the neighbours vote (the nearest decides a tie), and the skill is 1 - errors / errors of the most
    /// frequent class. For real targets, their mean answers, and the skill is 1 - squared error / variance, the mean of
    /// that over the columns that vary. Targets without relation to the inputs give about 0 for classes, and -1/3 for
    /// real targets.
    ///
    /// `None` when there are fewer than 16 rows, or when all targets are the same.
    #[must_use]
    pub fn skill(&self) -> Option<f64> {
        if self.rows.len() < FEWEST_ROWS {
            return None;
        }
        let points = self.standardized();
        if points[0].is_empty() {
            // No feature varies, so that they explain nothing of targets that do.
            return self.targets_vary().then_some(0.0);
        }
        let answers = Level::best().run(Nearest { points: &points });
        let classes: Vec<i64> = self.rows.iter().filter_map(|row| row.target.class()).collect();
        if classes.len() == self.rows.len() {
            return class_skill(&classes, &answers);
        }
        let skills: Vec<f64> = (0..self.targets).filter_map(|column| self.real_skill(column, &answers)).collect();
        (!skills.is_empty()).then(|| skills.iter().sum::<f64>() / skills.len() as f64)
    }

    fn targets_vary(&self) -> bool {
        self.rows.iter().any(|row| row.target != self.rows[0].target)
    }

    /// The features of each row, less their mean and over their standard deviation; constant ones dropped.
    fn standardized(&self) -> Vec<Vec<f64>> {
        let count = self.rows.len() as f64;
        let mut points = vec![Vec::new(); self.rows.len()];
        for feature in 0..self.features.div_ceil(self.stride) {
            let values = || self.rows.iter().map(|row| row.features[feature]);
            let mean = values().map(|x| x / count).sum::<f64>();
            let scale = values().map(|x| (x - mean) * (x - mean) / count).sum::<f64>().sqrt();
            let first = self.rows[0].features[feature];
            if scale > 0.0 && scale.is_finite() && values().any(|x| x != first) {
                for (point, x) in points.iter_mut().zip(values()) {
                    point.push((x - mean) / scale);
                }
            }
        }
        points
    }

    fn real_skill(&self, column: usize, answers: &[[usize; NEIGHBOURS]]) -> Option<f64> {
        let values: Vec<f64> = self.rows.iter().filter_map(|row| row.target.real(column)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
        let error: f64 = values
            .iter()
            .zip(answers)
            .map(|(x, neighbours)| {
                let answer = neighbours.iter().map(|at| values[*at]).sum::<f64>() / NEIGHBOURS as f64;
                (x - answer) * (x - answer)
            })
            .sum();
        (variance > 0.0 && error.is_finite()).then(|| 1.0 - error / variance)
    }
}

impl Target {
    fn class(&self) -> Option<i64> {
        match self {
            Self::Class(class) => Some(*class),
            Self::Real(_) => None,
        }
    }

    fn real(&self, column: usize) -> Option<f64> {
        match self {
            Self::Class(_) => None,
            Self::Real(values) => values.get(column).copied(),
        }
    }
}

/// A fixed mixture of a row number (the finisher of `SplitMix64`).
fn rank_of(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The nearest other points of each, nearest first; of equally near ones, those that come first.
struct Nearest<'a> {
    points: &'a [Vec<f64>],
}

impl Plain for Nearest<'_> {
    type Output = Vec<[usize; NEIGHBOURS]>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut all = Vec::with_capacity(self.points.len());
        for from in 0..self.points.len() {
            all.push(nearest(self.points, from));
        }
        all
    }
}

#[inline(always)]
fn nearest(points: &[Vec<f64>], from: usize) -> [usize; NEIGHBOURS] {
    let mut best = [(f64::INFINITY, usize::MAX); NEIGHBOURS];
    for (at, point) in points.iter().enumerate() {
        if at == from {
            continue;
        }
        let distance = squared_distance(point, &points[from]);
        let place = best.iter().position(|(other, _)| distance < *other);
        if let Some(place) = place {
            best[place..].rotate_right(1);
            best[place] = (distance, at);
        }
    }
    best.map(|(_, at)| at)
}

/// Summed in lanes of eight, so that the compiler can use vectors: one chain of additions would wait for each.
#[inline(always)]
fn squared_distance(one: &[f64], other: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let ((ones, rest), (others, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    for (one, other) in ones.iter().zip(others) {
        for lane in 0..8 {
            lanes[lane] += (one[lane] - other[lane]) * (one[lane] - other[lane]);
        }
    }
    let rest: f64 = rest.iter().zip(other_rest).map(|(x, y)| (x - y) * (x - y)).sum();
    lanes.iter().sum::<f64>() + rest
}

fn class_skill(classes: &[i64], answers: &[[usize; NEIGHBOURS]]) -> Option<f64> {
    let wrong = classes
        .iter()
        .zip(answers)
        .filter(|(class, neighbours)| {
            let [first, second, third] = neighbours.map(|at| classes[at]);
            let answer = if second == third { second } else { first };
            **class != answer
        })
        .count();
    let mut sorted = classes.to_vec();
    sorted.sort_unstable();
    let most = sorted.chunk_by(|one, other| one == other).map(<[i64]>::len).max()?;
    let wrong_by_constant = classes.len() - most;
    (wrong_by_constant > 0).then(|| 1.0 - wrong as f64 / wrong_by_constant as f64)
}
