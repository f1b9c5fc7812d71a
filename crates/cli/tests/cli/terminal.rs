//! What a terminal shows while work is under way.
use crate::binary::Desk;

/// What a terminal shows of a command, with the lines that are drawn over.
fn shown(desk: &Desk, arguments: &str) -> String {
    let said = desk.shell(&format!("script -qec \"$barograph {arguments}\" /dev/null < /dev/null"));
    assert_eq!(said.code, Some(0), "{arguments}: {}{}", said.out, said.err);
    said.out
}

#[test]
fn every_check_before_a_training_shows_how_far_it_is() {
    let desk = Desk::new();
    for (arguments, what) in [
        ("lr-find recipe.toml", "rate 1.0e-7 "),
        ("gradcheck recipe.toml", "dense1.weight "),
        ("overfit recipe.toml", "learning one batch "),
    ] {
        let bar = |text: &str| text.split('\r').any(|line| line.contains(what) && line.contains("ETA"));
        let text = shown(&desk, arguments);
        assert!(bar(&text), "{arguments}: {text}");
        let said = desk.run(arguments.split(' '));
        assert!(!bar(&said.out) && said.err.is_empty(), "a file is no terminal: {}", said.err);
    }
}

#[test]
fn a_training_shows_a_bar_and_the_epochs_above_it() {
    let desk = Desk::new();
    let text = shown(&desk, "train recipe.toml --run-dir run");
    assert!(text.contains("ETA"), "{text}");
    for epoch in ["epoch  1/30  loss ", "epoch 15/30  loss ", "epoch 30/30  loss "] {
        assert!(text.contains(epoch), "{epoch}: {text}");
    }
    assert_eq!(text.matches("held out: loss").count(), 11, "{text}");
}
