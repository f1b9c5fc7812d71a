//! A column says how much each row counts.
use super::*;
use crate::recipe::{Examples, TokenSpec};

/// The recipe with a column of weights.
fn weighing(mut recipe: Recipe, weight: &str) -> Recipe {
    recipe.data.weight = Some(weight.to_owned());
    recipe
}

fn mse() -> Recipe {
    recipe(&[], &["y"], LossKind::Mse, 1)
}

const CSV: &str = "a,w,y\n1,0.5,10\n2,0,20\n3,2,30\n4,1,40\n";

/// The weights of rows in an order that jumps.
fn weights(path: &std::path::Path, recipe: &Recipe) -> Option<Vec<f32>> {
    let dataset = read(path, recipe).unwrap_or_else(|error| panic!("{}: {error}", path.display())).dataset;
    assert_eq!(dataset.weights(&[]).expect("read").is_some(), recipe.data.weight.is_some());
    dataset.weights(&[3, 0, 0, 2]).expect("read")
}

fn npz(weights: &[f32], shape: &[usize]) -> Folder {
    let folder = Folder::with("a.npz", "");
    let (x, y) = ([1.0, 2.0, 3.0, 4.0], [10.0, 20.0, 30.0, 40.0]);
    let arrays =
        [("x", NpzArray::Floats(&x, &[4])), ("y", NpzArray::Floats(&y, &[4])), ("w", NpzArray::Floats(weights, shape))];
    write_npz(&folder.file, &arrays).expect("written");
    folder
}

fn safetensors() -> Folder {
    let bytes: Vec<u8> =
        [1.0_f32, 2.0, 3.0, 4.0, 0.5, 0.0, 2.0, 1.0].iter().flat_map(|value| value.to_le_bytes()).collect();
    let view = |range| {
        ::safetensors::tensor::TensorView::new(::safetensors::Dtype::F32, vec![4], &bytes[range]).expect("fits")
    };
    let tensors = [("x", view(0..16)), ("y", view(0..16)), ("w", view(16..32))];
    Folder::with("a.safetensors", ::safetensors::serialize(tensors, None).expect("written"))
}

#[test]
fn every_kind_of_file_with_columns_has_them_in_memory_and_on_disk() {
    let expected = Some(vec![1.0, 0.5, 0.5, 2.0]);
    let arrays = recipe(&[], &[], LossKind::Mse, 1);
    for (folder, plain) in [
        (Folder::with("a.csv", CSV), mse()),
        (npz(&[0.5, 0.0, 2.0, 1.0], &[4]), arrays.clone()),
        (npz(&[0.5, 0.0, 2.0, 1.0], &[4, 1]), arrays.clone()),
        (safetensors(), arrays),
    ] {
        for stream in [false, true] {
            let mut recipe = weighing(plain.clone(), "w");
            recipe.data.stream = stream;
            assert_eq!(weights(&folder.file, &recipe), expected, "{}", folder.file.display());
        }
        assert_eq!(weights(&folder.file, &plain), None);
    }
    let parquet = weighing(recipe(&["a"], &["species"], LossKind::CrossEntropy, 3), "price");
    for content in [SNAPPY, ZSTD] {
        assert_eq!(weights(&Folder::with("a.parquet", content).file, &parquet), Some(vec![10.0, 1.25, 1.25, 5.0]));
    }
}

#[test]
fn a_weight_is_no_input_unless_it_is_named() {
    let names = |inputs: &[&str]| {
        let recipe = weighing(recipe(inputs, &["y"], LossKind::Mse, 1), "w");
        let dataset = csv_read(CSV, &recipe).expect("read").dataset;
        (dataset.feature_names.join(" "), dataset.target_names.join(" "))
    };
    assert_eq!(names(&[]), ("a".to_owned(), "y".to_owned()));
    assert_eq!(names(&["*"]).0, "a");
    assert_eq!(names(&["a", "w"]).0, "a w");
    // Rows without answers need no weights, and a column of them is no input there either.
    for text in [CSV, "a\n1\n2\n"] {
        let folder = Folder::with("a.csv", text);
        let found = read_inputs(&folder.file, &["a".to_owned()], &weighing(mse(), "w")).expect("read");
        assert_eq!(found.values[..2], [1.0, 2.0]);
    }
}

