//! Parts that users write: metrics, layers, initializers.
use barograph_burn::{ops, to_vec};
use barograph_train::data::{Dataset, Targets};
use barograph_train::layers::{CustomLayer, Fans, Layer, LayerWeights, NewWeight};
use barograph_train::random::Random;
use barograph_train::recipe::{Initializer, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe, Shape};
use barograph_train::{Answers, Metric, MetricBatch, Network, Outcome, Trainer};
use barograph_vocab::{Exactness, Scalar};
use burn::prelude::*;

type Done = Result<(), Box<dyn std::error::Error>>;

fn recipe(layers: Vec<LayerSpec>, rate: f64, epochs: u64) -> Recipe {
    Recipe {
        layers,
        loss: LossKind::Mse.into(),
        optimizer: OptimizerSpec::from(OptimizerKind::adam()).with_learning_rate(rate),
        batch: 7,
        epochs,
        ..Recipe::default()
    }
}

/// y = 2x - 1 at 40 places from 0.1 to 4.
fn line() -> Result<Dataset, Box<dyn std::error::Error>> {
    let x: Vec<f32> = (1..=40u8).map(|i| f32::from(i) / 10.0).collect();
    let y = x.iter().map(|x| 2.0 * x - 1.0).collect();
    Ok(Dataset::new(x, 1, Targets::Real { values: y, columns: 1 })?)
}

fn dense_weight(outcome: &Outcome<Network>) -> Vec<f32> {
    outcome
        .model
        .layers()
        .find_map(|(_, layer)| if let Layer::Dense(dense) = layer { Some(to_vec(&dense.weight.val())) } else { None })
        .unwrap_or_default()
}

/// The mean squared error, which the loss is too, and how many batches it was made of.
#[derive(Clone, Default)]
struct Squares {
    sum: f64,
    rows: usize,
}

impl Metric for Squares {
    fn name(&self) -> String {
        "squares".to_owned()
    }

    fn see(&mut self, batch: &MetricBatch<'_>) {
        let Answers::Real(targets) = batch.targets else { return };
        self.sum += batch.outputs.iter().zip(targets).map(|(p, t)| f64::from(p - t).powi(2)).sum::<f64>();
        self.rows += batch.rows();
    }

    fn value(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.sum / self.rows as f64)
    }
}

