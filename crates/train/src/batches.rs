//! Which rows a step sees.
use crate::data::{DataError, RowSource, Targets};
use crate::losses::TargetTensor;
use crate::metrics::Answers;
use crate::random::{Purpose, Random};
use crate::recipe::Recipe;
use barograph_burn::from_slice;
use burn::prelude::*;

/// Rows of a data set that training (or validation) may use, by their numbers.
pub(crate) struct Rows<'a> {
    data: &'a dyn RowSource,
    numbers: Vec<usize>,
}

/// Rows of one step.
#[derive(Clone)]
pub(crate) struct Batch {
    /// `[rows, features]`.
    pub(crate) inputs: Vec<f32>,
    pub(crate) features: usize,
    /// Data-set row of each row.
    pub(crate) numbers: Vec<u64>,
    targets: Targets,
    /// How much the loss of each row counts, where not all count alike.
    weights: Option<Vec<f32>>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(data: &'a dyn RowSource, numbers: Vec<usize>) -> Self {
        Self { data, numbers }
    }

    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The order of the rows in an epoch of a recipe.
    pub(crate) fn order_in(&self, recipe: &Recipe, epoch: u64) -> Vec<usize> {
        if !recipe.is_stateful() {
            return self.order(recipe.seed, epoch, recipe.data.shuffle);
        }
        // The rows are cut into as many runs as a batch has places, so that each place reads one run from its beginning to its end.
        let batch = (recipe.batch as usize).clamp(1, self.len().max(1));
        let steps = self.len() / batch;
        (0..steps).flat_map(|step| (0..batch).map(move |place| place * steps + step)).collect()
    }

    /// The order of the rows in an epoch.
    pub(crate) fn order(&self, seed: u64, epoch: u64, shuffle: bool) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.len()).collect();
        if shuffle {
            Random::new(seed, Purpose::Shuffle, epoch, 0).shuffle(&mut order);
        }
        order
    }

    /// Their numbers in the data.
    pub(crate) fn numbers(&self) -> &[usize] {
        &self.numbers
    }

    /// Input values of a row.
    pub(crate) fn features(&self) -> usize {
        self.data.features()
    }

    /// Whether gathering ahead saves time.
    pub(crate) fn is_slow(&self) -> bool {
        self.data.is_slow()
    }

    /// The rows at these places.
    pub(crate) fn gather(&self, places: &[usize]) -> Result<Batch, DataError> {
        let numbers: Vec<usize> = places.iter().map(|&place| self.numbers[place]).collect();
        let mut inputs = Vec::new();
        self.data.inputs(&numbers, &mut inputs)?;
        let (targets, weights) = (self.data.targets(&numbers)?, self.data.weights(&numbers)?);
        let numbers = numbers.into_iter().map(|row| row as u64).collect();
        Ok(Batch { inputs, features: self.data.features(), numbers, targets, weights })
    }
}

impl Batch {
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The same rows in batches of at most `rows`.
    pub(crate) fn split(self, rows: usize) -> Vec<Self> {
        if self.len() <= rows {
            return vec![self];
        }
        let columns = self.columns();
        let part = |(number, numbers): (usize, &[u64])| {
            let (from, to) = (number * rows, number * rows + numbers.len());
            let targets = match &self.targets {
                Targets::Classes(classes) => Targets::Classes(classes[from * columns..to * columns].to_vec()),
                Targets::Real { values, columns } => {
                    Targets::Real { values: values[from * columns..to * columns].to_vec(), columns: *columns }
                }
            };
            let inputs = self.inputs[from * self.features..to * self.features].to_vec();
            let weights = self.weights.as_ref().map(|weights| weights[from..to].to_vec());
            Self { inputs, features: self.features, numbers: numbers.to_vec(), targets, weights }
        };
        self.numbers.chunks(rows).enumerate().map(part).collect()
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

    /// How much the loss of each row counts, `[rows, 1]`, where not all count alike.
    pub(crate) fn weights(&self, device: &Device) -> Option<Tensor<2>> {
        self.weights.as_ref().map(|weights| from_slice(weights.clone(), [weights.len(), 1], device))
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

#[cfg(test)]
mod tests {
    use super::Rows;
    use crate::data::{Dataset, Targets};
    use crate::recipe::{LayerKind, LayerSpec, Recipe, RecurrentSpec};

    #[test]
    fn each_place_of_a_batch_reads_on_where_a_layer_is_stateful() {
        let data = Dataset::new(vec![0.0; 8], 1, Targets::Classes(vec![0; 8])).expect("a data set");
        let rows = Rows::new(&data, (0..8).collect());
        let recurrent = RecurrentSpec { units: 1, stateful: true, ..RecurrentSpec::default() };
        let layer: LayerSpec = LayerKind::Gru { recurrent }.into();
        let order = |batch| rows.order_in(&Recipe { layers: vec![layer.clone()], batch, ..Recipe::default() }, 1);
        // Three runs of two rows; what does not fill a batch is left out.
        assert_eq!(order(3), [0, 2, 4, 1, 3, 5]);
        assert_eq!(order(1), (0..8).collect::<Vec<_>>());
        assert_eq!(order(100), (0..8).collect::<Vec<_>>());
    }
}
