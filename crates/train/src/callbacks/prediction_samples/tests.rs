use super::answer::{answer, truth};
use super::*;
use crate::callbacks::tests::begin_in;
use crate::metrics::{Answers, Scoring};
use crate::recipe::Task;
use barograph_vocab::Sample;

const LOGITS: Scoring = Scoring { task: Task::Multiclass, logits: true, aligned: true };

fn samples<'a>(outputs: &'a [f32], width: usize, targets: Answers<'a>, scoring: Scoring) -> Samples<'a> {
    Samples {
        epoch: 0,
        rows: &[4, 9][..outputs.len() / width],
        held_out: &[true, false],
        inputs: &[0.5, 1.5, 2.5, f32::NAN],
        image: None,
        targets,
        class_names: &[],
        outputs,
        width,
        scoring,
    }
}

/// The answer, whether it is right, and what is.
fn said(samples: &Samples<'_>) -> (String, Option<bool>, String) {
    let given = answer(samples, 0);
    (given.text, given.right, truth(samples, 0).0)
}

fn expected(text: &str, right: Option<bool>, truth: &str) -> (String, Option<bool>, String) {
    (text.to_owned(), right, truth.to_owned())
}

#[test]
fn a_nan_is_a_wrong_answer() {
    let outputs = [1.0, f32::NAN, 0.0];
    let given = answer(&samples(&outputs, 3, Answers::Classes(&[1]), LOGITS), 0);
    assert_eq!((given.text.as_str(), given.right), ("NaN", Some(false)));
    assert!(given.value.is_some_and(f64::is_nan));
    let binary = Scoring { task: Task::Binary, ..LOGITS };
    assert_eq!(said(&samples(&[f32::NAN], 1, Answers::Classes(&[0]), binary)), expected("NaN", Some(false), "0"));
}

#[test]
fn classes_have_names_and_probabilities() {
    let names = ["cat".to_owned(), "dog".to_owned()];
    let outputs = [0.0, 1.0];
    let samples = Samples { class_names: &names, ..samples(&outputs, 2, Answers::Classes(&[0]), LOGITS) };
    assert_eq!(said(&samples), expected("dog", Some(false), "cat"));
    let value = answer(&samples, 0).value.unwrap();
    assert!((value - 1.0 / (1.0 + 1.0_f64.exp())).abs() < 1e-9, "{value}");
    let large = super::answer::answer(&Samples { outputs: &[1e4, -1e4], ..samples }, 0);
    assert_eq!((large.right, large.value), (Some(true), Some(1.0)));
}

#[test]
fn a_single_output_says_yes_or_no() {
    let of = |logits| Scoring { task: Task::Binary, logits, aligned: true };
    assert_eq!(said(&samples(&[0.4], 1, Answers::Classes(&[1]), of(true))), expected("1", Some(true), "1"));
    assert_eq!(said(&samples(&[0.4], 1, Answers::Classes(&[1]), of(false))), expected("0", Some(false), "1"));
    assert_eq!(said(&samples(&[0.4], 1, Answers::Real(&[0.0]), of(false))), expected("0", Some(true), "0"));
}

#[test]
fn labels_numbers_and_what_has_no_place_in_time() {
    let labels = Scoring { task: Task::Multilabel, ..LOGITS };
    let outputs = [1.0, -1.0, 2.0];
    assert_eq!(
        said(&samples(&outputs, 3, Answers::Real(&[1.0, 0.0, 1.0]), labels)),
        expected("0, 2", Some(true), "0, 2")
    );
    assert_eq!(said(&samples(&[-1.0; 3], 3, Answers::Real(&[0.0; 3]), labels)), expected("none", Some(true), "none"));
    let numbers = Scoring { task: Task::Regression, ..LOGITS };
    let outputs = [0.123_456, f32::NEG_INFINITY];
    assert_eq!(
        said(&samples(&outputs, 2, Answers::Real(&[1e-9, 3.0]), numbers)),
        expected("0.1235, -inf", None, "1.000e-9, 3")
    );
    let steps = Scoring { aligned: false, ..LOGITS };
    assert_eq!(said(&samples(&outputs, 2, Answers::Real(&[3.0]), steps)), expected("0.1235, -inf", None, "3"));
    // Two time steps of two classes.
    let outputs = [0.0, 1.0, 2.0, 3.0];
    assert_eq!(said(&samples(&outputs, 4, Answers::Real(&[1.0, 0.0]), LOGITS)).1, None);
}

