//! Limits that follow the training.
use crate::support::{FEATURES, bits, data, recipe, trainer, with_target};
use barograph_train::callbacks::{Action, AdaptiveClip, Lambda};
use barograph_train::recipe::{ClipMethod, Recipe};
use barograph_vocab::{Exactness, Scalar};
use std::sync::{Arc, Mutex};

const ZCLIP: ClipMethod = ClipMethod::ZClip { decay: 0.97, threshold: 2.5, warmup_steps: 10 };
const AGC: ClipMethod = ClipMethod::Agc { limit: 0.01, least_norm: 1e-3, output: true };

fn in_order() -> Recipe {
    let mut recipe = recipe();
    recipe.data.shuffle = false;
    recipe.data.validation = 0.0;
    recipe
}

/// The steps whose gradients were clipped.
fn clipped(method: ClipMethod, outlier: usize) -> Vec<u64> {
    let (recipe, data) = (Recipe { epochs: 1, ..in_order() }, with_target(data(320), outlier, 500.0));
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let look = Lambda::default().on_step(move |step| {
        if step.readings.and_then(|readings| readings.record.scalar(Scalar::Clipped)) == Some(1.0) {
            seen.lock().unwrap().push(step.step);
        }
        Action::Continue
    });
    trainer(&recipe, &data).callback(AdaptiveClip::new(method)).callback(look).fit(&data).unwrap();
    steps.lock().unwrap().clone()
}

#[test]
fn a_batch_out_of_the_ordinary_is_clipped() {
    assert!(clipped(ZCLIP, 8 * 30 + 1).contains(&30));
    assert!(clipped(AGC, 8 * 5 + 1).contains(&5));
}

#[test]
fn replays_and_supervision_stay_exact() {
    let recipe = in_order();
    let mut broken = with_target(data(320), 8 * 20, 500.0);
    broken.inputs[8 * 33 * FEATURES] = f32::NAN;
    for method in [ZCLIP, AGC] {
        let outcome = trainer(&recipe, &broken).callback(AdaptiveClip::new(method)).fit(&broken).unwrap();
        let incident = outcome.diagnosis().unwrap().incident.expect("the run breaks");
        assert_eq!((incident.step, incident.exactness), (33, Exactness::Exact), "{method:?}");
        let sound = with_target(data(320), 8 * 20, 500.0);
        let run = |observed| {
            let trainer = trainer(&recipe, &sound).callback(AdaptiveClip::new(method));
            let trainer = if observed { trainer } else { trainer.unobserved() };
            bits(&trainer.fit(&sound).unwrap())
        };
        assert!(run(true) == run(false), "the weights differ");
    }
}
