//! Data on disk is the same data.
use super::*;
use crate::Trainer;
use crate::callbacks::TerminateOnNan;
use barograph_vocab::{Exactness, Phase};
use std::io::Write as _;

const CSV: &str = "a,b,y\n1,2,0\n\n3,nan,1\n5,6,2\n7,8,1\n";

/// Every file that the readers know, with a recipe for it.
fn files() -> Vec<(&'static str, Vec<u8>, Recipe)> {
    let classes = |inputs: &[&str], target: &[&str]| recipe(inputs, target, LossKind::CrossEntropy, 3);
    vec![
        ("a.csv", CSV.into(), classes(&[], &["y"])),
        ("a.npz", PLAIN_NPZ.into(), classes(&[], &[])),
        ("b.npz", COMPRESSED_NPZ.into(), classes(&["images"], &["labels"])),
        ("a.parquet", SNAPPY.into(), classes(&["!price"], &["species"])),
        ("b.parquet", ZSTD.into(), recipe(&["b", "a"], &["price"], LossKind::Mse, 1)),
        ("a.safetensors", super::tensors::file(), classes(&["x", "half"], &["y"])),
    ]
}

/// The same recipe with its rows on disk.
fn streamed(recipe: &Recipe) -> Recipe {
    let mut recipe = recipe.clone();
    recipe.data.stream = true;
    recipe
}

/// Rows in an order that has runs, jumps and repetitions.
fn gather(source: &dyn RowSource) -> (Vec<u32>, Targets) {
    let rows: Vec<usize> = (0..source.rows()).chain((0..source.rows()).rev()).chain([0, 0]).collect();
    let mut inputs = Vec::new();
    source.inputs(&rows, &mut inputs).expect("read");
    (inputs.into_iter().map(f32::to_bits).collect(), source.targets(&rows).expect("read"))
}

#[test]
fn a_streamed_file_holds_what_it_holds_in_memory() {
    for (name, content, recipe) in files() {
        let folder = Folder::with(name, content);
        let memory = read(&folder.file, &recipe).expect(name);
        let disk = read(&folder.file, &streamed(&recipe)).expect(name);
        assert_eq!(gather(&disk.dataset).0, gather(&memory.dataset).0, "{name}");
        // NaN targets differ from themselves.
        assert_eq!(format!("{:?}", gather(&disk.dataset).1), format!("{:?}", gather(&memory.dataset).1), "{name}");
        assert_eq!((disk.report, disk.task), (memory.report, memory.task), "{name}");
        assert_eq!(disk.dataset.class_names(), memory.dataset.class_names(), "{name}");
        assert!(disk.dataset.is_slow() && !memory.dataset.is_slow(), "{name}");
        let names = |source: &dyn RowSource| (0..source.features()).map(|c| source.feature_name(c)).collect::<Vec<_>>();
        assert_eq!(names(&disk.dataset), names(&memory.dataset), "{name}");
    }
}

#[test]
fn the_parts_in_a_folder_follow_one_another() {
    let folder = tempfile::tempdir().expect("folder");
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    put("part-2.csv", "a,b,y\n5,6,fig\n7,bad,apple\n");
    put("part-1.csv", "a,b,y\n1,2,pear\n\n3,4,fig\n");
    put(".hidden.csv", "z\n1\n");
    let said = |recipe: &Recipe| {
        let said = read(folder.path(), recipe).map(|loaded| loaded.report.notes.join("\n"));
        let said = said.unwrap_or_else(|error| error.to_string());
        said.replace(&folder.path().display().to_string(), "data")
    };
    let recipe = recipe(&[], &["y"], LossKind::CrossEntropy, 3);
    let mut all = vec![said(&recipe)];
    put("part-2.csv", "a,b,y\n5,6,fig\n\n7,,apple\n");
    for recipe in [recipe.clone(), streamed(&recipe)] {
        let loaded = read(folder.path(), &recipe).expect("read");
        assert_eq!(loaded.dataset.targets(&[0, 1, 2, 3]).expect("read"), Targets::Classes(vec![2, 1, 1, 0]));
        let mut inputs = Vec::new();
        loaded.dataset.inputs(&[3, 0, 2], &mut inputs).expect("read");
        assert!(inputs[1].is_nan(), "{inputs:?}");
        inputs.remove(1);
        assert_eq!(inputs, [7.0, 1.0, 2.0, 5.0, 6.0]);
    }
    all.push(said(&recipe));
    put("part-3.csv", "a,y,b\n5,fig,1\n");
    all.push(said(&recipe));
    put("part-3.csv", "a,b,y\n5,1,4\n");
    all.push(said(&recipe));
    std::fs::rename(folder.path().join("part-3.csv"), folder.path().join("part-3.npz")).expect("renamed");
    all.push(said(&recipe));
    let empty = tempfile::tempdir().expect("folder");
    all.push(
        read(empty.path(), &recipe)
            .expect_err("empty")
            .to_string()
            .replace(&empty.path().display().to_string(), "data"),
    );
    insta::assert_snapshot!(all.join("\n"));
}

/// Two hundred rows of a smooth function as CSV; row `bad` holds a NaN.
fn smooth(bad: Option<usize>) -> String {
    let mut text = "a,b,c,y\n".to_owned();
    for row in 0..200 {
        let [a, b, c] = [row * 37, row * 11, row * 53].map(|x: usize| (x % 101) as f32 / 50.0 - 1.0);
        let a = if bad == Some(row) { f32::NAN } else { a };
        let _ = writeln!(text, "{a},{b},{c},{}", b * c + 0.5);
    }
    text
}

