//! How good a trained network is on rows that it has not seen.
use crate::binary::Desk;

/// A desk whose run was validated on `held.csv`, where two of the three classes occur, in another order.
fn trained() -> Desk {
    let desk = Desk::new();
    let line = |number: u32| {
        let x = f64::from(number % 15) / 5.0 - 1.4;
        let side = if x < -0.5 {
            "left"
        } else if x < 0.5 {
            "middle"
        } else {
            "right"
        };
        format!("{x},{},{side}\n", number % 4)
    };
    desk.write("all.csv", &std::iter::once("x,y,side\n".to_owned()).chain((0..60).map(line)).collect::<String>());
    desk.write("held.csv", "x,y,side\n1.3,2,right\n0.1,3,middle\n0.9,0,right\n0.6,1,middle\n");
    desk.write(
        "sides.toml",
        "name = \"sides\"\nepochs = 20\nbatch = 8\nmetrics = [\"f1\", \"auc\"]\n[data]\nfile = \"all.csv\"\ntarget = \"side\"\n\
         validation_file = \"held.csv\"\nnormalize = \"standard\"\n[[layers]]\nkind = \"dense\"\nunits = 8\nactivation = \"tanh\"\n\
         [[layers]]\nkind = \"dropout\"\nrate = 0.1\n[[layers]]\nkind = \"dense\"\nunits = 3\n[loss]\nkind = \"cross_entropy\"\n\
         [optimizer]\nkind = \"adam\"\nlearning_rate = 0.02\n[[callbacks]]\nkind = \"csv_logger\"\n",
    );
    desk.run(["train", "sides.toml", "--run-dir", "run"]).fine();
    desk
}

/// The numbers of the last epoch by name.
fn last_epoch(desk: &Desk) -> Vec<(String, f64)> {
    let csv = desk.read("run/epochs.csv");
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let (head, last) = (lines.next().expect("a head"), lines.next_back().expect("an epoch"));
    head.into_iter().zip(last).map(|(name, cell)| (name.to_owned(), cell.parse().expect("a number"))).collect()
}

#[test]
fn what_the_training_measured_is_measured_again() {
    let desk = trained();
    let json = desk.run(["evaluate", "run", "held.csv", "--json"]).fine();
    let found: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(found["rows"], 4);
    let held_out: Vec<_> = last_epoch(&desk)
        .into_iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("validation_")?.to_owned(), value)))
        .collect();
    let names: Vec<&str> = held_out.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["loss", "accuracy", "f1", "auc"]);
    for (name, value) in held_out {
        assert_eq!(found["numbers"][&name].as_f64(), Some(value), "{name}: {json}");
    }
    let text = desk.run(["evaluate", "run", "held.csv"]).fine();
    assert!(text.starts_with("held.csv: 4 rows\n") && text.contains("\naccuracy "), "{text}");
    desk.write(
        "wide.csv",
        &desk
            .read("held.csv")
            .replace("x,y,", "x,note,y,")
            .replace(".1,", ".1,a,")
            .replace(".3,", ".3,b,")
            .replace(".9,", ".9,c,")
            .replace(".6,", ".6,d,"),
    );
    assert_eq!(desk.run(["evaluate", "run", "wide.csv", "--json"]).fine(), json);
    // Other measures, of the weights of a file.
    let other =
        ["evaluate", "sides.toml", "held.csv", "--model", "run/model.safetensors", "--set", "metrics=recall", "--json"];
    let other: serde_json::Value = serde_json::from_str(&desk.run(other).fine()).expect("JSON");
    assert!(other["numbers"]["recall"].is_f64() && other["numbers"]["f1"].is_null(), "{other}");
    assert_eq!(other["numbers"]["loss"], found["numbers"]["loss"]);
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let desk = trained();
    desk.write("up.csv", "x,y,side\n1,2,up\n");
    desk.write("short.csv", "x,side\n1,left\n");
    desk.write("empty.csv", "x,y,side\n");
    desk.write("bare.csv", "x,y\n1,2\n");
    for (file, words) in [
        ("up.csv", "there is the class \"up\", and no row to learn from has it"),
        ("short.csv", "no column \"y\" in short.csv"),
        ("empty.csv", "empty.csv: there are no rows"),
        ("bare.csv", "no column \"side\" in bare.csv"),
        ("hold.csv", "hold.csv: there is no such file; did you mean \"held.csv\"?"),
    ] {
        let message = desk.run(["evaluate", "run", file]).refused();
        assert!(message.contains(words), "{file}: {message}");
    }
}

#[test]
fn a_run_that_is_not_there_is_looked_for() {
    let desk = trained();
    for command in ["evaluate", "predict"] {
        let message = desk.run([command, "runn", "held.csv"]).refused();
        assert!(message.contains("runn: not a run folder: it does not exist") && message.contains("run"), "{message}");
    }
}
