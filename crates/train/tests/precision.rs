//! Mixed precision, the loss scale, and the device of a recipe.
use barograph_burn::{DeviceName, to_vec};
use barograph_train::data::{Dataset, Targets};
use barograph_train::layers::Layer;
use barograph_train::recipe::{
    Activation, LayerSpec, LossKind, LossScaleSpec, OptimizerKind, OptimizerSpec, Precision, Recipe,
};
use barograph_train::{Network, Outcome, Trainer, inspect};
use barograph_vocab::{Scalar, Severity};

type Done = Result<(), Box<dyn std::error::Error>>;

fn recipe(precision: Precision) -> Recipe {
    Recipe {
        layers: vec![LayerSpec::dense(16).with_activation(Activation::Tanh), LayerSpec::dense(1)],
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(0.01),
        epochs: 30,
        precision,
        ..Recipe::default()
    }
}

/// y = scale * sin(3x) at 128 places.
fn wave(scale: f32) -> Result<Dataset, Box<dyn std::error::Error>> {
    let x: Vec<f32> = (0..128u8).map(|i| f32::from(i) / 64.0 - 1.0).collect();
    let y = x.iter().map(|x| scale * (3.0 * x).sin()).collect();
    Ok(Dataset::new(x, 1, Targets::Real { values: y, columns: 1 })?)
}

fn weights(outcome: &Outcome<Network>) -> Vec<u32> {
    let dense = outcome.model.layers().filter_map(|(_, layer)| match layer {
        Layer::Dense(dense) => Some(to_vec(&dense.weight.val())),
        _ => None,
    });
    dense.flatten().map(f32::to_bits).collect()
}

fn loss(outcome: &Outcome<Network>) -> f64 {
    outcome.last(Scalar::Loss).unwrap_or(f64::NAN)
}

#[test]
fn half_precision_learns_what_single_precision_learns() -> Done {
    let single = Trainer::from_recipe(&recipe(Precision::F32), &wave(1.0)?)?.fit(&wave(1.0)?)?;
    for precision in [Precision::Bf16, Precision::F16] {
        let half = Trainer::from_recipe(&recipe(precision), &wave(1.0)?)?.fit(&wave(1.0)?)?;
        assert_ne!(weights(&half), weights(&single), "{precision:?} computed in single precision");
        assert!((loss(&half) - loss(&single)).abs() < 0.1 * loss(&single).max(0.01), "{precision:?}: {}", loss(&half));
        let again = Trainer::from_recipe(&recipe(precision), &wave(1.0)?)?.unobserved().fit(&wave(1.0)?)?;
        assert_eq!(weights(&half), weights(&again), "{precision:?}: supervision changed the weights");
    }
    Ok(())
}

#[test]
fn a_step_beyond_half_precision_is_not_taken_and_is_no_incident() -> Done {
    let loss_scale = LossScaleSpec { initial: 2.0_f64.powi(20), ..LossScaleSpec::default() };
    let recipe = Recipe { loss_scale, ..recipe(Precision::F16) };
    let outcome = Trainer::from_recipe(&recipe, &wave(1.0)?)?.fit(&wave(1.0)?)?;
    let diagnosis = outcome.diagnosis().ok_or("it was not observed")?;
    let refused = diagnosis.notes.iter().filter(|note| note.contains("beyond half precision")).count();
    assert!((1..30).contains(&refused), "{:?}", diagnosis.notes);
    let errors = diagnosis.findings.iter().filter(|finding| finding.severity >= Severity::Error).count();
    assert!(diagnosis.incident.is_none() && errors == 0, "{:?}", diagnosis.findings);
    assert!(loss(&outcome) < 0.25, "it goes on with a lower scale: {}", loss(&outcome));
    Ok(())
}

#[test]
fn without_the_scale_small_gradients_are_lost() -> Done {
    // Errors of 1e-7 have gradients of 6e-9, and the smallest number of half precision is 6e-8.
    let train = |initial| -> Result<Outcome<Network>, Box<dyn std::error::Error>> {
        let layers =
            vec![LayerSpec::dense(1).with_bias(false).with_initializer(barograph_train::recipe::Initializer::Zeros)];
        let loss_scale = LossScaleSpec { initial, growth: 1.0, ..LossScaleSpec::default() };
        let recipe = Recipe { layers, loss_scale, ..recipe(Precision::F16) };
        Ok(Trainer::from_recipe(&recipe, &wave(1e-7)?)?.fit(&wave(1e-7)?)?)
    };
    assert!(weights(&train(1.0)?).iter().all(|&bits| f32::from_bits(bits) == 0.0), "there was a gradient after all");
    assert!(weights(&train(65536.0)?).iter().any(|&bits| f32::from_bits(bits) != 0.0), "the scale did not help");
    Ok(())
}

#[test]
fn what_overflows_in_half_precision_is_named() -> Done {
    // 1e6 is beyond half precision: the first product of it is infinite.
    let x: Vec<f32> = (0..64u8).map(|i| if i == 17 { 1e6 } else { f32::from(i) / 64.0 }).collect();
    let data = Dataset::new(x.clone(), 1, Targets::Real { values: x, columns: 1 })?;
    let outcome = Trainer::from_recipe(&recipe(Precision::F16), &data)?.fit(&data)?;
    let incident = outcome.diagnosis().and_then(|diagnosis| diagnosis.incident).ok_or("nothing was found")?;
    assert_eq!((incident.site.as_str(), incident.operation.as_str()), ("dense1", "linear"));
    assert_eq!(incident.rows, [17]);
    Ok(())
}

#[test]
fn a_device_that_cannot_be_used_is_said_before_anything_else() -> Done {
    let of = |device: &str| Recipe { device: device.to_owned(), ..recipe(Precision::F32) };
    let text = of("gpu").check().err().map(|error| error.to_string()).unwrap_or_default();
    assert!(text.contains("unknown device \"gpu\"; it can be \"cpu\", \"cuda\", \"cuda:1\""), "{text}");
    for device in [DeviceName::Cuda(4095), DeviceName::Wgpu] {
        let recipe = of(&device.to_string());
        recipe.check()?;
        let wanted = device.feature().filter(|_| !device.is_built()).map(|feature| format!("--features {feature}"));
        for error in [Trainer::from_recipe(&recipe, &wave(1.0)?).err(), inspect(&recipe, &wave(1.0)?).err()] {
            match (&wanted, error) {
                (Some(wanted), Some(error)) => assert!(error.to_string().contains(wanted.as_str()), "{error}"),
                (Some(wanted), None) => panic!("{device} was opened without {wanted}"),
                (None, error) => assert!(error.is_none_or(|error| error.to_string().contains("this machine has no"))),
            }
        }
    }
    Ok(())
}
