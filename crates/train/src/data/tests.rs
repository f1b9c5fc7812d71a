use super::*;
use crate::recipe::{LayerSpec, LossKind, Normalize, new_recipe_for};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::path::PathBuf;

mod images;
mod streaming;
mod tensors;
mod texts;
mod time_series;
mod validation_file;
mod weights;

const DIGITS: &str = include_str!("../../../../data/digits.csv");
const PLAIN_NPZ: &[u8] = include_bytes!("fixtures/plain.npz");
const COMPRESSED_NPZ: &[u8] = include_bytes!("fixtures/compressed.npz");
const SNAPPY: &[u8] = include_bytes!("fixtures/snappy.parquet");
const ZSTD: &[u8] = include_bytes!("fixtures/zstd.parquet");

/// What a file holds, in memory.
#[derive(Debug)]
struct Read {
    dataset: Dataset,
    task: Task,
    report: DataReport,
}

/// A folder with one file in it.
struct Folder {
    folder: tempfile::TempDir,
    file: PathBuf,
}

impl Folder {
    fn with(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join(name);
        std::fs::write(&file, content).expect("written");
        Self { folder, file }
    }

    fn read(&self, recipe: &Recipe) -> Result<Read, String> {
        let table = table(&self.file, recipe).map_err(|error| self.without_folder(&error.to_string()))?;
        match table.rows {
            TableRows::Memory(dataset) => Ok(Read { dataset, task: table.task, report: table.report }),
            TableRows::Disk(_) | TableRows::Texts(_) => Err("the rows are not in memory".to_owned()),
        }
    }

    fn without_folder(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }

    fn notes(&self, loaded: &Read) -> String {
        self.without_folder(&loaded.report.notes.join("\n"))
    }
}

/// A recipe for these targets; `loss` with as many outputs decides what they mean.
fn recipe(inputs: &[&str], target: &[&str], loss: LossKind, outputs: u64) -> Recipe {
    let mut recipe = Recipe { layers: vec![LayerSpec::dense(outputs)], loss: loss.into(), ..Recipe::default() };
    recipe.data.inputs = inputs.iter().map(|&name| name.to_owned()).collect();
    recipe.data.target = target.iter().map(|&name| name.to_owned()).collect();
    recipe
}

fn csv_read(text: &str, recipe: &Recipe) -> Result<Read, String> {
    Folder::with("a.csv", text).read(recipe)
}

#[test]
fn the_digits_are_read() {
    let loaded = csv_read(DIGITS, &recipe(&[], &["label"], LossKind::CrossEntropy, 10)).expect("valid");
    let data = loaded.dataset;
    assert_eq!((data.rows(), data.features(), data.targets.classes()), (1797, 64, Some(10)));
    assert_eq!(data.row(0)[..8], [0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0]);
    assert_eq!(data.inputs.iter().sum::<f32>(), 561_718.0);
    assert_eq!((loaded.task, loaded.report.notes.len()), (Task::Multiclass, 0));
    let Targets::Classes(classes) = data.targets else { panic!("classes") };
    assert_eq!(classes[..6], [0, 1, 2, 3, 4, 5]);
}