#[test]
fn what_was_kept_can_be_read_back_with_its_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let mut callback = PredictionSamples::drawn(2);
    begin_in(&mut callback, 2, Some(folder.path()));
    let first =
        Samples { image: Some([1, 1, 2]), ..samples(&[0.0, 1.0, 5.0, f32::NAN], 2, Answers::Classes(&[0, 1]), LOGITS) };
    assert_eq!(callback.samples(&first), Action::Continue);
    callback.samples(&Samples { epoch: 1, outputs: &[2.0, 1.0, 0.0, 1.0], ..first });
    assert_eq!(callback.trouble(), None);
    let kept = load_samples(folder.path()).unwrap();
    assert_eq!(kept.iter().map(|sample| (sample.row, sample.held_out)).collect::<Vec<_>>(), [(4, true), (9, false)]);
    assert!(kept.iter().all(|sample| sample.picture.as_ref().is_some_and(|bytes| bytes.starts_with(b"\x89PNG"))));
    let told = |sample: &Sample| sample.answers.iter().map(|answer| answer.text.clone()).collect::<Vec<_>>();
    assert_eq!(
        (told(&kept[0]), told(&kept[1])),
        (vec!["1".to_owned(), "0".to_owned()], vec!["NaN".to_owned(), "1".to_owned()])
    );
    assert_eq!(kept[0].truth, "0");
    assert!(kept[1].answers[0].value.is_some_and(f64::is_nan));
}

#[test]
fn a_resumed_training_writes_no_epoch_twice() {
    let folder = tempfile::tempdir().unwrap();
    let outputs = [0.0, 1.0];
    let shown = samples(&outputs, 2, Answers::Classes(&[0]), LOGITS);
    let mut first = PredictionSamples::rows([4]);
    begin_in(&mut first, 2, Some(folder.path()));
    first.samples(&shown);
    let state = first.state();
    first.samples(&Samples { epoch: 1, ..shown });
    let mut resumed = PredictionSamples::rows([4]);
    resumed.restore(&state).unwrap();
    begin_in(&mut resumed, 2, Some(folder.path()));
    resumed.samples(&Samples { epoch: 1, ..shown });
    let kept = load_samples(folder.path()).unwrap();
    assert_eq!(kept[0].answers.iter().map(|answer| answer.epoch).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn files_that_are_odd_are_refused_or_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(load_samples(folder.path()), Ok(Vec::new()));
    let inside = folder.path().join(FOLDER);
    std::fs::create_dir(&inside).unwrap();
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    let sample = r#"{"row":1,"held_out":true,"picture":"../secret","inputs":"","truth":"<b>","target":"NaN"}"#;
    std::fs::write(inside.join(kept::SAMPLES), format!("{{\"samples\":[{sample}]}}")).unwrap();
    let lines = "nonsense\n{\"epoch\":0,\"row\":7,\"answer\":\"a\",\"right\":null,\"value\":1}\n{\"epoch\":0,\"row\":1,\"answer\":\"a\",\"right\":null,\"value\":\"-Infinity\"}\n{\"epo";
    std::fs::write(inside.join(kept::ANSWERS), lines).unwrap();
    let kept = load_samples(folder.path()).unwrap();
    assert_eq!((kept.len(), kept[0].picture.as_ref(), kept[0].answers.len()), (1, None, 1));
    assert!(kept[0].target.is_some_and(f64::is_nan));
    assert_eq!(kept[0].answers[0].value, Some(f64::NEG_INFINITY));
    std::fs::write(inside.join(kept::SAMPLES), "[").unwrap();
    assert!(load_samples(folder.path()).unwrap_err().contains("samples.json"));
}

#[test]
fn a_training_without_a_folder_or_with_an_unwritable_one_goes_on() {
    for folder in [None, Some(Path::new("/dev/null"))] {
        let mut callback = PredictionSamples::drawn(1);
        begin_in(&mut callback, 2, folder);
        assert_eq!(callback.samples(&samples(&[0.0, 1.0], 2, Answers::Classes(&[0]), LOGITS)), Action::Continue);
        assert!(callback.trouble().is_some());
    }
}
