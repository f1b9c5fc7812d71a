//! What `barograph demo` brings along: recipes, each with one mistake, and real handwritten digits.

use anyhow::{Context as _, Result};
use barograph_train::recipe::Recipe;
use clap::ValueEnum;
use std::path::Path;

/// The data, see `data/README.md`.
const DIGITS: &str = include_str!("../../../../data/digits.csv");

/// Their file in the folder of a demo.
const DATA_FILE: &str = "digits.csv";

/// The recipe's file in the folder of a demo.
pub(crate) const RECIPE_FILE: &str = "recipe.toml";

/// The line (from 0, the first names the columns) and the column of the cell that [`Fault::NanRow`] leaves empty.
const EMPTIED: (usize, usize) = (701, 28);

/// What is wrong with the training that the demo shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fault {
    /// Steps that are too large.
    Lr,
    /// A loss written by hand that takes the logarithm of zero.
    Log0,
    /// One empty cell in the data.
    NanRow,
    /// Hidden units that never fire.
    DeadRelu,
    /// Softmax before a loss that applies its own.
    DoubleSoftmax,
    /// First weights that are all the same.
    Init,
}

impl Fault {
    /// The word for it on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Lr => "lr",
            Self::Log0 => "log0",
            Self::NanRow => "nan-row",
            Self::DeadRelu => "dead-relu",
            Self::DoubleSoftmax => "double-softmax",
            Self::Init => "init",
        }
    }

    const fn recipe(self) -> &'static str {
        match self {
            Self::Lr => include_str!("../../../../recipes/demo/lr.toml"),
            Self::Log0 => include_str!("../../../../recipes/demo/log0.toml"),
            Self::NanRow => include_str!("../../../../recipes/demo/nan-row.toml"),
            Self::DeadRelu => include_str!("../../../../recipes/demo/dead-relu.toml"),
            Self::DoubleSoftmax => include_str!("../../../../recipes/demo/double-softmax.toml"),
            Self::Init => include_str!("../../../../recipes/demo/init.toml"),
        }
    }

    fn data(self) -> String {
        if self == Self::NanRow { with_empty_cell(DIGITS, EMPTIED) } else { DIGITS.to_owned() }
    }

    /// Writes recipe and data into a folder and reads the recipe back, as a user's would be.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub(crate) fn unpack(self, folder: &Path) -> Result<Recipe> {
        std::fs::create_dir_all(folder).with_context(|| {
            format!("{}: cannot make the folder; choose another place with --run-dir", folder.display())
        })?;
        let mut recipe = Recipe::parse(self.recipe(), "the demo's recipe")?;
        recipe.set("data.file", DATA_FILE)?;
        let path = folder.join(RECIPE_FILE);
        crate::observed::write(&folder.join(DATA_FILE), &self.data())?;
        crate::observed::write(&path, &recipe.text())?;
        Ok(Recipe::load(&path)?)
    }
}

/// A CSV text with one cell left empty.
fn with_empty_cell(csv: &str, (line, column): (usize, usize)) -> String {
    let lines = csv.lines().enumerate().map(|(number, text)| {
        let cells = text.split(',').enumerate();
        let cells = cells.map(|(place, cell)| if (number, place) == (line, column) { "" } else { cell });
        cells.collect::<Vec<_>>().join(",")
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::{DIGITS, EMPTIED, Fault, with_empty_cell};
    use barograph_train::recipe::Recipe;
    use clap::ValueEnum as _;

    #[test]
    fn every_recipe_is_sound_and_knows_its_name() {
        for fault in Fault::value_variants() {
            let recipe = Recipe::parse(fault.recipe(), fault.name()).expect("a sound recipe");
            assert_eq!(recipe.name, fault.name());
            assert_eq!(
                fault.to_possible_value().map(|value| value.get_name().to_owned()).as_deref(),
                Some(fault.name())
            );
        }
    }

    #[test]
    fn one_cell_is_emptied() {
        assert_eq!(with_empty_cell("a,b\n1,2\n", (1, 1)), "a,b\n1,\n");
        let changed = with_empty_cell(DIGITS, EMPTIED);
        let different: Vec<_> = DIGITS.lines().zip(changed.lines()).filter(|(old, new)| old != new).collect();
        assert_eq!(different.len(), 1);
    }
}
