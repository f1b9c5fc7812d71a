//! How much memory a training on streamed data takes. The only test of its program, because it looks at the whole process.
#![cfg(target_os = "linux")]
use barograph_train::data::{self, RowSource};
use barograph_train::recipe::{LayerSpec, LossKind, Normalize, Recipe};
use barograph_train::{Network, Outcome, Trainer};
use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

const COLUMNS: usize = 1_000;
const ROWS: usize = 32_000;
/// What the inputs take in memory: 128 MB.
const BYTES: u64 = (ROWS * COLUMNS * 4) as u64;

/// The most memory that this process has had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("it is there");
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).expect("a number") * 1024
}

/// A file of tensors whose inputs are all 0: a hole in the file.
fn tensors(path: &Path) {
    let header = format!(
        "{{\"x\":{{\"dtype\":\"F32\",\"shape\":[{ROWS},{COLUMNS}],\"data_offsets\":[0,{BYTES}]}},\"y\":{{\"dtype\":\"U8\",\"shape\":[{ROWS}],\"data_offsets\":[{BYTES},{}]}}}}",
        BYTES + ROWS as u64
    );
    let mut file = File::create(path).expect("made");
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("written");
    file.write_all(header.as_bytes()).expect("written");
    file.seek(SeekFrom::Current(BYTES as i64)).expect("sought");
    file.write_all(&(0..ROWS).map(|row| (row % 2) as u8).collect::<Vec<_>>()).expect("written");
}

fn table(path: &Path) {
    let mut file = BufWriter::new(File::create(path).expect("made"));
    let names: Vec<String> = (0..COLUMNS).map(|column| format!("x{column}")).chain(["y".to_owned()]).collect();
    writeln!(file, "{}", names.join(",")).expect("written");
    for row in 0..ROWS {
        for column in 0..COLUMNS {
            write!(file, "{},", (row * 7 + column) % 10).expect("written");
        }
        writeln!(file, "{}", row % 2).expect("written");
    }
    file.flush().expect("written");
}

fn train(path: &Path, scratch: &Path) -> Outcome<Network> {
    let mut recipe = Recipe {
        layers: vec![LayerSpec::dense(2)],
        loss: LossKind::CrossEntropy.into(),
        epochs: 1,
        batch: 64,
        ..Recipe::default()
    };
    recipe.data.target = vec!["y".to_owned()];
    recipe.data.normalize = Normalize::Standard;
    recipe.data.validation = 0.1;
    recipe.data.stream = true;
    recipe.data.scratch = Some(scratch.to_owned());
    let data = data::read(path, &recipe).expect("read").dataset;
    assert_eq!((data.rows(), data.features()), (ROWS, COLUMNS));
    Trainer::from_recipe(&recipe, &data).expect("fits").fit(&data).expect("trains")
}

#[test]
fn data_on_disk_is_trained_on_without_being_held_in_memory() {
    let folder = tempfile::tempdir().expect("folder");
    for (name, make) in [("a.safetensors", tensors as fn(&Path)), ("a.csv", table)] {
        let path = folder.path().join(name);
        make(&path);
        let before = peak();
        let outcome = train(&path, folder.path());
        assert_eq!(outcome.steps, 450);
        let grown = peak().saturating_sub(before);
        println!("{name}: {} MB of inputs, {} MB more memory", BYTES >> 20, grown >> 20);
        assert!(grown < BYTES / 3, "{name}: the memory grew by {grown} bytes");
    }
}
