//! Rows that are held out in a file of their own.
use super::*;
use crate::prepare::{Prepared, prepare};
use crate::recipe::TokenSpec;

const TRAINING: &str = "x,kind\n1,pear\n2,apple\n3,fig\n5,pear\n";

/// A folder with `a.csv` to train on and `b.csv` to hold out.
fn folder(training: &str, held_out: &str) -> Folder {
    let folder = Folder::with("a.csv", training);
    std::fs::write(folder.folder.path().join("b.csv"), held_out).expect("written");
    folder
}

fn of_files(folder: &Folder, mut recipe: Recipe) -> Recipe {
    recipe.data.file = Some(folder.file.clone());
    recipe.data.validation_file = Some(folder.folder.path().join("b.csv"));
    recipe
}

fn fruit(folder: &Folder) -> Recipe {
    of_files(folder, recipe(&[], &["kind"], LossKind::CrossEntropy, 3))
}

fn said(folder: &Folder, recipe: &Recipe) -> String {
    folder.without_folder(&load(recipe).map_or_else(|error| error.to_string(), |loaded| loaded.report.notes.join("\n")))
}

fn inputs(source: &dyn RowSource, rows: &[usize]) -> Vec<f32> {
    let mut inputs = Vec::new();
    source.inputs(rows, &mut inputs).expect("read");
    inputs
}

#[test]
fn the_second_file_is_held_out_with_the_classes_of_the_first() {
    let folder = folder(TRAINING, "x,kind\n7,pear\n9,fig\n");
    let recipe = fruit(&folder);
    let data = load(&recipe).expect("read").dataset;
    assert_eq!(inputs(&data, &[5, 0, 4, 3]), [9.0, 1.0, 7.0, 5.0]);
    // There, figs are number 0 and pears number 1.
    assert_eq!(data.targets(&[5, 0, 4, 3]).expect("read"), Targets::Classes(vec![1, 2, 2, 2]));
    assert_eq!(data.class_names(), ["apple", "fig", "pear"]);
    for seed in [0, 7] {
        let Split { train, validation } = data.split(0.0, seed);
        assert_eq!((train, validation), (vec![0, 1, 2, 3], vec![4, 5]));
    }
    assert_eq!(
        said(&folder, &recipe),
        "a.csv: the labels of column \"kind\" are numbered in sorted order: 0 = \"apple\", 1 = \"fig\", 2 = \"pear\"\n\
         b.csv: 2 rows are held out, numbered from 4 on"
    );
}

#[test]
fn scales_are_those_of_the_rows_to_train_on() {
    let folder = folder("x,y\n0,10\n4,30\n", "x,y\n100,20\n");
    let mut recipe = of_files(&folder, recipe(&[], &["y"], LossKind::Mse, 1));
    (recipe.data.normalize, recipe.data.normalize_target) = (Normalize::MinMax, Normalize::MinMax);
    for stream in [false, true] {
        recipe.data.stream = stream;
        let data = load(&recipe).expect("read").dataset;
        let Prepared { rows, training, validation, .. } = prepare(&data, &recipe, None).expect("ready");
        assert_eq!((training, validation), (vec![0, 1], vec![2]));
        assert_eq!(inputs(&rows, &[0, 1, 2]), [0.0, 1.0, 25.0]);
        assert_eq!(rows.targets(&[2]).expect("read"), Targets::Real { values: vec![0.5], columns: 1 });
    }
}