fn training(stream: bool, prefetch: Option<u64>) -> Recipe {
    let mut recipe = recipe(&[], &["y"], LossKind::Mse, 1);
    recipe.layers.insert(0, LayerSpec::dense(8));
    recipe.layers.insert(1, LayerSpec::dropout(0.2));
    recipe.data.normalize = Normalize::Standard;
    recipe.data.validation = 0.2;
    recipe.data.stream = stream;
    recipe.data.prefetch = prefetch;
    recipe.epochs = 4;
    recipe.batch = 16;
    recipe
}

#[test]
fn a_streamed_training_has_the_bits_of_one_in_memory_whatever_is_gathered_ahead() {
    let folder = Folder::with("a.csv", smooth(None));
    let bits = |recipe: &Recipe| {
        let data = read(&folder.file, recipe).expect("read").dataset;
        let outcome = Trainer::from_recipe(recipe, &data).expect("fits").fit(&data).expect("trains");
        let mut file = tempfile::NamedTempFile::new().expect("file");
        crate::save_weights(file.path(), &outcome.model, 0, 0).expect("saved");
        file.flush().expect("written");
        (std::fs::read(file.path()).expect("read"), format!("{:?}", outcome.history))
    };
    let plain = bits(&training(false, None));
    for (stream, prefetch) in [(false, Some(3)), (true, Some(0)), (true, None), (true, Some(1)), (true, Some(50))] {
        assert_eq!(bits(&training(stream, prefetch)), plain, "stream {stream}, prefetch {prefetch:?}");
    }
}

#[test]
fn an_incident_of_a_streamed_training_is_replayed_exactly() {
    let folder = Folder::with("a.csv", smooth(Some(77)));
    for prefetch in [0, 4] {
        let recipe = training(true, Some(prefetch));
        let data = read(&folder.file, &recipe).expect("read").dataset;
        let trainer = Trainer::from_recipe(&recipe, &data).expect("fits").callback(TerminateOnNan);
        let incident = trainer.fit(&data).expect("trains").diagnosis().expect("observed").incident.expect("it broke");
        assert_eq!((incident.phase, incident.exactness), (Phase::Data, Exactness::Exact));
        assert_eq!(incident.rows, [77]);
    }
}

#[test]
fn rows_that_can_no_longer_be_read_end_the_run_and_keep_its_model() {
    let folder = Folder::with("a.safetensors", super::tensors::file());
    let mut recipe = streamed(&recipe(&["x"], &["y"], LossKind::CrossEntropy, 3));
    recipe.batch = 2;
    let data = read(&folder.file, &recipe).expect("read").dataset;
    std::fs::OpenOptions::new().write(true).open(&folder.file).expect("open").set_len(100).expect("cut");
    let outcome = Trainer::from_recipe(&recipe, &data).expect("fits").fit(&data).expect("ends");
    assert_eq!(outcome.end, barograph_vocab::RunEnd::Failed);
    assert!(outcome.warnings[0].contains("rows could not be read"), "{:?}", outcome.warnings);
}

#[test]
fn a_folder_that_cannot_be_written_to_is_named() {
    let folder = Folder::with("a.csv", CSV);
    let mut recipe = streamed(&recipe(&[], &["y"], LossKind::CrossEntropy, 3));
    recipe.data.scratch = Some(folder.folder.path().join("nowhere"));
    let said = folder.without_folder(&read(&folder.file, &recipe).expect_err("no folder").to_string());
    assert!(said.starts_with("nowhere: rows cannot be written there (") && said.ends_with("data.scratch"), "{said}");
}

/// Names of what the rules find in data alone.
pub(super) fn found(path: &Path, recipe: &Recipe) -> Vec<String> {
    let data = read(path, recipe).expect("read").dataset;
    let diagnosis = crate::inspect(recipe, &data).expect("fits").diagnosis;
    diagnosis.findings.into_iter().map(|finding| finding.name).collect()
}

#[test]
fn rules_see_what_is_wrong_with_streamed_rows() {
    let folder = Folder::with("a.csv", smooth(Some(3)));
    assert!(found(&folder.file, &training(true, None)).iter().any(|name| name == "inputs-not-finite"));
    assert!(!found(&folder.file, &training(true, None)).iter().any(|name| name == "inputs-nearly-constant"));
}

#[test]
fn the_example_recipes_fit_their_data() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/data");
    for name in ["streamed", "windows", "next-tokens"] {
        let recipe = Recipe::load(&folder.join(format!("{name}.toml"))).expect(name);
        let inspection = crate::inspect(&recipe, &load(&recipe).expect(name).dataset).expect(name);
        assert!(inspection.rows > 100 && inspection.validation_rows > 10, "{name}: {inspection:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_files_never_panic_when_streamed(which in 0..6_usize, at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let (name, content, recipe) = files().swap_remove(which);
        let folder = Folder::with(name, damaged(&content, at, byte, cut));
        if let Ok(loaded) = read(&folder.file, &streamed(&recipe)) {
            let rows: Vec<usize> = (0..loaded.dataset.rows()).collect();
            let _ = loaded.dataset.inputs(&rows, &mut Vec::new());
        }
    }
}