#[test]
fn what_targets_mean_follows_from_task_loss_and_outputs() {
    let (ce, bce, mse, hinge) =
        (LossKind::CrossEntropy, LossKind::BinaryCrossEntropyLogits, LossKind::Mse, LossKind::Hinge);
    let cases: &[(&str, &[&str], LossKind, u64, &str)] = &[
        ("x,y\n1,0\n2,2\n", &["y"], ce, 3, "multiclass classes [0, 2]"),
        ("x,y\n1,0\n2,1\n", &["y"], ce, 1, "binary classes [0, 1]"),
        ("x,y\n1,0\n2,1\n", &["y"], bce, 1, "binary classes [0, 1]"),
        ("x,y\n1,-1\n2,1\n", &["y"], hinge, 1, "binary classes [0, 1] named [\"-1\", \"1\"]"),
        ("x,y\n1,0\n2,1\n", &["y"], mse, 1, "regression real [0.0, 1.0] of 1"),
        ("x,y\n1,0\n2,1\n", &["y"], mse, 2, "multiclass classes [0, 1]"),
        ("x,y\n1,-7\n2,99\n", &["y"], ce, 3, "multiclass classes [-7, 99]"),
        ("x,y\n1,0.5\n2,NA\n", &["y"], mse, 1, "regression real [0.5, NaN] of 1"),
        ("x,a,b\n1,0,1\n2,1,1\n", &["a", "b"], bce, 2, "multilabel real [0.0, 1.0, 1.0, 1.0] of 2"),
        ("x,a,b\n1,0,1\n2,1,0\n", &["a", "b"], ce, 2, "multiclass classes [1, 0] named [\"a\", \"b\"]"),
        ("x,a,b\n1,0,1\n2,1,5\n", &["a", "b"], mse, 2, "regression real [0.0, 1.0, 1.0, 5.0] of 2"),
        ("x,y\n1,no\n2,yes\n3,no\n", &["y"], bce, 1, "binary classes [0, 1, 0] named [\"no\", \"yes\"]"),
        (
            "x,y\n1,pear\n2,apple\n3,fig\n",
            &["y"],
            ce,
            3,
            "multiclass classes [2, 0, 1] named [\"apple\", \"fig\", \"pear\"]",
        ),
    ];
    for (text, target, loss, outputs, meaning) in cases {
        let loaded = csv_read(text, &recipe(&["x"], target, *loss, *outputs)).expect(text);
        let targets = match &loaded.dataset.targets {
            Targets::Classes(classes) => format!("classes {classes:?}"),
            Targets::Real { values, columns } => format!("real {values:?} of {columns}"),
        };
        let names = match loaded.dataset.class_names.as_slice() {
            [] => String::new(),
            names => format!(" named {names:?}"),
        };
        assert_eq!(format!("{} {targets}{names}", loaded.task.name()), *meaning, "{text:?} {loss:?} {outputs}");
    }
}