#[test]
fn files_that_do_not_go_together_are_explained() {
    let with = |held_out: &str| {
        let folder = folder(TRAINING, held_out);
        said(&folder, &fruit(&folder))
    };
    assert_eq!(with("x,kind\n7,paer\n"), "b.csv: there is the class \"paer\", and no row to learn from has it");
    assert_eq!(
        with("y,kind\n7,pear\n"),
        "b.csv: input 0 is \"y\", and of the rows to learn from \"x\"; bring the columns into one order, or name them with data.inputs"
    );
    assert_eq!(
        with("x,z,kind\n7,8,pear\n"),
        "b.csv: they have 2 input values, and those to learn from 1; give both the same columns"
    );
    assert!(with("x,kind\n7,1\n").contains("write them alike"), "{}", with("x,kind\n7,1\n"));
    assert!(with("x,kind\n").contains("b.csv: there are no rows"));
    let folder = folder(TRAINING, "");
    std::fs::remove_file(folder.folder.path().join("b.csv")).expect("it was there");
    assert!(said(&folder, &fruit(&folder)).contains("b.csv: there is no such file"));
    let both = Recipe { data: crate::recipe::DataSpec { validation: 0.2, ..fruit(&folder).data }, ..fruit(&folder) };
    assert!(both.check().is_err_and(|error| error.to_string().contains("keep one of them")));
    let text = fruit(&folder).to_toml();
    assert_eq!(Recipe::parse(&text, "r.toml").expect("read").data, fruit(&folder).data);
}

#[test]
fn texts_of_several_outputs_are_numbered_as_in_the_first() {
    use crate::recipe::OutputSpec;
    let outputs = vec![
        OutputSpec::new("a", "kind", LossKind::CrossEntropy, [LayerSpec::dense(3)]),
        OutputSpec::new("b", "y", LossKind::Mse, [LayerSpec::dense(1)]),
    ];
    let with = |held_out: &str| {
        let folder = folder("x,kind,y\n1,fig,2\n2,pear,3\n", held_out);
        let recipe = of_files(&folder, recipe(&["x"], &[], LossKind::CrossEntropy, 3));
        load(&Recipe { outputs: outputs.clone(), ..recipe }).map_err(|error| folder.without_folder(&error.to_string()))
    };
    // Alone, the pear of the second file would be number 0.
    let data = with("x,kind,y\n1,pear,0\n2,pear,1\n").expect("read").dataset;
    let values = vec![1.0, 3.0, 1.0, 0.0, 1.0, 1.0];
    assert_eq!(data.targets(&[1, 2, 3]).expect("read"), Targets::Real { values, columns: 2 });
    assert_eq!((data.target_classes(0), data.target_classes(1)), (&["fig".to_owned(), "pear".to_owned()][..], &[][..]));
    let message = with("x,kind,y\n1,plum,0\n").expect_err("an unknown class");
    assert_eq!(message, "b.csv: there is the class \"plum\", and no row to learn from has it");
}

#[test]
fn texts_are_numbered_by_the_vocabulary_of_the_training() {
    let folder = folder("text,mood\nred blue red,good\nblue,bad\n", "text,mood\ngreen blue,bad\n");
    let mut recipe = of_files(&folder, recipe(&["text"], &["mood"], LossKind::CrossEntropy, 2));
    let spec = TokenSpec { tokenizer: "words".to_owned(), length: 3, vocabulary: 100 };
    recipe.data.examples = Examples::Text { spec };
    let loaded = load(&recipe).expect("read");
    // [PAD], [UNK], blue, red.
    assert_eq!(inputs(&loaded.dataset, &[0, 1, 2]), [3.0, 2.0, 3.0, 2.0, 0.0, 0.0, 1.0, 2.0, 0.0]);
    assert_eq!(loaded.dataset.targets(&[2]).expect("read"), Targets::Classes(vec![0]));
}

#[test]
fn no_window_reaches_from_one_file_into_the_other() {
    let rows = |times: std::ops::Range<u32>| times.map(|time| time.to_string()).collect::<Vec<_>>().join("\n");
    let folder = folder(&format!("x\n{}", rows(0..5)), &format!("x\n{}", rows(100..104)));
    let mut recipe = of_files(&folder, recipe(&["x"], &["x"], LossKind::Mse, 1));
    recipe.data.examples = Examples::Windows { length: 2, ahead: 1, horizon: 1, stride: 1 };
    let data = load(&recipe).expect("read").dataset;
    assert_eq!(inputs(&data, &[0, 1, 2, 3, 4]), [0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 100.0, 101.0, 101.0, 102.0]);
    let Targets::Real { values, .. } = data.targets(&[2, 3]).expect("read") else { panic!("numbers") };
    assert_eq!(values, [4.0, 102.0]);
}
