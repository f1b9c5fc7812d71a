//! From a data file to a recipe, and what can be said of it without training.
use crate::binary::Desk;

#[test]
fn a_new_recipe_can_be_checked_and_trained_at_once() {
    let desk = Desk::new();
    std::fs::remove_file(desk.path("recipe.toml")).expect("it was there");
    let out = desk.run(["new", "--data", "points.csv"]).fine();
    assert!(out.contains("barograph train recipe.toml"), "{out}");
    desk.run(["check", "recipe.toml"]).fine();
    desk.run(["train", "recipe.toml", "--set", "epochs=5"]).fine();
}

#[test]
fn a_recipe_is_not_overwritten_unless_asked() {
    let desk = Desk::new();
    let before = desk.read("recipe.toml");
    let message = desk.run(["new", "--data", "points.csv"]).refused();
    assert!(message.contains("recipe.toml: exists already"), "{message}");
    assert_eq!(desk.read("recipe.toml"), before);
    desk.run(["new", "--data", "points.csv", "--force"]).fine();
    assert_ne!(desk.read("recipe.toml"), before);
}

#[test]
fn a_recipe_can_be_printed() {
    let out = Desk::new().run(["new", "--data", "points.csv", "--output", "-"]).fine();
    assert!(out.contains("[[layers]]") && out.contains("points.csv"), "{out}");
}

#[test]
fn data_that_is_not_there_makes_no_recipe() {
    let desk = Desk::new();
    let message = desk.run(["new", "--data", "dots.csv", "--output", "new.toml"]).refused();
    assert!(message.contains("dots.csv"), "{message}");
    assert!(!desk.path("new.toml").exists());
}

#[test]
fn only_a_csv_makes_a_recipe() {
    let desk = Desk::new();
    std::fs::write(desk.path("points.npz"), [0x50, 0x4b, 3, 4, 255, 0]).expect("a file");
    let message = desk.run(["new", "--data", "points.npz", "--output", "new.toml"]).refused();
    assert!(message.contains("points.npz: a first recipe is guessed for .csv files alone"), "{message}");
}

#[test]
fn classes_of_equal_size_are_counted_once() {
    let desk = Desk::new();
    desk.write("points.csv", "x,y,label\n1,2,0\n3,4,1\n5,6,0\n7,9,1\n");
    let out = desk.run(["check", "recipe.toml", "--set", "data.validation=0"]).out;
    assert!(out.contains("2 classes of 2 rows each"), "{out}");
}

#[test]
fn a_check_shows_layers_rows_and_classes() {
    insta::assert_snapshot!(Desk::new().run(["check", "recipe.toml"]).fine());
}

#[test]
fn a_check_says_what_does_not_belong_together() {
    let desk = Desk::new();
    desk.recipe_with("units = 2\n", "units = 2\nactivation = \"softmax\"\n");
    let out = desk.run(["check", "recipe.toml"]).fine();
    assert!(out.contains("hint: cross_entropy takes raw scores"), "{out}");
}

#[test]
fn a_check_says_what_weight_decay_is_for() {
    let desk = Desk::new();
    // In one line, however wide the screen.
    let said = |extra: &[&str]| {
        let out = desk.run([&["check", "recipe.toml", "--set", "optimizer.weight_decay=0.25"], extra].concat()).fine();
        out.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(said(&[]).contains("0.25 times the learning rate, of all weights"));
    let adamw = ["--set", "optimizer.kind=adamw"];
    assert!(said(&adamw).contains("of weights, not of biases and normalization layers"));
    let all = said(&[&adamw[..], &["--set", "optimizer.decay_all=true"]].concat());
    assert!(all.contains("of all weights"), "{all}");
}

#[test]
fn a_check_trains_nothing_and_writes_nothing() {
    let desk = Desk::new();
    desk.run(["check", "recipe.toml"]).fine();
    assert!(!desk.path("runs").exists());
}

#[test]
fn keys_are_set_in_any_order() {
    let desk = Desk::new();
    desk.write("held.csv", "x,y,label\n0.2,0.1,1\n-0.3,0.1,0\n");
    let set = |keys: &[&str]| {
        let keys = keys.iter().flat_map(|key| ["--set", key]);
        desk.run(["check", "recipe.toml"].into_iter().chain(keys))
    };
    // Neither can be set without the other: early stopping watches rows that are held out.
    desk.recipe_with("kind = \"terminate_on_nan\"", "kind = \"early_stopping\"");
    let out = set(&["data.validation=0", "data.validation_file=held.csv"]).fine();
    assert!(out.contains("64 rows to train on, 2 held out"), "{out}");
    set(&["callbacks.0.monitor=validation_f1", "metrics=f1"]).fine();
    set(&["optimizer.momentum=0.9", "optimizer.kind=sgd"]).fine();
    let message = set(&["epochs=3", "data.validation=0"]).refused();
    assert!(
        message.starts_with("error: --set data.validation=0: ") && message.contains("no rows are held out"),
        "{message}"
    );
}

#[test]
fn every_command_that_computes_takes_a_device() {
    let desk = Desk::new();
    for command in ["train", "check", "lr-find", "gradcheck", "overfit"] {
        let message = desk.run([command, "recipe.toml", "--device", "gpu"]).refused();
        assert!(message.contains("unknown device \"gpu\""), "{command}: {message}");
        let said = desk.run([command, "recipe.toml", "--device", "cpu"]);
        assert!(said.code.is_some_and(|code| code < 2), "{command}: {}", said.err);
    }
}
