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
        if self.features == 0 {
            // Rows that nothing is known of have no neighbours.
            return Ok(());
        }
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
    ///
    /// Row by row, as they lie in memory: each feature is summed in the order of the rows all the same.
    fn standardized(&self) -> Vec<Vec<f64>> {
        let (count, first) = (self.rows.len() as f64, &self.rows[0].features);
        let (mut means, mut variances) = (vec![0.0; first.len()], vec![0.0; first.len()]);
        let mut varies = vec![false; first.len()];
        for row in &self.rows {
            for (mean, x) in means.iter_mut().zip(&row.features) {
                *mean += x / count;
            }
        }
        for row in &self.rows {
            for ((variance, mean), x) in variances.iter_mut().zip(&means).zip(&row.features) {
                *variance += (x - mean) * (x - mean) / count;
            }
            for ((varies, first), x) in varies.iter_mut().zip(first).zip(&row.features) {
                *varies |= x != first;
            }
        }
        let scales: Vec<f64> = variances.iter().map(|variance| variance.sqrt()).collect();
        let kept: Vec<usize> =
            (0..first.len()).filter(|&at| varies[at] && scales[at] > 0.0 && scales[at].is_finite()).collect();
        let standardize =
            |row: &SampledRow| kept.iter().map(|&at| (row.features[at] - means[at]) / scales[at]).collect();
        self.rows.iter().map(standardize).collect()
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

/// Points whose distance from one is taken at the same time: a sum waits for each addition, four do not.
const WAYS: usize = 4;

/// The nearest other points of each, nearest first; of equally near ones, those that come first.
struct Nearest<'a> {
    points: &'a [Vec<f64>],
}

impl Plain for Nearest<'_> {
    type Output = Vec<[usize; NEIGHBOURS]>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let (points, last) = (self.points, self.points.len() - 1);
        let mut best = vec![[(f64::INFINITY, usize::MAX); NEIGHBOURS]; points.len()];
        for (from, point) in points.iter().enumerate() {
            for start in (from + 1..points.len()).step_by(WAYS) {
                let others = std::array::from_fn(|way| &points[(start + way).min(last)][..]);
                let distances = squared_distances(point, others);
                // Each point meets the others in their order, also as the other end of a pair.
                for (at, distance) in (start..points.len()).zip(distances) {
                    enter(&mut best[from], distance, at);
                    enter(&mut best[at], distance, from);
                }
            }
        }
        best.into_iter().map(|best| best.map(|(_, at)| at)).collect()
    }
}

/// Enters a point among the nearest, if it is one.
#[inline(always)]
fn enter(best: &mut [(f64, usize); NEIGHBOURS], distance: f64, at: usize) {
    if let Some(place) = best.iter().position(|(other, _)| distance < *other) {
        best[place..].rotate_right(1);
        best[place] = (distance, at);
    }
}

/// Squared distances of one point from others, each summed in lanes of eight, so that the compiler can use vectors.
#[inline(always)]
fn squared_distances(one: &[f64], others: [&[f64]; WAYS]) -> [f64; WAYS] {
    let mut lanes = [[0.0; 8]; WAYS];
    let (blocks, rest) = one.as_chunks::<8>();
    let other_blocks = others.map(|other| &other.as_chunks::<8>().0[..blocks.len()]);
    for (at, block) in blocks.iter().enumerate() {
        for (lanes, other) in lanes.iter_mut().zip(other_blocks) {
            for lane in 0..8 {
                lanes[lane] += (other[at][lane] - block[lane]) * (other[at][lane] - block[lane]);
            }
        }
    }
    // Hidden, or else the compiler lays its registers across the points, as it would for these last additions.
    let lanes = std::hint::black_box(lanes);
    std::array::from_fn(|way| {
        let other_rest = &others[way][8 * blocks.len()..];
        let rest: f64 = rest.iter().zip(other_rest).map(|(x, y)| (x - y) * (x - y)).sum();
        lanes[way].iter().sum::<f64>() + rest
    })
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
