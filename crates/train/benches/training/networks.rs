//! The networks, as recipes. `worker.py` has the same in PyTorch.
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{OptimizerKind, OptimizerSpec, Recipe};

/// Learning rate of Adam on both sides: small, so that nothing much is learned and every step is like the others.
const RATE: f64 = 1e-4;

/// Classes of every data set.
const CLASSES: usize = 10;

/// Batches of every data set.
const BATCHES: usize = 8;

/// One network.
pub(crate) struct Network {
    pub(crate) name: &'static str,
    recipe: &'static str,
    /// Values of an example.
    features: usize,
    /// Where the values are whole numbers below this, and not real ones from 0 to 1.
    vocabulary: Option<usize>,
    /// Steps of one turn: a multiple of the ten after which some readings come again.
    pub(crate) steps: usize,
}

pub(crate) const NETWORKS: [Network; 4] = [
    Network { name: "mlp", recipe: include_str!("mlp.toml"), features: 784, vocabulary: None, steps: 50 },
    Network { name: "cnn", recipe: include_str!("cnn.toml"), features: 784, vocabulary: None, steps: 10 },
    Network { name: "lstm", recipe: include_str!("lstm.toml"), features: 64 * 128, vocabulary: None, steps: 20 },
    Network {
        name: "transformer",
        recipe: include_str!("transformer.toml"),
        features: 128,
        vocabulary: Some(1000),
        steps: 10,
    },
];

impl Network {
    /// The network of this name.
    pub(crate) fn named(name: &str) -> Result<&'static Self, String> {
        let names = || NETWORKS.iter().map(|network| network.name).collect::<Vec<_>>().join(", ");
        NETWORKS
            .iter()
            .find(|network| network.name == name)
            .ok_or_else(|| format!("there is no network {name}; there are {}", names()))
    }

    /// The recipe, which trains until it is stopped.
    pub(crate) fn recipe(&self) -> Result<Recipe, String> {
        let recipe = Recipe::parse(self.recipe, &format!("{}.toml", self.name)).map_err(|error| error.to_string())?;
        let optimizer = OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(RATE);
        Ok(Recipe { optimizer, epochs: u64::from(u32::MAX), ..recipe })
    }

    /// Examples without meaning.
    pub(crate) fn data(&self, batch: usize) -> Result<Dataset, String> {
        let rows = batch * BATCHES;
        let value = |place: usize| match self.vocabulary {
            Some(vocabulary) => ((place * 7919) % vocabulary) as f32,
            None => ((place * 7919 + 13) % 1000) as f32 / 1000.0,
        };
        let classes = (0..rows).map(|row| ((row * 7919) % CLASSES) as i64).collect();
        let inputs = (0..rows * self.features).map(value).collect();
        Dataset::new(inputs, self.features, Targets::Classes(classes)).map_err(|error| error.to_string())
    }
}
