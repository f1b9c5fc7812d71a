//! Predictions of trained networks, and weights from files.
use crate::binary::Desk;

/// A desk with a trained run in `run`.
fn trained() -> Desk {
    let desk = Desk::new();
    desk.run(["train", "recipe.toml", "--run-dir", "run"]).fine();
    desk
}

/// The cells of a CSV without quotes, and its head.
fn cells(csv: &str) -> (Vec<&str>, Vec<Vec<&str>>) {
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    (lines.next().expect("a head"), lines.collect())
}

#[test]
fn a_run_predicts_new_rows() {
    let desk = trained();
    // No label, another order, and a column that nobody asked for.
    desk.write("new.csv", "y,note,x\n0.25,a,0.375\n-0.25,b,-0.5\n");
    let out = desk.run(["predict", "run", "new.csv"]).fine();
    let (head, rows) = cells(&out);
    assert_eq!(head, ["prediction", "output0", "output1"]);
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), ["1", "0"], "{out}");
    for row in &rows {
        let scores: Vec<f32> = row[1..].iter().map(|cell| cell.parse().expect("a number")).collect();
        assert_eq!(row[0] == "1", scores[1] > scores[0], "{row:?}");
    }
}

#[test]
fn answers_of_all_rows_are_nearly_all_right() {
    let desk = trained();
    let out = desk.run(["predict", "run", "points.csv"]).fine();
    let (_, rows) = cells(&out);
    let csv = desk.read("points.csv");
    let (_, points) = cells(&csv);
    let right = rows.iter().zip(&points).filter(|(row, point)| row[0] == point[2]).count();
    assert!(rows.len() == 64 && right >= 60, "{right} of {}", rows.len());
}

#[test]
fn a_recipe_predicts_with_a_file_of_weights_as_its_run_does() {
    let desk = trained();
    let of_run = desk.run(["predict", "run", "points.csv"]).fine();
    assert_eq!(desk.run(["predict", "recipe.toml", "points.csv", "--model", "run/model.safetensors"]).fine(), of_run);
    // Without the run's note of what was done to the data, the recipe's data say it.
    std::fs::copy(desk.path("run/model.safetensors"), desk.path("moved.safetensors")).expect("a copy");
    assert_eq!(desk.run(["predict", "recipe.toml", "points.csv", "--model", "moved.safetensors"]).fine(), of_run);
    let load = ["predict", "recipe.toml", "points.csv", "--set", "model.load=moved.safetensors"];
    assert_eq!(desk.run(load).fine(), of_run);
}

#[test]
fn a_regression_answers_in_the_unit_of_its_targets() {
    let desk = Desk::new();
    let line = |number: u32| format!("{},{}\n", f64::from(number) * 10.0, 1000.0 + 50.0 * f64::from(number));
    desk.write("line.csv", &std::iter::once("x,cost\n".to_owned()).chain((0..40).map(line)).collect::<String>());
    desk.write(
        "line.toml",
        "name = \"line\"\nepochs = 60\nbatch = 8\n[data]\nfile = \"line.csv\"\ntarget = \"cost\"\nnormalize = \"standard\"\n\
         normalize_target = \"standard\"\n[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n[optimizer]\nkind = \"adam\"\n\
         learning_rate = 0.05\n",
    );
    desk.run(["train", "line.toml", "--run-dir", "run"]).fine();
    desk.write("new.csv", "x\n0\n200\n390\n");
    let out = desk.run(["predict", "run", "new.csv"]).fine();
    let (head, rows) = cells(&out);
    assert_eq!(head, ["cost"]);
    for (row, expected) in rows.iter().zip([1000.0, 2000.0, 2950.0]) {
        let answer: f64 = row[0].parse().expect("a number");
        assert!((answer - expected).abs() < 30.0, "{answer} for {expected}");
    }
}

