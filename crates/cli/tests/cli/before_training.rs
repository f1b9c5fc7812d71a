//! What is done before a long training: learning rate, derivatives, one batch by heart, and a table of the network.
use crate::binary::{Desk, Said};

/// The recipe with a network in which every weight is frozen.
fn frozen() -> Desk {
    let desk = Desk::new();
    let recipe = desk.read("recipe.toml").replace("units = ", "trainable = false\nunits = ");
    desk.write("recipe.toml", &recipe);
    desk
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_learning_rate_is_found_and_leaves_nothing_behind() {
    let desk = Desk::new();
    let out = desk.run(["lr-find", "recipe.toml"]).fine();
    assert!(out.starts_with("suggested learning rate: 0."), "{out}");
    for said in ["valley", "amid the longest fall", "steep", "minimum", "slide", "1e-7", "ended at the rate"] {
        assert!(out.contains(said), "{said}: {out}");
    }
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    assert!(!desk.path("runs").exists());
    assert_eq!(out, desk.run(["lr-find", "recipe.toml"]).fine(), "the same each time");
}

#[test]
fn the_test_of_rates_is_drawn_and_told_to_programs() {
    let desk = Desk::new();
    let arguments =
        ["lr-find", "recipe.toml", "--from", "1e-4", "--to", "1", "--steps", "50", "--json", "--svg", "rates.svg"];
    let found = json(&desk.run(arguments).fine());
    assert_eq!(found["rates"][0], 1e-4);
    assert!(found["suggestion"].as_f64() == found["suggestions"]["valley"].as_f64(), "{found}");
    assert!(["highest", "diverged"].contains(&found["stopped"].as_str().expect("a word")), "{found}");
    let svg = desk.read("rates.svg");
    assert!(svg.starts_with("<svg ") && svg.contains("valley"), "{svg}");
}

#[test]
fn the_rate_can_be_written_into_a_copy_of_the_recipe() {
    let desk = Desk::new();
    desk.run(["lr-find", "recipe.toml", "--write", "tuned.toml"]).fine();
    let (old, new) = (desk.read("recipe.toml"), desk.read("tuned.toml"));
    let changed: Vec<_> = old.lines().zip(new.lines()).filter(|(old, new)| old != new).collect();
    assert!(
        matches!(changed.as_slice(), [("learning_rate = 0.02", new)] if new.starts_with("learning_rate = 0.")),
        "{changed:?}"
    );
    desk.run(["train", "tuned.toml", "--set", "epochs=2"]).fine();
    let message = desk.run(["lr-find", "recipe.toml", "--write", "tuned.toml"]).refused();
    assert!(message.contains("tuned.toml: exists already"), "{message}");
}

#[test]
fn no_rate_is_suggested_where_nothing_learns() {
    let said = frozen().run(["lr-find", "recipe.toml"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.out.starts_with("no learning rate is suggested"), "{}", said.out);
    let desk = Desk::new();
    desk.spoil_a_row();
    let found = json(&desk.run(["lr-find", "recipe.toml", "--json"]).out);
    assert_eq!(found["stopped"], "not finite");
    assert_eq!(found["losses"].as_array().and_then(|losses| losses.last()), Some(&"NaN".into()));
}

#[test]
fn a_setting_out_of_range_is_not_blamed_on_the_data() {
    let desk = Desk::new();
    for (arguments, words) in [
        (
            ["lr-find", "recipe.toml", "--from", "-1"],
            "the rates rise from lowest to highest, above 0; not from -1 to 10",
        ),
        (["lr-find", "recipe.toml", "--steps", "1"], "a test takes 2 steps or more; not 1"),
        (["gradcheck", "recipe.toml", "--samples", "0"], "samples is the number of elements"),
        (["gradcheck", "recipe.toml", "--tolerance", "-0.5"], "the tolerance is a relative error between 0 and 1"),
        (["overfit", "recipe.toml", "--share", "2"], "a batch is learned in 1 step or more"),
    ] {
        let message = desk.run(arguments).refused();
        assert!(message.starts_with(&format!("error: {words}")), "{arguments:?}: {message}");
    }
}

#[test]
fn derivatives_are_right() {
    let desk = Desk::new();
    let out = desk.run(["gradcheck", "recipe.toml"]).fine();
    assert!(out.starts_with("derivatives of recipe.toml: 4 tensors right (float64, tolerance 1e-5)\n"), "{out}");
    for tensor in ["dense1.weight  [2, 8]", "dense1.bias", "dense2.weight", "dense2.bias"] {
        assert!(out.contains(tensor), "{tensor}: {out}");
    }
    let found = json(&desk.run(["gradcheck", "recipe.toml", "--json", "--samples", "5"]).fine());
    assert_eq!((found["ok"].as_bool(), found["tensors"][0]["checked"].as_u64()), (Some(true), Some(5)));
    assert!(found["tensors"][0]["error"].as_f64().expect("a number") < 1e-7, "{found}");
}

#[test]
fn derivatives_that_are_not_finite_are_found() {
    let desk = Desk::new();
    desk.spoil_a_row();
    let said = desk.run(["gradcheck", "recipe.toml", "--set", "data.shuffle=false", "--set", "data.validation=0"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    assert!(said.out.contains("NOT FINITE"), "{}", said.out);
}

#[test]
fn a_batch_is_learned_by_heart_or_not() {
    let out = Desk::new().run(["overfit", "recipe.toml"]).fine();
    assert!(out.starts_with("learned by heart: one batch of 8 rows in "), "{out}");
    let said = frozen().run(["overfit", "recipe.toml", "--steps", "50"]);
    assert_eq!(said.code, Some(1), "{}", said.err);
    assert!(said.out.starts_with("not learned: one batch of 8 rows in "), "{}", said.out);
    assert!(said.out.contains("- the loss hardly moved: look for frozen layers"), "{}", said.out);
    let result = json(&Desk::new().run(["overfit", "recipe.toml", "--json", "--set", "penalty.l2=0.1"]).fine());
    assert_eq!(
        (result["passed"].as_bool(), result["left_out"][0].as_str()),
        (Some(true), Some("penalties on weights"))
    );
}

#[test]
fn a_summary_shows_what_a_network_costs() {
    let desk = Desk::new();
    insta::assert_snapshot!(desk.run(["summary", "recipe.toml"]).fine());
    let summary = json(&desk.run(["summary", "recipe.toml", "--json"]).fine());
    assert_eq!(summary["total"]["parameters"], 42);
    assert_eq!(summary["layers"][0]["output"][0], 8);
}

#[test]
fn blocks_are_shown_with_what_is_inside() {
    let desk = Desk::new();
    let block = "[[layers]]\nkind = \"residual\"\n\n[[layers.layers]]\nkind = \"dense\"\nunits = 8\n\n[[layers]]\nkind = \"dense\"\nunits = 2\n";
    desk.recipe_with("[[layers]]\nkind = \"dense\"\nunits = 2\n", block);
    let out = desk.run(["summary", "recipe.toml"]).fine();
    assert!(out.contains("residual1") && out.contains("\n  dense1 "), "{out}");
}

#[test]
fn a_training_begins_with_the_table() {
    let said = Desk::new().run(["train", "recipe.toml", "--set", "epochs=1"]);
    assert!(said.err.contains("dense1  dense, tanh") && said.err.contains("memory: "), "{}", said.err);
    assert!(!said.out.contains("memory: "), "{}", said.out);
}

#[test]
fn a_check_looks_at_the_first_loss_and_at_rows_and_modes() {
    let out = Desk::new().run(["check", "recipe.toml"]).fine();
    for said in ["ok: first loss: ", "(ln 2) would give 0.6931", "ok: rows apart: ", "ok: evaluation: "] {
        assert!(out.contains(said), "{said}: {out}");
    }
    let desk = Desk::new();
    desk.recipe_with("activation = \"tanh\"", "activation = \"softmax_batch\"");
    let out = desk.run(["check", "recipe.toml"]).fine();
    assert!(out.contains("look: rows apart: "), "{out}");
}

#[test]
fn wrong_settings_and_recipes_are_refused() {
    let desk = Desk::new();
    let refused = |arguments: &[&str], words: &str| {
        let said: Said = desk.run(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(words), "{arguments:?}: {}", said.err);
    };
    refused(&["lr-find", "recipe.toml", "--from", "2", "--to", "1"], "the rates rise from lowest to highest");
    refused(&["lr-find", "recipe.toml", "--steps", "1"], "2 steps or more");
    refused(&["lr-find", "recipe.toml", "--svg", "no/such/folder.svg"], "no/such/folder.svg: cannot write the file");
    refused(&["lr-find", "recipes.toml"], "recipe.toml");
    refused(&["gradcheck", "recipe.toml", "--tolerance", "0"], "between 0 and 1");
    refused(&["gradcheck", "recipe.toml", "--step", "nan"], "a distance above 0");
    refused(&["overfit", "recipe.toml", "--share", "2"], "between 0 and 1");
    refused(&["summary", "recipe.toml", "--set", "layers.0.units=0"], "units");
    refused(&["gradcheck", "recipe.toml", "--set", "data.file=none.csv"], "none.csv");
}
