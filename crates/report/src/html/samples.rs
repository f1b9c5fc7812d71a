//! Rows with what the model answered for them, epoch by epoch.
use super::markup::{coordinate, element, text};
use crate::add::add;
use crate::number::{count, number};
use barograph_vocab::{Sample, SampleAnswer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Bytes of all pictures of a page; rows beyond have none (our choice: it bounds the page).
const MOST_BYTES: usize = 2 << 20;

/// What each PNG file begins with.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Answers that are named where they changed; those in between are counted (our choice).
const CHANGES: usize = 5;

/// Most points of a curve (our choice: one unit each).
const POINTS: usize = 112;

const WIDTH: f64 = 112.0;
const HEIGHT: f64 = 30.0;

/// A grid of rows; nothing where there are none.
pub(super) fn grid(samples: &[Sample]) -> String {
    if samples.is_empty() {
        return String::new();
    }
    let mut bytes = 0;
    let figures: String = samples
        .iter()
        .map(|sample| {
            let picture = sample.picture.as_deref().filter(|picture| picture.starts_with(PNG));
            let picture = picture.filter(|picture| bytes + picture.len() <= MOST_BYTES);
            bytes += picture.map_or(0, <[u8]>::len);
            figure(sample, picture)
        })
        .collect();
    let held_out = samples.iter().filter(|sample| sample.held_out).count();
    let from = match held_out {
        0 => "that the model learns from",
        some if some == samples.len() => "that the model does not learn from",
        _ => "of the data",
    };
    let note = format!(
        "What the model answered for the same rows, {from}, after each epoch. A curve is the probability of the right answer, from 0 to 1, \
         or the first number that was answered, with the right one dashed."
    );
    format!("{}<div class=\"samples\">{figures}</div>", element("p", "quiet", &note))
}

fn figure(sample: &Sample, picture: Option<&[u8]>) -> String {
    let row = format!("row {}", count(sample.row));
    let mut out = match picture {
        Some(picture) => {
            format!("<img alt=\"{row} of the data\" src=\"data:image/png;base64,{}\"/>", STANDARD.encode(picture))
        }
        None => element("p", "inputs", &text(&sample.inputs)),
    };
    let last = sample.answers.last();
    let answer = last.map_or_else(|| "no answer yet".to_owned(), |answer| text(&answer.text));
    let class = match last.and_then(|answer| answer.right) {
        Some(true) => "right",
        Some(false) => "wrong",
        None => "",
    };
    let truth = if class == "right" { String::new() } else { format!("right: {}, ", text(&sample.truth)) };
    let origin = if sample.held_out { "held out" } else { "learned from" };
    let below = element("small", "quiet", &format!("{truth}{row}, {origin}"));
    out.push_str(&element("figcaption", "", &format!("{}{below}", element("span", class, &answer))));
    out.push_str(&curve(sample));
    out.push_str(&element("small", "quiet", &changes(&sample.answers)));
    element("figure", "", &out)
}

/// `epoch 1: 8; 4: 3`: when the answer changed. A row of numbers, which always change, says nothing.
fn changes(answers: &[SampleAnswer]) -> String {
    if answers.iter().any(|answer| answer.right.is_none()) {
        return String::new();
    }
    let first_or_new = |at: &usize| *at == 0 || answers[*at - 1].text != answers[*at].text;
    let starts: Vec<usize> = (0..answers.len()).filter(first_or_new).collect();
    let name = |at: &usize| format!("{}: {}", count(answers[*at].epoch + 1), text(&answers[*at].text));
    if starts.len() < 2 {
        return if starts.is_empty() { String::new() } else { "the same after every epoch".to_owned() };
    }
    let beyond = starts.len().saturating_sub(CHANGES);
    let mut named: Vec<String> = starts.iter().take(CHANGES.min(starts.len()) - 1).map(name).collect();
    if beyond > 0 {
        named.push(format!("{} more", count(beyond as u64)));
    }
    named.extend(starts.last().map(name));
    format!("epoch {}", named.join("; "))
}

/// The value of the answers over the epochs, where there are several. What is not finite is a mark at the bottom.
fn curve(sample: &Sample) -> String {
    let values: Vec<f64> = sample.answers.iter().filter_map(|answer| answer.value).collect();
    if values.len() < 2 || values.len() != sample.answers.len() {
        return String::new();
    }
    let is_share = sample.answers.iter().all(|answer| answer.right.is_some());
    let finite = || values.iter().chain(&sample.target).copied().filter(|value| value.is_finite());
    let [low, high] = match is_share {
        true => [0.0, 1.0],
        false => [finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max)],
    };
    let span = if high > low { high - low } else { 1.0 };
    let y = |value: f64| coordinate(((high - value) / span).clamp(0.0, 1.0) * (HEIGHT - 6.0) + 2.0);
    let x = |at: usize| at as f64 / (values.len() - 1) as f64 * WIDTH;
    let (mut path, mut bad) = (String::new(), String::new());
    let (mut pen_is_up, every) = (true, values.len().div_ceil(POINTS));
    for (at, &value) in values.iter().enumerate() {
        if !value.is_finite() {
            add(&mut bad, format_args!("M{} {HEIGHT}v-4", coordinate(x(at))));
            pen_is_up = true;
        } else if pen_is_up || at.is_multiple_of(every) || at + 1 == values.len() {
            add(&mut path, format_args!("{}{} {}", if pen_is_up { 'M' } else { 'L' }, coordinate(x(at)), y(value)));
            pen_is_up = false;
        }
    }
    let target = sample.target.filter(|target| target.is_finite() && !is_share);
    let target = target
        .map_or_else(String::new, |target| format!("<path class=\"target\" d=\"M0 {0}L{WIDTH} {0}\"/>", y(target)));
    let bad = match bad.is_empty() {
        true => bad,
        false => format!("<path class=\"line notfinite\" d=\"{bad}\"/>"),
    };
    let [first, last] = [values[0], values[values.len() - 1]].map(number);
    let label = format!("from {first} to {last} over {} epochs", count(values.len() as u64));
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{label}\">{target}<path class=\"line l\" d=\"{path}\"/>{bad}</svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::{changes, curve, grid};
    use barograph_vocab::{Sample, SampleAnswer};

    fn answers(texts: &[&str]) -> Vec<SampleAnswer> {
        let answer = |(epoch, text): (usize, &&str)| SampleAnswer {
            epoch: epoch as u64,
            text: (*text).to_owned(),
            right: Some(*text == "3"),
            value: Some(if *text == "NaN" { f64::NAN } else { 0.5 }),
        };
        texts.iter().enumerate().map(answer).collect()
    }

    #[test]
    fn changes_are_named_with_their_epochs() {
        assert_eq!(changes(&[]), "");
        assert_eq!(changes(&answers(&["3", "3"])), "the same after every epoch");
        assert_eq!(changes(&answers(&["8", "8", "3", "NaN"])), "epoch 1: 8; 3: 3; 4: NaN");
        let many = answers(&["1", "2", "1", "2", "1", "2", "3"]);
        assert_eq!(changes(&many), "epoch 1: 1; 2: 2; 3: 1; 4: 2; 2 more; 7: 3");
    }

    #[test]
    fn a_nan_leaves_a_gap_and_a_mark() {
        let sample = Sample { answers: answers(&["3", "8", "NaN", "8", "3"]), ..Sample::default() };
        let svg = curve(&sample);
        assert!(svg.contains("d=\"M0 14L28 14M84 14L112 14\"") && svg.contains("d=\"M56 30v-4\""), "{svg}");
        let all_bad = Sample { answers: answers(&["NaN", "NaN"]), ..Sample::default() };
        assert!(curve(&all_bad).contains("M0 30v-4M112 30v-4"));
    }

    #[test]
    fn texts_are_inert_and_only_png_files_are_shown() {
        let mut sample = Sample { answers: answers(&["<script>"]), truth: "<img>".to_owned(), ..Sample::default() };
        sample.picture = Some(b"<svg onload='x'>".to_vec());
        let page = grid(&[sample]);
        assert!(page.contains("&lt;script&gt;") && page.contains("&lt;img&gt;"));
        assert!(!page.contains("<script") && !page.contains("<img"));
    }
}
