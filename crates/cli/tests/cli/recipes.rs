//! Recipes that are wrong.
use crate::binary::Desk;

#[track_caller]
fn refused(desk: &Desk, arguments: &[&str]) -> String {
    let message = desk.run([&["train", "recipe.toml"], arguments].concat()).refused();
    assert!(!desk.path("runs").exists(), "a run was begun: {message}");
    message
}

#[test]
fn a_misspelled_name() {
    let desk = Desk::new();
    desk.recipe_with("\"cross_entropy\"", "\"cross_entropi\"");
    assert_eq!(
        refused(&desk, &[]),
        "error: recipe.toml:20: unknown loss \"cross_entropi\"; did you mean \"cross_entropy\"?"
    );
}

#[test]
fn not_toml() {
    let desk = Desk::new();
    desk.write("recipe.toml", "epochs = [");
    let message = refused(&desk, &[]);
    assert!(message.starts_with("error: recipe.toml:1: this is not valid TOML"), "{message}");
}

#[test]
fn not_there() {
    let message = Desk::new().run(["train", "recipes.toml"]).refused();
    assert!(message.starts_with("error: recipes.toml: cannot read the recipe"), "{message}");
    assert!(message.ends_with("did you mean \"recipe.toml\"?"), "{message}");
}

#[test]
fn a_key_that_is_set_wrongly() {
    let desk = Desk::new();
    let message = refused(&desk, &["--set", "optimizer.learning_rate=fast"]);
    assert!(message.contains("optimizer.learning_rate must be a number"), "{message}");
    let message = refused(&desk, &["--set", "optimizer.learning_rat=1"]);
    assert!(message.contains("learning_rat") && message.contains("learning_rate"), "{message}");
}

#[test]
fn a_key_that_is_set_rightly_counts() {
    let said = Desk::new().run(["train", "recipe.toml", "--set", "epochs=2", "--set", "name=short"]);
    assert!(said.err.contains("training short") && said.err.contains("epoch 2/2"), "{}", said.err);
}