#[derive(Clone)]
struct Named(&'static str);

impl Metric for Named {
    fn name(&self) -> String {
        self.0.to_owned()
    }

    fn see(&mut self, _: &MetricBatch<'_>) {}

    fn value(&self) -> Option<f64> {
        None
    }
}

#[test]
fn a_metric_is_gathered_over_each_epoch_and_for_held_out_rows_by_itself() -> Done {
    let mut recipe = recipe(vec![LayerSpec::dense(1)], 0.01, 4);
    recipe.data.validation = 0.25;
    let outcome = Trainer::from_recipe(&recipe, &line()?)?.metric(Squares::default()).fit(&line()?)?;
    assert_eq!(outcome.history.len(), 4);
    for epoch in &outcome.history {
        for (name, scalar) in [("squares", Scalar::Loss), ("validation_squares", Scalar::ValidationLoss)] {
            let (ours, loss) = (epoch.named(name), epoch.scalar(scalar));
            let (Some(ours), Some(loss)) = (ours, loss) else { panic!("{name} is not there: {epoch:?}") };
            assert!((ours - loss).abs() < 1e-5 * loss, "epoch {}: {name} {ours}, and the loss is {loss}", epoch.epoch);
        }
    }
    Ok(())
}

#[test]
fn a_metric_changes_nothing_and_one_that_knows_nothing_is_left_out() -> Done {
    let recipe = recipe(vec![LayerSpec::dense(1)], 0.01, 2);
    let plain = Trainer::from_recipe(&recipe, &line()?)?.fit(&line()?)?;
    let trainer = Trainer::from_recipe(&recipe, &line()?)?.metric(Squares::default()).metric(Named("nothing"));
    let measured = trainer.fit(&line()?)?;
    assert_eq!(dense_weight(&plain), dense_weight(&measured));
    assert_eq!(measured.history[0].named("nothing"), None);
    Ok(())
}

#[test]
fn names_of_metrics_are_checked() -> Done {
    let refused = |metrics: [&'static str; 2]| -> Result<String, Box<dyn std::error::Error>> {
        let recipe = recipe(vec![LayerSpec::dense(1)], 0.01, 1);
        let trainer = Trainer::from_recipe(&recipe, &line()?)?.metric(Named(metrics[0])).metric(Named(metrics[1]));
        Ok(trainer.fit(&line()?).err().map(|error| error.to_string()).unwrap_or_default())
    };
    assert_eq!(refused(["same", "same"])?, "two metrics are called \"same\"; rename one");
    assert_eq!(refused(["fine", "top 5"])?, "a metric is called \"top 5\"; use letters, digits and _");
    Ok(())
}

/// `x^p`, through the logarithm: not a number for a negative x.
#[derive(Debug)]
struct Power;

impl CustomLayer for Power {
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match input {
            Shape::Row(_) => Ok(input),
            other => Err(format!("power takes a row of values, and {other} comes in; put a flatten layer before it")),
        }
    }

    fn weights(&self, input: Shape) -> Vec<NewWeight> {
        vec![NewWeight::new("exponent", [1, input.values() as usize], Initializer::Constant { value: 1.5 })]
    }

    fn forward(&self, x: Tensor<2>, weights: &LayerWeights<'_>) -> Tensor<2> {
        ops::exp(ops::mul(ops::log(x), weights.get("exponent")))
    }
}

fn exponent(outcome: &Outcome<Network>) -> f32 {
    let found = outcome.model.layers().find_map(|(_, layer)| match layer {
        Layer::Custom(layer) => to_vec(&layer.weights().get::<2>("exponent")).first().copied(),
        _ => None,
    });
    found.unwrap_or(f32::NAN)
}

#[test]
fn a_custom_layer_learns_and_its_weight_has_regularizers_and_constraints_by_name() -> Done {
    let layers = || vec![LayerSpec::custom("power", Power), LayerSpec::dense(1)];
    let recipe = recipe(layers(), 0.02, 60);
    let free = Trainer::from_recipe(&recipe, &line()?)?.fit(&line()?)?;
    assert!((exponent(&free) - 1.0).abs() < 0.2, "a line has the exponent 1: {}", exponent(&free));
    let held = Trainer::from_recipe(&recipe, &line()?)?
        .constraint("power1.exponent", |weight: Tensor<2>| weight.clamp(1.4, 2.0))
        .fit(&line()?)?;
    assert_eq!(exponent(&held), 1.4);
    Ok(())
}

#[test]
fn the_operation_of_a_custom_layer_that_breaks_is_named_with_its_line_and_row() -> Done {
    let mut x: Vec<f32> = (1..=40u8).map(|i| f32::from(i) / 10.0).collect();
    x[13] = -0.5;
    let y = x.clone();
    let data = Dataset::new(x, 1, Targets::Real { values: y, columns: 1 })?;
    let block = LayerSpec::residual(vec![LayerSpec::custom("power", Power)]);
    let recipe = recipe(vec![block, LayerSpec::dense(1)], 0.01, 2);
    let outcome = Trainer::from_recipe(&recipe, &data)?.fit(&data)?;
    let incident = outcome.diagnosis().and_then(|diagnosis| diagnosis.incident).ok_or("nothing was found")?;
    assert_eq!((incident.operation.as_str(), incident.site.as_str()), ("log", "residual1.power1"));
    assert_eq!((incident.rows, incident.exactness), (vec![13], Exactness::Exact));
    assert!(incident.source.is_some_and(|line| line.file.ends_with("custom.rs") && line.line > 0));
    Ok(())
}

#[test]
fn a_custom_layer_says_what_it_cannot_take_and_a_file_says_that_it_holds_only_the_name() -> Done {
    let sequence = vec![LayerSpec::reshape([1, 1]), LayerSpec::custom("power", Power), LayerSpec::dense(1)];
    let problem = Trainer::from_recipe(&recipe(sequence, 0.01, 1), &line()?).err().map(|error| error.to_string());
    assert!(problem.is_some_and(|problem| problem.contains("put a flatten layer before it")));

    let mut recipe = recipe(vec![LayerSpec::custom("power", Power), LayerSpec::dense(1)], 0.01, 1);
    let read = Recipe::parse(&recipe.to_toml(), "power.toml")?;
    let problem = Trainer::from_recipe(&read, &line()?).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(problem.contains("LayerSpec::custom(\"power\", ..)"), "{problem}");
    // Changing a key goes through the text, and keeps what is behind the name.
    recipe.set("optimizer.learning_rate", "0.5")?;
    assert!(Trainer::from_recipe(&recipe, &line()?).is_ok());
    Ok(())
}

#[test]
fn a_function_is_a_layer() -> Done {
    let recipe = recipe(vec![LayerSpec::dense(4), LayerSpec::function("cube", |x| ops::powf(x, 3.0))], 0.01, 1);
    let outcome = Trainer::from_recipe(&recipe, &line()?)?.fit(&line()?)?;
    let sites: Vec<&str> = outcome.model.layers().map(|(site, _)| site).collect();
    assert_eq!(sites, ["dense1", "cube1"]);
    Ok(())
}

#[test]
fn a_weight_is_drawn_as_asked_from_the_seed() -> Done {
    let draw = |shape: &[usize], fans: Fans, random: &mut Random| {
        assert_eq!((shape, fans), (&[1, 3][..], Fans { fan_in: 1, fan_out: 3 }));
        (0..3).map(|_| random.uniform() + 5.0).collect::<Vec<f32>>()
    };
    let weights = |seed| -> Result<Vec<f32>, Box<dyn std::error::Error>> {
        let recipe = Recipe { seed, ..recipe(vec![LayerSpec::dense(3)], 1e-9, 1) };
        Ok(dense_weight(&Trainer::from_recipe(&recipe, &line()?)?.initializer("dense1.weight", draw).fit(&line()?)?))
    };
    let first = weights(1)?;
    assert!(first.iter().all(|weight| (5.0..6.0).contains(weight)), "{first:?}");
    assert_eq!(first, weights(1)?);
    assert_ne!(first, weights(2)?);
    Ok(())
}

#[test]
fn an_initializer_that_does_not_fit_is_an_error() -> Done {
    let trainer = || -> Result<Trainer<Network>, Box<dyn std::error::Error>> {
        Ok(Trainer::from_recipe(&recipe(vec![LayerSpec::dense(3)], 0.1, 1), &line()?)?)
    };
    let two = |_: &[usize], _: Fans, _: &mut Random| vec![0.0; 2];
    let text = |outcome: Result<Outcome<Network>, barograph_train::TrainError>| {
        outcome.err().map(|error| error.to_string()).unwrap_or_default()
    };
    let short = text(trainer()?.initializer("dense1.weight", two).fit(&line()?));
    assert_eq!(short, "the initializer of \"dense1.weight\" drew 2 numbers, and the weight has 3");
    let unknown = text(trainer()?.initializer("dense1.weigth", two).fit(&line()?));
    assert!(unknown.contains("did you mean \"dense1.weight\"?"), "{unknown}");
    Ok(())
}
