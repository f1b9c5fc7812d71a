//! An initializer of one's own: any function of a shape that draws that many numbers.
use barograph::Trainer;
use barograph::data::{Dataset, Targets};
use barograph::layers::Fans;
use barograph::random::Random;
use barograph::recipe::{Activation, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe};
use barograph::vocab::Scalar;

const DEPTH: usize = 24;

/// Nearly the identity: what comes in is passed on, with a little noise that tells the units apart.
fn nearly_identity(shape: &[usize], _: Fans, random: &mut Random) -> Vec<f32> {
    let (inputs, units) = (shape[0], shape[1]);
    let mut weights = vec![0.0; inputs * units];
    random.fill_normal(&mut weights, 0.0, 0.01);
    for place in 0..inputs.min(units) {
        weights[place * units + place] += 1.0;
    }
    weights
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The mean of eight numbers, through a network that is much too deep for it.
    let x: Vec<f32> = (0..8 * 512u16).map(|i| (f32::from(i) * 0.37).sin().abs()).collect();
    let y = x.chunks(8).map(|row| row.iter().sum::<f32>() / 8.0).collect();
    let data = Dataset::new(x, 8, Targets::Real { values: y, columns: 1 })?;
    let mut layers = vec![LayerSpec::dense(8).with_activation(Activation::Relu); DEPTH];
    layers.push(LayerSpec::dense(1));
    let optimizer = OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.001);
    let recipe = Recipe { layers, loss: LossKind::Mse.into(), optimizer, epochs: 6, ..Recipe::default() };

    let usual = Trainer::from_recipe(&recipe, &data)?.fit(&data)?;
    // The weight of each layer is named by its site.
    let trainer = (1..=DEPTH).fold(Trainer::from_recipe(&recipe, &data)?, |trainer, number| {
        trainer.initializer(format!("dense{number}.weight"), nearly_identity)
    });
    let ours = trainer.fit(&data)?;

    println!("Loss of a network of {DEPTH} layers that learns a mean:\nepoch     Glorot  near identity");
    for (usual, ours) in usual.history.iter().zip(&ours.history) {
        let loss = |epoch: &barograph::vocab::EpochRecord| epoch.scalar(Scalar::Loss).unwrap_or(f64::NAN);
        println!("{:5}  {:9.6}  {:13.6}", ours.epoch, loss(usual), loss(ours));
    }
    let loss = |outcome: &barograph::Outcome<_>| outcome.last(Scalar::Loss).unwrap_or(f64::NAN);
    assert!(loss(&ours) < 0.01 && loss(&ours) < loss(&usual) / 3.0, "{} and {}", loss(&ours), loss(&usual));
    Ok(())
}
