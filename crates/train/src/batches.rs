//! Which rows a step sees.
use crate::data::{Dataset, Targets};
use crate::losses::TargetTensor;
use crate::metrics::Answers;
use crate::random::{Purpose, Random};
use barograph_burn::from_slice;
use barograph_stats::prefetch;
use burn::prelude::*;

/// Rows of a data set that training (or validation) may use, by their numbers.
pub(crate) struct Rows<'a> {
    data: &'a Dataset,
    numbers: Vec<usize>,
}

/// Rows of one step.
pub(crate) struct Batch {
    /// `[rows, features]`.
    pub(crate) inputs: Vec<f32>,
    pub(crate) features: usize,
    /// Data-set row of each row.
    pub(crate) numbers: Vec<u64>,
    targets: Targets,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(data: &'a Dataset, numbers: Vec<usize>) -> Self {
        Self { data, numbers }
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The order of the rows in an epoch.
    pub(crate) fn order(&self, seed: u64, epoch: u64, shuffle: bool) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        if shuffle {
            Random::new(seed, Purpose::Shuffle, epoch, 0).shuffle(&mut order);
        }
        order
    }

    /// The rows at these places.
    pub(crate) fn gather(&self, places: &[usize]) -> Batch {
        let features = self.data.features();
        let numbers: Vec<usize> = places.iter().map(|&place| self.numbers[place]).collect();
        let mut inputs = Vec::with_capacity(places.len() * features);
        let row = |number: usize| &self.data.inputs[number * features..(number + 1) * features];
        for (at, &number) in numbers.iter().enumerate() {
            if let Some(&next) = numbers.get(at + 1) {
                prefetch(row(next));
            }
            inputs.extend_from_slice(row(number));
        }
        let targets = match &self.data.targets {
            Targets::Classes(classes) => Targets::Classes(numbers.iter().map(|&row| classes[row]).collect()),
            Targets::Real { values, columns } => {
                let rows = numbers.iter().flat_map(|&row| values[row * columns..(row + 1) * columns].iter().copied());
                Targets::Real { values: rows.collect(), columns: *columns }
            }
        };
        Batch { inputs, features, numbers: numbers.into_iter().map(|row| row as u64).collect(), targets }
    }
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Columns of the targets.
    pub(crate) fn columns(&self) -> usize {
        match &self.targets {
            Targets::Classes(_) => 1,
            Targets::Real { columns, .. } => *columns,
        }
    }

    pub(crate) fn answers(&self) -> Answers<'_> {
        match &self.targets {
            Targets::Classes(classes) => Answers::Classes(classes),
            Targets::Real { values, .. } => Answers::Real(values),
        }
    }

    pub(crate) fn targets(&self, device: &Device) -> TargetTensor {
        match &self.targets {
            Targets::Classes(classes) => TargetTensor::Classes(classes.clone()),
            Targets::Real { values, columns } => {
                TargetTensor::Real(from_slice(values.clone(), [self.len(), *columns], device))
            }
        }
    }
}
