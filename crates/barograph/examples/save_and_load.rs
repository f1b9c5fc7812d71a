//! Saves a network that has parts of one's own, and loads it into a new one: the answers are the same to the last bit.
use barograph::data::{Dataset, Targets};
use barograph::layers::{CustomLayer, LayerWeights, NewWeight};
use barograph::recipe::{Initializer, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe, Shape};
use barograph::{Model, Network, Trainer, cpu, from_slice, load_weights, ops, save_weights, to_vec};
use burn::module::Module;
use burn::prelude::*;

/// Waves of a length that is learned: `sin(x * frequency + phase)`.
#[derive(Debug)]
struct Wave;

impl CustomLayer for Wave {
    fn weights(&self, input: Shape) -> Vec<NewWeight> {
        let features = input.values() as usize;
        let around_one = |shape: &[usize], _, random: &mut barograph::random::Random| {
            let mut weights = vec![0.0; shape.iter().product()];
            random.fill_uniform(&mut weights, 0.5, 1.5);
            weights
        };
        vec![
            NewWeight::new("frequency", [1, features], around_one),
            NewWeight::new("phase", [1, features], Initializer::Zeros),
        ]
    }

    fn forward(&self, x: Tensor<2>, weights: &LayerWeights<'_>) -> Tensor<2> {
        ops::sin(ops::add(ops::mul(x, weights.get("frequency")), weights.get("phase")))
    }
}

fn recipe(units: u64, seed: u64) -> Recipe {
    Recipe {
        layers: vec![LayerSpec::dense(units), LayerSpec::custom("wave", Wave), LayerSpec::dense(1)],
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.01),
        seed,
        epochs: 50,
        ..Recipe::default()
    }
}

fn answers(network: &Network, x: &[f32]) -> Vec<u32> {
    let outputs = network.valid().forward(from_slice(x.to_vec(), [x.len(), 1], &cpu(false)));
    to_vec(&outputs).into_iter().map(f32::to_bits).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x: Vec<f32> = (0..200u8).map(|i| f32::from(i) / 50.0 - 2.0).collect();
    let y = x.iter().map(|x| (3.0 * x).sin() + x).collect();
    let data = Dataset::new(x.clone(), 1, Targets::Real { values: y, columns: 1 })?;
    let outcome = Trainer::from_recipe(&recipe(8, 1), &data)?.fit(&data)?;

    let folder = std::env::temp_dir().join(format!("barograph-example-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("waves.safetensors");
    save_weights(&file, &outcome.model, outcome.steps, recipe(8, 1).hash())?;

    // Another seed: until the weights are loaded, the new network answers differently.
    let fresh = Network::from_recipe(&recipe(8, 2), 1, &cpu(true))?;
    let trained = answers(&outcome.model, &x);
    assert_ne!(answers(&fresh, &x), trained);
    let loaded = load_weights(&file, fresh)?;
    assert_eq!(answers(&loaded, &x), trained, "a network that was loaded answers as the one that was saved");
    println!(
        "saved after {} steps, loaded into a new network: {} answers are equal to the bit",
        outcome.steps,
        x.len()
    );

    // A network of another shape is refused, with the weight that does not fit.
    let problem = load_weights(&file, Network::from_recipe(&recipe(9, 1), 1, &cpu(true))?).err();
    let problem = problem.ok_or("weights of another network were taken")?.to_string();
    println!("into a network of nine units: {problem}");
    std::fs::remove_dir_all(&folder)?;
    assert!(problem.contains("dense1.weight"), "{problem}");
    Ok(())
}
