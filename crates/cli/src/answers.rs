//! What a network answers, as a table or as arrays.
use anyhow::{Context as _, Result};
use barograph_train::data::{NpzArray, RowNames, write_npz};
use barograph_train::recipe::Recipe;
use barograph_train::{Network, Predictions, Preprocessing};
use std::path::Path;

/// What each output of a network answers for some rows. Where each of several time steps has a class, a table holds the classes alone: the scores
/// would be too many to read, and arrays have them.
pub(crate) struct Answers(Vec<Answer>);

/// What one output answers.
struct Answer {
    /// What its class is called; and the array of what it puts out.
    names: [String; 2],
    found: Predictions,
}

impl Answers {
    /// The answers of a recipe's network: one, or those of `[[outputs]]`.
    pub(crate) fn of(found: Predictions, recipe: &Recipe, network: &Network, preprocessing: &Preprocessing) -> Self {
        if recipe.outputs.is_empty() {
            let names = ["prediction", "outputs"].map(str::to_owned);
            return Self(vec![Answer { names, found }]);
        }
        let parts =
            found.of_outputs(&recipe.outputs, &network.output_widths(), preprocessing).into_iter().zip(&recipe.outputs);
        let answer = |(found, output): (_, &barograph_train::recipe::OutputSpec)| Answer {
            names: [output.name.clone(), format!("{}_outputs", output.name)],
            found,
        };
        Self(parts.map(answer).collect())
    }

    /// A line for each row, after one with names; `rows` says what the rows are called.
    pub(crate) fn as_csv(&self, rows: Option<&RowNames>) -> String {
        let heads = self.0.iter().flat_map(Answer::heads);
        let mut out = line(rows.map(|names| names.head.to_owned()).into_iter().chain(heads));
        for row in 0..self.0.first().map_or(0, |answer| answer.found.rows()) {
            let name = rows.and_then(|names| names.rows.get(row).cloned());
            out += &line(name.into_iter().chain(self.0.iter().flat_map(|answer| answer.cells(row))));
        }
        out
    }

    /// Writes a `.npz`.
    pub(crate) fn write_arrays(&self, path: &Path) -> Result<()> {
        let owned: Vec<Vec<i64>> =
            self.0.iter().map(|answer| answer.found.classes.iter().map(|&class| class as i64).collect()).collect();
        let shapes: Vec<[Vec<usize>; 2]> = self
            .0
            .iter()
            .map(|Answer { found, .. }| {
                let classes = if found.steps == 1 { vec![found.rows()] } else { vec![found.rows(), found.steps] };
                [classes, vec![found.rows(), found.columns.len()]]
            })
            .collect();
        let mut arrays = Vec::new();
        for ((Answer { names: [class, outputs], found }, classes), [of_classes, of_outputs]) in
            self.0.iter().zip(&owned).zip(&shapes)
        {
            arrays.push((outputs.as_str(), NpzArray::Floats(&found.outputs, of_outputs)));
            if !classes.is_empty() {
                arrays.push((class.as_str(), NpzArray::Integers(classes, of_classes)));
            }
        }
        write_npz(path, &arrays).with_context(|| format!("{}: cannot write the file", path.display()))
    }
}

impl Answer {
    /// Classes in a row; 0 where it answers with numbers.
    fn steps(&self) -> usize {
        if self.found.classes.is_empty() { 0 } else { self.found.steps }
    }

    fn heads(&self) -> impl Iterator<Item = String> {
        let (name, steps) = (&self.names[0], self.steps());
        // Of several time steps the last one is 0, as of the rows of a window.
        let class = move |step: usize| {
            if steps == 1 { name.clone() } else { format!("{name}[{}]", step as i64 + 1 - steps as i64) }
        };
        let columns = if steps > 1 { &[] } else { self.found.columns.as_slice() };
        (0..steps).map(class).chain(columns.iter().cloned())
    }

    fn cells(&self, row: usize) -> impl Iterator<Item = String> {
        let (steps, width) = (self.steps(), self.found.columns.len());
        let classes =
            self.found.classes[row * steps..(row + 1) * steps].iter().map(|&class| self.found.class_name(class));
        let outputs = if steps > 1 { &[] } else { &self.found.outputs[row * width..(row + 1) * width] };
        // As many digits as it takes to get the very number back.
        classes.chain(outputs.iter().map(ToString::to_string))
    }
}

/// A line of cells, in quotes where they need them (RFC 4180).
fn line(cells: impl Iterator<Item = String>) -> String {
    let cell = |text: String| {
        if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    cells.map(cell).collect::<Vec<_>>().join(",") + "\n"
}