#[test]
fn names_of_classes_come_back_and_gaps_are_filled() {
    let desk = Desk::new();
    let csv = desk.read("points.csv").replace(",0\n", ",\"left, of it\"\n").replace(",1\n", ",right\n");
    desk.write("points.csv", &csv);
    desk.run(["train", "recipe.toml", "--run-dir", "run", "--set", "data.missing=mean"]).fine();
    desk.write("new.csv", "x,y\n-0.5,\n0.375,0.1\n");
    let out = desk.run(["predict", "run", "new.csv"]).fine();
    let lines: Vec<_> = out.lines().collect();
    assert!(lines[0].starts_with("prediction,\"left, of it\",right"), "{out}");
    assert!(lines[1].starts_with("\"left, of it\",") && lines[2].starts_with("right,"), "{out}");
    assert!(!out.contains("NaN"), "{out}");
}

#[test]
fn answers_go_to_files() {
    let desk = trained();
    let out = desk.run(["predict", "run", "points.csv"]).fine();
    let said = desk.run(["predict", "run", "points.csv", "--out", "answers.csv"]);
    assert_eq!((said.out.as_str(), said.err.as_str()), ("", "64 rows -> answers.csv\n"));
    assert_eq!(desk.read("answers.csv"), out);
    desk.run(["predict", "run", "points.csv", "--out", "answers.npz"]).fine();
    // What was written can be read again, as data.
    let again = [
        "check",
        "recipe.toml",
        "--set",
        "data.file=answers.npz",
        "--set",
        "data.inputs=outputs",
        "--set",
        "data.target=prediction",
    ];
    let text = desk.run(again).fine();
    assert!(text.contains("binary; 2 classes"), "{text}");
}

#[test]
fn what_cannot_be_predicted_is_refused() {
    let desk = trained();
    desk.write("short.csv", "x,label\n1,0\n");
    desk.write("empty.csv", "x,y\n");
    desk.write("text.csv", "x,y\n1,red\n");
    std::fs::create_dir(desk.path("folder")).expect("a folder");
    let refused = |arguments: &[&str], words: &str| {
        let said = desk.run(std::iter::once(&"predict").chain(arguments));
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments:?}: {}", said.err);
        assert!(said.err.contains(words), "{arguments:?}: {}", said.err);
    };
    refused(&["run", "short.csv"], "no column \"y\" in short.csv");
    refused(&["run", "empty.csv"], "empty.csv: there are no rows, so that there is nothing to predict");
    refused(&["run", "text.csv"], "text.csv:2: column \"y\" holds \"red\", which is no number");
    refused(&["run", "pints.csv"], "points.csv");
    refused(&["folder", "points.csv"], "folder: this is no folder of a run");
    refused(&["recipe.toml", "points.csv"], "a recipe has no trained weights");
    refused(&["run", "points.csv", "--out", "answers.xls"], "written as .csv or .npz");
    refused(&["run", "points.csv", "--model", "recipe.toml"], "not a whole safetensors file");
    refused(&["run", "points.csv", "--set", "layers.0.units=9"], "and the network wants [2, 9]");
    std::fs::remove_file(desk.path("run/preprocessing.toml")).expect("it was there");
    refused(
        &["run", "points.csv"],
        "name the recipe instead: barograph predict RECIPE.toml points.csv --model run/model.safetensors",
    );
    desk.write("run/preprocessing.toml", "task = \"binary\"\ninputs = [\"x\"]\n");
    refused(&["run", "points.csv"], "run/preprocessing.toml: ");
}

#[test]
fn a_training_says_what_it_loaded() {
    let desk = trained();
    let said = desk.run(["train", "recipe.toml", "--set", "epochs=1", "--set", "model.load=run/model.safetensors"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.err.contains("weights of run/model.safetensors:") && said.err.contains("dense1  dense  dense1"),
        "{}",
        said.err
    );
    let missing = desk.run(["train", "recipe.toml", "--set", "model.load=run/modle.safetensors"]).refused();
    assert!(
        missing.contains("run/modle.safetensors: cannot read the weights") && missing.contains("model.safetensors"),
        "{missing}"
    );
}
