//! The demo: each fault is met, explained, repaired.
use crate::binary::{Desk, Said};

/// What a demo must say.
struct Expected {
    fault: &'static str,
    cause: &'static str,
    /// What the report names besides: the step or the place, and the operation or the rows.
    names: &'static [&'static str],
    /// What the recipe gains.
    gains: &'static str,
}

#[track_caller]
fn check(expected: &Expected) {
    let desk = Desk::new();
    let Said { code, out, err } = desk.run(["demo", "--fault", expected.fault, "--run-dir", "here"]);
    assert_eq!(code, Some(0), "{out}{err}");
    let cause = out.lines().find(|line| line.starts_with("cause: ")).expect("a cause");
    assert!(cause.contains(expected.cause), "{cause}");
    for name in expected.names {
        assert!(out.contains(name), "no {name:?} in\n{out}");
    }
    assert!(out.contains("= verified: "), "{out}");
    assert!(out.contains(&format!("+ {}", expected.gains)), "{out}");
    assert!(share(&out) > 95.0, "{out}");
    for page in ["here/broken/report.html", "here/repaired/report.html"] {
        assert!(desk.read(page).contains("</html>"));
    }
    assert!(out.contains("report: here/broken/report.html"), "{out}");
    // The same report again, from the log; and the repaired recipe trains as any other does.
    assert!(out.contains(&desk.run(["diagnose", "here/broken"]).fine()), "{out}");
    desk.run(["check", "here/repaired.toml"]).fine();
}

/// The share of digits read right, in percent.
fn share(out: &str) -> f64 {
    let line = out.lines().find(|line| line.contains(" % of the digits")).expect("a last line");
    let words = line.split(" % ").next().expect("words before it");
    words.rsplit(' ').next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn a_learning_rate_that_is_too_high() {
    check(&Expected {
        fault: "lr",
        cause: "learning-rate-too-high",
        names: &["error[NUM", "the loss became NaN at step ", "forward pass", "replay       exact"],
        gains: "learning_rate = ",
    });
}

#[test]
fn the_logarithm_of_zero() {
    check(&Expected {
        fault: "log0",
        cause: "log-of-nonpositive",
        names: &["the loss became NaN at step ", "error[NUM001]", "loss.log, step ", "of the data set"],
        gains: "kind = \"cross_entropy\"",
    });
}

#[test]
fn a_hole_in_the_data() {
    check(&Expected {
        fault: "nan-row",
        cause: "input-not-finite",
        names: &["error[DAT001]", "row 700 of the data set"],
        gains: "missing = \"drop\"",
    });
}

#[test]
fn units_that_never_fire() {
    check(&Expected {
        fault: "dead-relu",
        cause: "dead-relu",
        names: &["32 of 32 units", "dense2"],
        gains: "activation = \"leaky_relu\"",
    });
}

#[test]
fn a_softmax_too_many() {
    check(&Expected {
        fault: "double-softmax",
        cause: "double-softmax",
        names: &["softmax again", "dense4"],
        gains: "activation = \"linear\"",
    });
}

#[test]
fn weights_that_are_all_the_same() {
    check(&Expected {
        fault: "init",
        cause: "init-symmetric",
        names: &["63 of 64 units", "dense1.weight"],
        gains: "initializer = \"he_normal\"",
    });
}

#[test]
fn without_a_terminal_there_are_plain_lines() {
    let Said { err, .. } = Desk::new().run(["demo", "--run-dir", "here"]);
    assert!(err.lines().any(|line| line.starts_with("epoch  1/25  loss ")), "{err}");
    assert!(err.contains("tried: lower the learning rate from 10 to "), "{err}");
    assert!(!err.contains('\u{1b}') && !err.contains('\r'), "{err:?}");
}

#[test]
fn demos_are_numbered() {
    let desk = Desk::new();
    for number in ["001", "002"] {
        let out = desk.run(["demo"]).fine();
        assert!(out.contains(&format!("runs/demo-lr-{number}/broken/report.html")), "{out}");
    }
    let list = desk.run(["runs"]).fine();
    for run in ["demo-lr-001/broken", "demo-lr-002/repaired"] {
        assert!(list.contains(run), "{list}");
    }
}
