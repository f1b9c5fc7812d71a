//! The help texts, which are how people learn the commands.
use crate::binary::Desk;

const COMMANDS: [&str; 17] = [
    "demo",
    "new",
    "check",
    "summary",
    "lr-find",
    "gradcheck",
    "overfit",
    "train",
    "evaluate",
    "predict",
    "ctl",
    "diagnose",
    "runs",
    "rules",
    "explain",
    "completions",
    "cases",
];

#[test]
fn the_program() {
    insta::assert_snapshot!(Desk::new().run(["--help"]).fine());
}

#[test]
fn every_command() {
    let desk = Desk::new();
    for command in COMMANDS {
        insta::assert_snapshot!(command, desk.run([command, "--help"]).fine());
    }
}

#[test]
fn examples_in_the_help_are_understood() {
    let desk = Desk::new();
    for command in COMMANDS {
        let help = desk.run([command, "--help"]).fine();
        let examples = help.lines().skip_while(|line| *line != "Examples:").skip(1).take_while(|line| !line.is_empty());
        for example in examples {
            // What follows is for the shell; the remark after several spaces is for people.
            let words = example.trim_start().trim_start_matches("barograph ").split(['|', '>']).next().expect("words");
            let words = words.split("   ").next().expect("words").split_whitespace();
            // Asked for its help, a command reads its arguments up to there and does nothing.
            let said = desk.run(words.chain(["--help"]));
            assert_eq!(said.code, Some(0), "{example}: {}", said.err);
        }
    }
}

#[test]
fn completions_name_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Desk::new().run(["completions", shell]).fine();
        for command in COMMANDS.iter().filter(|command| **command != "cases") {
            assert!(script.contains(command), "{shell}: {command}");
        }
    }
}

#[test]
fn wrong_usage_is_refused() {
    let desk = Desk::new();
    for arguments in
        [&["tarin"][..], &["train"], &["demo", "--fault", "luck"], &["train", "recipe.toml", "--set", "epochs"]]
    {
        let said = desk.run(arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(said.err.starts_with("error: "), "{}", said.err);
    }
    let typo = desk.run(["tarin"]).err;
    assert!(typo.contains("train"), "{typo}");
}