#[test]
fn oddities_of_a_csv_are_noted_with_their_line() {
    let folder = Folder::with("a.csv", "x,\"z,1\",y\n1,,pear\n\nNA, 2 ,apple\n1e40,inf,\"pear\"\n");
    let loaded = folder.read(&recipe(&[], &["y"], LossKind::CrossEntropy, 2)).expect("read");
    assert_eq!(loaded.dataset.feature_names, ["x", "z,1"]);
    assert_eq!(loaded.report.non_finite, 4);
    insta::assert_snapshot!(folder.notes(&loaded), @r#"
    a.csv:2: column "z,1" is empty; read as NaN
    a.csv:4: column "x" is "NA"; read as NaN
    a.csv:5: column "x" holds 1e40, too large for single precision; read as infinite
    a.csv:5: column "z,1" is infinite
    a.csv: the labels of column "y" are numbered in sorted order: 0 = "apple", 1 = "pear"
    "#);

    let many = Folder::with("a.csv", format!("x,y\n{}", "?,1\n".repeat(25)));
    let loaded = many.read(&recipe(&[], &["y"], LossKind::Mse, 1)).expect("read");
    assert_eq!(loaded.report.notes.len(), 21);
    assert_eq!(many.without_folder(&loaded.report.notes[20]), "a.csv: 5 more cells were read as NaN or infinite");
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    for (text, line) in [
        ("x,y\n1,2\nbad,3\n", 3),
        ("x,y\r\n1,2\r\nbad,3\r\n", 3),
        ("x,y\r1,2\rbad,3", 3),
        ("\n\nx,y\n\n1,2\n\n\nbad,3\n", 8),
        ("x,\"y\"\n\"1\",\"2\n\"\nbad,3\n", 4),
        ("\r\nx,y\r\n\r\nbad,3", 4),
    ] {
        let said = csv_read(text, &recipe(&["x"], &["y"], LossKind::Mse, 1)).expect_err(text);
        assert!(said.starts_with(&format!("a.csv:{line}: column \"x\" holds \"bad\"")), "{text:?}: {said}");
    }
}

#[test]
fn other_delimiters_and_files_without_names_are_understood() {
    let semicolons = csv_read("\u{feff}x;y\r\n1.5;2\r\n", &recipe(&[], &["y"], LossKind::Mse, 1)).expect("read");
    assert_eq!((semicolons.dataset.feature_names, semicolons.dataset.inputs), (vec!["x".to_owned()], vec![1.5]));
    let tabs = csv_read("x\ty\n1\t2\n", &recipe(&[], &["y"], LossKind::Mse, 1)).expect("read");
    assert_eq!(tabs.dataset.inputs, [1.0]);

    let folder = Folder::with("a.csv", "1,2,3\n4,5,6\n");
    let bare = folder.read(&recipe(&[], &["c2"], LossKind::Mse, 1)).expect("read");
    assert_eq!(bare.dataset.inputs, [1.0, 2.0, 4.0, 5.0]);
    insta::assert_snapshot!(folder.notes(&bare), @"a.csv:1: the first line is all numbers, so it is read as data; the columns are called c0 to c2");
}

#[test]
fn what_is_wrong_with_a_csv_is_said_with_its_line() {
    let one = |text: &str| csv_read(text, &recipe(&[], &["y"], LossKind::Mse, 1)).expect_err(text);
    let classes = |text: &str| csv_read(text, &recipe(&[], &["y"], LossKind::CrossEntropy, 3)).expect_err(text);
    let mut labels = recipe(&[], &["y"], LossKind::Mse, 1);
    labels.task = Some(Task::Regression);
    let mut image = recipe(&[], &["y"], LossKind::Mse, 1);
    image.data.image = Some([1, 2, 2]);
    let said = [
        one(""),
        one("x,y\n"),
        one("x,y\n1,2\nRome,3\n"),
        one("x,y\n1,2\n\"1,5\",3\n"),
        one("x,y\n1,2\n3\n"),
        one("x,y\n1,2\n3,4,5\n"),
        one("x,x,y\n1,2,3\n"),
        one("x,target\n1,2\n"),
        one("x,y\n1,2\n3,high\n"),
        one("y\n1\n"),
        classes("x,y\n1,2\n1,0.5\n"),
        classes("x,y\n1,2\n1,\n"),
        classes("x,y\n1,a\n1,\n"),
        csv_read("x,y\n1,a\n", &labels).expect_err("labels"),
        csv_read("x,y\n1,2\n", &image).expect_err("image"),
        csv_read("x,y\n1,2\n", &recipe(&[], &[], LossKind::Mse, 1)).expect_err("no target"),
        Folder::with("a.csv", b"x,y\n\xff,1\n").read(&recipe(&[], &["y"], LossKind::Mse, 1)).expect_err("not UTF-8"),
        Folder::with("a.xlsx", "").read(&recipe(&[], &["y"], LossKind::Mse, 1)).expect_err("unknown kind"),
    ]
    .join("\n");
    insta::assert_snapshot!(said);
}

#[test]
fn a_missing_data_file_names_its_neighbours() {
    let folder = Folder::with("digits.csv", "x,y\n1,2\n");
    std::fs::write(
        folder.folder.path().join("r.toml"),
        "[data]\nfile = \"digit.csv\"\n[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n",
    )
    .expect("written");
    let recipe = Recipe::load(&folder.folder.path().join("r.toml")).expect("valid");
    let said = folder.without_folder(&load(&recipe).expect_err("missing").to_string());
    insta::assert_snapshot!(said, @r#"digit.csv: there is no such file; did you mean "digits.csv"?"#);
}

#[test]
fn a_wrong_column_points_at_the_recipe() {
    let folder = Folder::with("digits.csv", "pixel_0,pixel_1,label\n1,2,3\n");
    let text = "[data]\nfile = \"digits.csv\"\ninputs = [\"pixel_0\", \"pixel_2\"]\ntarget = \"labl\"\n[[layers]]\nkind = \"dense\"\nunits = 1\n[loss]\nkind = \"mse\"\n";
    let said =
        |text: &str| folder.read(&Recipe::parse(text, "digits.toml").expect("valid")).expect_err("no such column");
    insta::assert_snapshot!([said(text), said(&text.replace("labl", "label"))].join("\n"), @r#"
    digits.toml:4: no column "labl" in digits.csv; did you mean "label"?
    digits.toml:3: no column "pixel_2" in digits.csv; did you mean "pixel_0"?
    "#);
}

#[test]
fn npz_files_are_read() {
    let plain = Folder::with("a.npz", PLAIN_NPZ);
    let loaded = plain.read(&recipe(&[], &[], LossKind::CrossEntropy, 3)).expect("valid");
    assert_eq!(loaded.dataset.targets, Targets::Classes(vec![0, 1, 2, 1]));
    assert_eq!(loaded.dataset.feature_names, ["x0", "x1", "x2"]);
    assert_eq!(loaded.dataset.row(2), [2.5, 3.0, 8.0]);
    insta::assert_snapshot!(plain.notes(&loaded), @r#"a.npz: row 1: column "x1" is missing; read as NaN"#);

    let compressed = Folder::with("a.npz", COMPRESSED_NPZ);
    let loaded = compressed.read(&recipe(&["features", "images"], &["labels"], LossKind::Mse, 1)).expect("valid");
    assert_eq!(loaded.task, Task::Regression);
    assert_eq!(loaded.dataset.row(3), [3.5, 5.0, 16.0, 0.0, 0.0, 0.0, 0.0], "Fortran order, and arrays side by side");
    insta::assert_snapshot!(compressed.notes(&loaded), @r#"
    a.npz: array "images" of shape [4, 1, 2, 2] is read as 4 columns
    a.npz: row 1: column "features1" is missing; read as NaN
    "#);
}

#[test]
fn what_is_wrong_with_an_npz_is_said() {
    let said = |content: &[u8], inputs: &[&str]| {
        Folder::with("a.npz", content).read(&recipe(inputs, &[], LossKind::CrossEntropy, 3)).expect_err("broken")
    };
    let said = [
        said(b"", &[]),
        said(&PLAIN_NPZ[..200], &[]),
        said(PLAIN_NPZ, &["X"]),
        said(COMPRESSED_NPZ, &[]),
        said(include_bytes!("fixtures/short.npz"), &[]),
        said(include_bytes!("fixtures/text.npz"), &[]),
        said(include_bytes!("fixtures/pickle.npz"), &[]),
    ]
    .join("\n");
    insta::assert_snapshot!(said);
}

#[test]
fn parquet_files_are_read() {
    for content in [SNAPPY, ZSTD] {
        let folder = Folder::with("a.parquet", content);
        let loaded = folder.read(&recipe(&["!price"], &["species"], LossKind::CrossEntropy, 3)).expect("valid");
        assert_eq!(loaded.dataset.feature_names, ["a", "b", "flag", "small"]);
        assert_eq!(loaded.dataset.row(1), [1.5, 2.0, 0.0, 2.0]);
        assert_eq!(loaded.dataset.row(3), [3.5, -4.0, 1.0, 255.0]);
        assert_eq!(loaded.dataset.targets, Targets::Classes(vec![0, 2, 0, 1]));
        insta::allow_duplicates! {
            insta::assert_snapshot!(folder.notes(&loaded), @r#"
            a.parquet: row 2: column "a" is missing; read as NaN
            a.parquet: the labels of column "species" are numbered in sorted order: 0 = "setosa", 1 = "versicolor", 2 = "virginica"
            "#);
        }
        let prices = folder.read(&recipe(&["b"], &["price"], LossKind::Mse, 1)).expect("valid");
        assert_eq!(prices.dataset.targets, Targets::Real { values: vec![1.25, 2.5, 5.0, 10.0], columns: 1 });
    }
}

#[test]
fn what_is_wrong_with_a_parquet_file_is_said() {
    let said = |content: &[u8], inputs: &[&str], target: &str| {
        Folder::with("a.parquet", content)
            .read(&recipe(inputs, &[target], LossKind::CrossEntropy, 3))
            .expect_err("broken")
    };
    let odd = include_bytes!("fixtures/odd.parquet");
    let said = [
        said(b"", &[], "y"),
        said(b"PAR1 and nothing else", &[], "y"),
        said(&SNAPPY[..SNAPPY.len() / 2], &[], "y"),
        said(include_bytes!("fixtures/gzip.parquet"), &["a"], "species"),
        said(SNAPPY, &[], "speices"),
        said(SNAPPY, &["species"], "b"),
        said(odd, &["lists.list.element"], "y"),
        said(odd, &["day"], "y"),
        said(odd, &["x"], "y"),
    ]
    .join("\n");
    insta::assert_snapshot!(said);
}

#[test]
fn a_new_recipe_fits_its_file() {
    let iris = "id,petal_length,petal_width,species\n1,1.4,0.2,setosa\n2,4.7,1.4,versicolor\n3,6.0,2.5,virginica\n";
    let mut house = "size,city,rooms,price\n".to_owned();
    for row in 0..60 {
        let _ = writeln!(house, "{},Rome,{},{}", 40 + row, 1 + row % 4, 1000.5 * f64::from(row));
    }
    let answers = "a,b,y\n0.1,1,0\n0.2,2,1\n0.3,3,1\n";
    for (name, text) in [("iris.csv", iris), ("house.csv", &house), ("answers.csv", answers), ("digits.csv", DIGITS)] {
        let folder = Folder::with(name, text);
        let recipe = new_recipe_for(&folder.file).expect(name);
        insta::assert_snapshot!(format!("new_{}", name.trim_end_matches(".csv")), recipe);
        let read = Recipe::parse(&recipe, "new.toml").expect(name);
        let loaded = folder.read(&read).expect(name);
        assert_eq!(Some(loaded.task), read.task);
        assert_eq!(read.data.normalize, Normalize::Standard);
        let outputs = read.shapes(loaded.dataset.features() as u64).expect(name).last().map(|shape| shape.values());
        let wanted = if loaded.task == Task::Multiclass {
            loaded.dataset.targets.classes().map(|classes| classes as u64)
        } else {
            Some(1)
        };
        assert_eq!(outputs, wanted, "{name}");
    }
}

#[test]
fn a_new_recipe_needs_something_to_learn_from() {
    let said = |text: &str| {
        let folder = Folder::with("a.csv", text);
        folder.without_folder(&new_recipe_for(&folder.file).expect_err(text).to_string())
    };
    insta::assert_snapshot!([said(""), said("x,y\n"), said("city,y\nRome,1\n"), said("y\n1\n")].join("\n"), @r#"
    a.csv: the file is empty; its first line should name the columns
    a.csv: there are no rows; a data set needs at least one
    a.csv: apart from the target "y" there is no column of numbers to learn from
    a.csv: apart from the target "y" there is no column of numbers to learn from
    "#);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn hostile_csv_never_panics(text in "[a-c0-9,;\"\n\r\t.\u{e9} -]{0,80}") {
        let folder = Folder::with("a.csv", &text);
        let _ = folder.read(&recipe(&[], &["a"], LossKind::CrossEntropy, 3));
        let _ = folder.read(&recipe(&["*"], &["c1"], LossKind::Mse, 1));
        let _ = new_recipe_for(&folder.file);
    }

    #[test]
    fn a_new_recipe_is_valid_whatever_the_names(name in "[^,;\t\r\n]{1,12}", rows in 1..70_usize) {
        let quoted = name.replace('"', "\"\"");
        let mut text = format!("x,\"{quoted}\"\n");
        for row in 0..rows {
            let _ = writeln!(text, "{row}.5,{}", row % 3);
        }
        let folder = Folder::with("a.csv", &text);
        if let Ok(recipe) = new_recipe_for(&folder.file) {
            let read = Recipe::parse(&recipe, "a.toml").map_err(|error| TestCaseError::fail(format!("{error}\n{recipe}")))?;
            folder.read(&read).map_err(TestCaseError::fail)?;
        }
    }

    #[test]
    fn damaged_npz_never_panics(compressed: bool, at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let content = damaged(if compressed { COMPRESSED_NPZ } else { PLAIN_NPZ }, at, byte, cut);
        let folder = Folder::with("a.npz", content);
        let _ = folder.read(&recipe(&[], &[], LossKind::CrossEntropy, 3));
        let _ = folder.read(&recipe(&["features"], &["labels"], LossKind::CrossEntropy, 3));
    }

    #[test]
    fn damaged_parquet_never_panics(compressed: bool, at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let content = damaged(if compressed { ZSTD } else { SNAPPY }, at, byte, cut);
        let _ = Folder::with("a.parquet", content).read(&recipe(&["a", "b", "flag"], &["species"], LossKind::CrossEntropy, 3));
    }
}

/// A file with one byte changed, or cut short there.
fn damaged(content: &[u8], at: f64, byte: u8, cut: bool) -> Vec<u8> {
    let at = (at * content.len() as f64) as usize;
    let mut content = content.to_vec();
    if cut {
        content.truncate(at);
    } else {
        content[at] = byte;
    }
    content
}
