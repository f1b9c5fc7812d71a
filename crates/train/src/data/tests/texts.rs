//! Text as tokens.
use super::*;
use crate::recipe::TokenSpec;

const REVIEWS: &str = "id,review,mood\n1,\"Good, good film!\",good\n2,a bad film,bad\n3,,bad\n4,Good,good\n";

fn spec(tokenizer: &str, length: u64) -> TokenSpec {
    TokenSpec { tokenizer: tokenizer.to_owned(), length, vocabulary: 100 }
}

fn of_reviews(spec: TokenSpec) -> Recipe {
    let mut recipe = recipe(&["review"], &["mood"], LossKind::CrossEntropy, 2);
    recipe.data.examples = Examples::Text { spec };
    recipe
}

fn next_tokens(spec: TokenSpec, stride: Option<u64>) -> Recipe {
    let mut recipe = recipe(&[], &[], LossKind::CrossEntropy, 2);
    recipe.data.examples = Examples::NextTokens { spec, stride };
    recipe
}

fn rows(source: &dyn RowSource) -> Vec<f32> {
    let mut inputs = Vec::new();
    source.inputs(&(0..source.rows()).collect::<Vec<_>>(), &mut inputs).expect("read");
    inputs
}

#[test]
fn texts_become_rows_of_tokens_cut_or_filled_up() {
    let folder = Folder::with("a.csv", REVIEWS);
    let loaded = read(&folder.file, &of_reviews(spec("words", 4))).expect("read");
    // By how common they are, then by the alphabet: good, film, "!", ",", a, bad.
    let wanted = [[2.0, 5.0, 2.0, 3.0], [6.0, 7.0, 3.0, 0.0], [0.0; 4], [2.0, 0.0, 0.0, 0.0]];
    assert_eq!(rows(&loaded.dataset), wanted.concat());
    assert_eq!(loaded.dataset.targets(&[0, 1]).expect("read"), Targets::Classes(vec![1, 0]));
    assert_eq!(
        (loaded.dataset.class_names(), loaded.task),
        (&["bad".to_owned(), "good".to_owned()][..], Task::Multiclass)
    );
    insta::assert_snapshot!(folder.without_folder(&loaded.report.notes.join("\n")));

    // What was learned is a file that the library reads back.
    let json = folder.folder.path().join("tokenizer.json");
    std::fs::write(&json, loaded.tokenizer.expect("text has one")).expect("written");
    let again = read(&folder.file, &of_reviews(spec(&json.display().to_string(), 4))).expect("read");
    assert_eq!(rows(&again.dataset), wanted.concat());
}

#[test]
fn a_vocabulary_is_learned_from_the_training_rows_and_no_larger_than_asked() {
    let mut text = "review,mood\n".to_owned();
    for row in 0..40 {
        let _ = writeln!(text, "word{row},{}", row % 2);
    }
    let folder = Folder::with("a.csv", text);
    let mut recipe = of_reviews(spec("words", 1));
    recipe.data.validation = 0.25;
    let data = read(&folder.file, &recipe).expect("read").dataset;
    let Split { train, validation } = Split::new(40, 0.25, recipe.seed);
    let tokens = rows(&data);
    assert!(validation.iter().all(|&row| tokens[row as usize] == 1.0), "what was not learned is unknown: {tokens:?}");
    assert!(train.iter().all(|&row| tokens[row as usize] > 1.0));
    let small = TokenSpec { vocabulary: 12, ..spec("words", 1) };
    let largest = rows(&read(&folder.file, &of_reviews(small)).expect("read").dataset).into_iter().fold(0.0, f32::max);
    assert_eq!(largest, 11.0);
}

#[test]
fn each_token_of_a_long_text_is_answered_by_the_next() {
    let folder = Folder::with("a.txt", "abcab\nabd");
    let loaded = read(&folder.file, &next_tokens(spec("characters", 3), Some(2))).expect("read");
    let data = &loaded.dataset;
    let names = data.class_names();
    let text = |ids: &[f32]| ids.iter().map(|&id| names[id as usize].as_str()).collect::<String>();
    assert_eq!((data.rows(), data.features(), data.task()), (3, 3, Some(Task::Multiclass)));
    assert_eq!(text(&rows(data)), "abccabb\na");
    let Targets::Real { values, columns } = data.targets(&[0, 1, 2]).expect("read") else { panic!("numbers") };
    assert_eq!((columns, text(&values)), (3, "bcaab\n\nab".to_owned()));
    assert_eq!(names[..4], ["[PAD]", "[UNK]", "a", "b"]);
    insta::assert_snapshot!(folder.without_folder(&loaded.report.notes.join("\n")));
}