#[test]
fn parts_windows_texts_and_a_file_that_is_held_out_have_them_too() {
    let folder = Folder::with("a.csv", CSV);
    std::fs::write(folder.folder.path().join("b.csv"), "a,w,y\n5,7,50\n").expect("written");
    let whole = read(folder.folder.path(), &weighing(mse(), "w")).expect("read").dataset;
    assert_eq!(whole.weights(&[4, 0]).expect("read"), Some(vec![7.0, 0.5]));

    let mut held_out = weighing(mse(), "w");
    held_out.data.file = Some(folder.file.clone());
    held_out.data.validation_file = Some(folder.folder.path().join("b.csv"));
    let both = load(&held_out).expect("read").dataset;
    assert_eq!(both.weights(&[4, 2]).expect("read"), Some(vec![7.0, 2.0]));

    // Of a window of two rows that foretells the next one, the weight of that one counts.
    let mut windows = weighing(mse(), "w");
    windows.data.examples = Examples::Windows { length: 2, ahead: 1, horizon: 1, stride: 1 };
    let windows = read(&folder.file, &windows).expect("read").dataset;
    assert_eq!(windows.weights(&[1, 0]).expect("read"), Some(vec![1.0, 2.0]));

    let texts = Folder::with("a.csv", "text,w,y\nab,3,0\nba,4,1\n");
    let mut recipe = weighing(recipe(&[], &["y"], LossKind::CrossEntropy, 2), "w");
    let spec = TokenSpec { tokenizer: "characters".to_owned(), length: 2, vocabulary: 9 };
    recipe.data.examples = Examples::Text { spec };
    let texts = read(&texts.file, &recipe).expect("read").dataset;
    assert_eq!(texts.weights(&[1, 0]).expect("read"), Some(vec![4.0, 3.0]));
}

#[test]
fn rows_without_weights_count_one_beside_rows_that_have_some() {
    let rows = || Dataset::new(vec![1.0, 2.0], 1, Targets::Classes(vec![0, 1])).expect("a data set");
    let weighed = rows().with_weights(vec![0.25, 3.0]).expect("one for each");
    let of = |data: HeldOut| data.weights(&[3, 0, 1]).expect("read");
    assert_eq!(of(HeldOut::new(weighed.clone(), rows()).expect("they fit")), Some(vec![1.0, 0.25, 3.0]));
    assert_eq!(of(HeldOut::new(rows(), weighed).expect("they fit")), Some(vec![3.0, 1.0, 1.0]));
    assert_eq!(of(HeldOut::new(rows(), rows()).expect("they fit")), None);
}

#[test]
fn what_is_no_weight_is_refused_with_its_place() {
    let said = |text: &str, weight: &str| csv_read(text, &weighing(mse(), weight)).expect_err("refused");
    let of_array = |weights: &[f32], shape: &[usize]| {
        npz(weights, shape).read(&weighing(recipe(&[], &[], LossKind::Mse, 1), "w")).expect_err("refused")
    };
    let code = |weights: &[f32]| {
        let rows = Dataset::new(vec![1.0, 2.0], 1, Targets::Classes(vec![0, 1])).expect("a data set");
        rows.with_weights(weights.to_vec()).expect_err("refused").to_string()
    };
    let said = [
        said(&CSV.replace("2,0,", "2,-1,"), "w"),
        said(&CSV.replace("2,0,", "2,,"), "w"),
        said(&CSV.replace("2,0,", "2,inf,"), "w"),
        said(&CSV.replace("2,0,", "2,1e39,"), "w"),
        said(&CSV.replace("2,0,", "2,much,"), "w"),
        said("a,w,y\n1,much,10\n2,less,20\n", "w"),
        said(&CSV.replace(",w,", ",weight,"), "wieght"),
        said(CSV, "y"),
        of_array(&[0.5, -2.0, 2.0, 1.0], &[4]),
        of_array(&[0.5; 8], &[4, 2]),
        of_array(&[0.5; 3], &[3]),
        npz(&[1.0; 4], &[4]).read(&weighing(recipe(&[], &[], LossKind::Mse, 1), "v")).expect_err("refused"),
        code(&[1.0]),
        code(&[1.0, f32::NAN]),
    ];
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn weights_that_are_all_0_are_noted() {
    let nothing = CSV.replace("0.5", "0").replace(",2,", ",0,").replace(",1,", ",0,");
    let folder = Folder::with("a.csv", nothing);
    let loaded = folder.read(&weighing(mse(), "w")).expect("read");
    assert_eq!(folder.notes(&loaded), "a.csv: every weight in column \"w\" is 0, so that nothing is learned");
}

#[test]
fn examples_without_columns_refuse_them() {
    let said = |examples: &str| {
        let text = format!(
            "[data]\nfile = \"a\"\nweight = \"w\"\n{examples}\n[[layers]]\nkind = \"dense\"\nunits = 2\n[loss]\nkind = \"cross_entropy\"\n"
        );
        Recipe::parse(&text, "r.toml").expect_err("refused").to_string()
    };
    for examples in
        ["examples = { kind = \"images\", height = 8, width = 8 }", "examples = { kind = \"next_tokens\", length = 4 }"]
    {
        let said = said(examples);
        assert!(said.contains("data.weight does not go with examples of the kind"), "{said}");
    }
}
