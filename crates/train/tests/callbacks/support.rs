//! A small training that each test changes a little.
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{Activation, DataSpec, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe};
use barograph_train::{Network, Outcome, Trainer, save_weights};

pub(crate) const FEATURES: usize = 4;

/// Rows of a smooth function.
pub(crate) fn data(rows: usize) -> Dataset {
    let inputs: Vec<f32> = (0..rows * FEATURES).map(|i| ((i * 37 % 101) as f32 / 50.0 - 1.0).sin()).collect();
    let values = inputs.chunks(FEATURES).map(|row| row[0] * row[1] + row[3]).collect();
    Dataset::new(inputs, FEATURES, Targets::Real { values, columns: 1 }).unwrap()
}

/// Two dense layers with Adam: 8 rows a step.
pub(crate) fn recipe() -> Recipe {
    Recipe {
        layers: vec![LayerSpec::dense(8).with_activation(Activation::Tanh), LayerSpec::dense(1)],
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.01),
        batch: 8,
        epochs: 3,
        data: DataSpec { validation: 0.25, ..DataSpec::default() },
        ..Recipe::default()
    }
}

pub(crate) fn trainer(recipe: &Recipe, data: &Dataset) -> Trainer<Network> {
    Trainer::from_recipe(recipe, data).unwrap()
}

/// The weights and buffers, bit by bit.
pub(crate) fn bits(outcome: &Outcome<Network>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    save_weights(&path, &outcome.model, 0, 0).unwrap();
    std::fs::read(path).unwrap()
}

/// All weights, one after the other.
pub(crate) fn weights(outcome: &Outcome<Network>) -> Vec<f32> {
    let bytes = bits(outcome);
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut named: Vec<_> = tensors.iter().collect();
    named.sort_by(|a, b| a.0.cmp(b.0));
    let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    named.iter().flat_map(|(_, tensor)| tensor.data().chunks(4).map(number)).collect()
}

/// The largest distance between two lists of weights.
pub(crate) fn distance(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The notes of a run's log.
pub(crate) fn notes(folder: &std::path::Path) -> Vec<String> {
    let records = barograph_store::Reader::open(folder).unwrap().map(Result::unwrap);
    let note = |record| match record {
        barograph_vocab::Record::Note { text, .. } => Some(text),
        _ => None,
    };
    records.filter_map(note).collect()
}

/// The same data with another target in one row.
pub(crate) fn with_target(mut data: Dataset, row: usize, target: f32) -> Dataset {
    let Targets::Real { values, .. } = &mut data.targets else { unreachable!("real targets") };
    values[row] = target;
    data
}