#[test]
fn what_is_wrong_with_a_text_is_said() {
    let reviews = Folder::with("a.csv", REVIEWS);
    let said = |folder: &Folder, recipe: &Recipe| {
        folder.without_folder(&read(&folder.file, recipe).expect_err("wrong").to_string())
    };
    let mut two = of_reviews(spec("words", 4));
    two.data.inputs = vec!["id".to_owned(), "review".to_owned()];
    let json = reviews.folder.path().join("tokenizer.json");
    std::fs::write(&json, "{\"model\": 3}").expect("written");
    let broken = said(&reviews, &of_reviews(spec(&json.display().to_string(), 4)));
    let said = [
        said(&reviews, &two),
        said(&reviews, &of_reviews(spec("word", 4))),
        said(&reviews, &of_reviews(spec(&reviews.folder.path().join("tokeniser.json").display().to_string(), 4))),
        said(&Folder::with("a.npz", PLAIN_NPZ), &of_reviews(spec("words", 4))),
        said(&Folder::with("a.txt", b"good\nbad \xff"), &next_tokens(spec("words", 4), None)),
        said(&Folder::with("a.txt", ""), &next_tokens(spec("words", 4), None)),
        said(&Folder::with("a.txt", "one two three four"), &next_tokens(spec("words", 4), None)),
    ]
    .join("\n");
    insta::assert_snapshot!(said);
    assert!(broken.contains("is no tokenizer that can be read"), "{broken}");
}

#[test]
fn texts_of_a_parquet_file_are_read() {
    let folder = Folder::with("a.parquet", SNAPPY);
    let mut recipe = recipe(&["species"], &["flag"], LossKind::CrossEntropy, 2);
    recipe.data.examples = Examples::Text { spec: spec("words", 1) };
    let data = read(&folder.file, &recipe).expect("read").dataset;
    assert_eq!(rows(&data), [2.0, 4.0, 2.0, 3.0]);
    recipe.data.inputs = vec!["a".to_owned()];
    let said = folder.without_folder(&read(&folder.file, &recipe).expect_err("numbers").to_string());
    insta::assert_snapshot!(said, @r#"a.parquet: row 0: column "a" holds numbers, and a text is wanted; name another column with data.inputs"#);
}

#[test]
fn numbers_of_tokens_are_not_judged_as_measures() {
    let mut text = "review,mood\n".to_owned();
    for row in 0..200 {
        let _ = writeln!(text, "word{row} and word{} or so,{}", row * 7 % 200, row % 2);
    }
    let folder = Folder::with("a.csv", text);
    let mut recipe = of_reviews(TokenSpec { vocabulary: 300, ..spec("words", 6) });
    let dense = recipe.clone();
    let embedding = "[[layers]]\nkind = \"embedding\"\nvocabulary = 300\ndimension = 4\n[[layers]]\nkind = \"flatten\"\n[[layers]]\nkind = \"dense\"\nunits = 2\n[loss]\nkind = \"cross_entropy\"\n";
    recipe.layers = Recipe::parse(embedding, "a.toml").expect("valid").layers;
    let found = |recipe| super::streaming::found(&folder.file, recipe);
    assert!(found(&dense).iter().any(|name| name == "inputs-not-normalized"));
    assert_eq!(found(&recipe), Vec::<String>::new());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_and_no_tokenizer_panics(text in any::<String>(), at in 0.0..1.0_f64, byte: u8, cut: bool) {
        let folder = Folder::with("a.txt", &text);
        for tokenizer in ["words", "characters"] {
            let Ok(loaded) = read(&folder.file, &next_tokens(spec(tokenizer, 2), None)) else { continue };
            let tokens = rows(&loaded.dataset);
            let vocabulary = loaded.dataset.class_names().len() as f32;
            prop_assert!(tokens.iter().all(|&token| (0.0..vocabulary).contains(&token)));
            let json = folder.folder.path().join("tokenizer.json");
            std::fs::write(&json, damaged(loaded.tokenizer.unwrap_or_default().as_bytes(), at, byte, cut)).expect("written");
            let _ = read(&folder.file, &next_tokens(spec(&json.display().to_string(), 2), None));
        }
    }
}
