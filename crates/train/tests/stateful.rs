//! Truncated backpropagation through time: the state goes on from batch to batch, and the gradient does not.
use barograph_burn::{Scope, cpu, from_slice, to_vec};
use barograph_train::data::{Dataset, Targets};
use barograph_train::recipe::{
    Activation, LayerKind, LayerSpec, LossKind, OptimizerKind, OptimizerSpec, Recipe, RecurrentSpec,
};
use barograph_train::{Model, Network, Trainer};
use barograph_vocab::Exactness;

fn recipe(layer: impl Fn(RecurrentSpec) -> LayerKind, time: u64, stateful: bool) -> Recipe {
    let spec = RecurrentSpec { units: 4, return_sequences: true, stateful, ..RecurrentSpec::default() };
    let layers = vec![LayerSpec::reshape([time, 2]), layer(spec).into(), LayerSpec::dense(1)];
    let mut recipe = Recipe { layers, loss: LossKind::Mse.into(), seed: 9, batch: 3, epochs: 4, ..Recipe::default() };
    recipe.data.shuffle = false;
    recipe
}

fn cells() -> [fn(RecurrentSpec) -> LayerKind; 3] {
    [
        |recurrent| LayerKind::Rnn { activation: Activation::Tanh, recurrent },
        |recurrent| LayerKind::Lstm { forget_bias: 1.0, recurrent },
        |recurrent| LayerKind::Gru { recurrent },
    ]
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|place| ((place * 7919 + 13) % 101) as f32 / 50.0 - 1.0).collect()
}

#[test]
fn two_windows_in_a_row_give_what_one_long_sequence_gives() {
    let training = || Scope { training: true, ..Scope::default() }.enter();
    for cell in cells() {
        let network = |time, stateful| {
            Network::from_recipe(&recipe(cell, time, stateful), 2 * time as usize, &cpu(true)).expect("a network")
        };
        let (whole, pieces) = (network(6, false), network(3, true));
        let x = numbers(2 * 12);
        // Two sequences of six steps with two features.
        let all = from_slice(x.clone(), [2, 12], &cpu(true));
        let window = |place: usize| {
            let rows = x.chunks(12).flat_map(|row| row[place * 6..(place + 1) * 6].to_vec()).collect();
            from_slice(rows, [2, 6], &cpu(true)).require_grad()
        };
        let _scope = training();
        let whole = to_vec(&whole.forward(all));
        pieces.begin_step(0);
        let (first, second) = (window(0), window(1));
        let one = to_vec(&pieces.forward(first.clone()));
        pieces.begin_step(0);
        let y = pieces.forward(second.clone());
        let two = to_vec(&y);
        let joined: Vec<f32> = one.chunks(3).zip(two.chunks(3)).flat_map(|(one, two)| [one, two].concat()).collect();
        let far = whole.iter().zip(&joined).fold(0.0_f32, |far, (a, b)| far.max((a - b).abs()));
        assert!(far < 1e-6, "{far}");
        let gradients = y.sum().backward();
        assert!(first.grad(&gradients).is_none() && second.grad(&gradients).is_some());
        // Another epoch begins at the beginning, and evaluation has no part in it.
        pieces.begin_step(1);
        // One that carries nothing on may be computed by a fused operation, whose rounding is its own.
        let same = |again: &[f32]| again.iter().zip(&one).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(same(&to_vec(&pieces.forward(window(0)))));
        let _evaluation = Scope::default().enter();
        assert!(same(&to_vec(&pieces.forward(window(0)))));
    }
}

fn data(rows: usize) -> Dataset {
    let targets = Targets::Real { values: numbers(rows * 3), columns: 3 };
    Dataset::new(numbers(rows * 6), 6, targets).expect("a data set")
}

#[test]
fn a_replay_carries_the_state_on_too() {
    let mut sick = recipe(cells()[2], 3, true);
    sick.optimizer = OptimizerSpec::from(OptimizerKind::sgd()).with_learning_rate(20.0);
    sick.observe.snapshot_every = Some(4);
    sick.epochs = 60;
    let data = data(21);
    let diagnosis = Trainer::from_recipe(&sick, &data).expect("a trainer").fit(&data).expect("trained").diagnosis();
    let incident = diagnosis.expect("a diagnosis").incident.expect("an incident");
    assert_eq!(incident.exactness, Exactness::Exact, "{incident:?}");
}

#[test]
fn rows_that_cannot_follow_each_other_are_refused() {
    let said = |change: &dyn Fn(&mut Recipe)| {
        let mut recipe = recipe(cells()[1], 3, true);
        change(&mut recipe);
        recipe.check().err().map_or_else(String::new, |error| error.to_string())
    };
    assert_eq!(said(&|_| {}), "");
    assert!(said(&|recipe| recipe.data.shuffle = true).contains("set data.shuffle = false"));
    assert!(said(&|recipe| recipe.data.validation = 0.2).contains("would tear holes"));
    let both = |recipe: &mut Recipe| {
        if let LayerKind::Lstm { recurrent, .. } = &mut recipe.layers[1].kind {
            recurrent.bidirectional = true;
        }
    };
    assert!(said(&both).contains("stateful and bidirectional"));
}
