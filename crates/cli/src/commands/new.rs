//! `barograph new`: a first recipe for a data file.
use crate::exit::ExitCode;
use crate::screen;
use anyhow::{Context as _, Result, bail};
use barograph_train::recipe::new_recipe;
use clap::Args;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

/// Look at a CSV file and write a commented recipe that fits it.
///
/// The target is the column named label, target, y, class or outcome, or else the last one. Text labels and few whole numbers make a
/// classification, all else a regression. Read the recipe before you train it: it is a guess.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph new --data iris.csv\n  barograph new --data data/house.csv --output house.toml\n  \
                        barograph new --data iris.csv --output - | less"
)]
pub(super) struct New {
    /// The data: a .csv file whose first line names the columns.
    #[arg(long, value_name = "FILE.csv")]
    data: PathBuf,
    /// Where the recipe goes; `-` prints it.
    #[arg(long, short, value_name = "FILE", default_value = "recipe.toml")]
    output: PathBuf,
    /// Overwrite a file that is there already.
    #[arg(long)]
    force: bool,
}

impl New {
    pub(super) fn run(self) -> Result<ExitCode> {
        if self.output == Path::new("-") {
            screen::print(&new_recipe(&self.data, &self.data.display().to_string())?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let folder = self.output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let recipe = new_recipe(&self.data, &seen_from(folder, &self.data))?;
        self.write(&recipe)?;
        screen::print(&format!("wrote {0}; now: barograph train {0}\n", self.output.display()))?;
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, recipe: &str) -> Result<()> {
        let name = self.output.display();
        let mut options = OpenOptions::new();
        let options = options.write(true);
        let options = if self.force { options.create(true).truncate(true) } else { options.create_new(true) };
        match options.open(&self.output) {
            Ok(mut file) => {
                file.write_all(recipe.as_bytes()).with_context(|| format!("{name}: cannot write the recipe"))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{name}: exists already; choose another name with --output, or overwrite it with --force")
            }
            Err(error) => Err(error).with_context(|| format!("{name}: cannot write the recipe")),
        }
    }
}

/// The path of a file as a recipe in `folder` says it: relative, where there is a way.
fn seen_from(folder: &Path, file: &Path) -> String {
    let (Ok(from), Ok(to)) = (folder.canonicalize(), file.canonicalize()) else { return file.display().to_string() };
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) = (from.components().collect(), to.components().collect());
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if common == 0 {
        return file.display().to_string();
    }
    let up = std::iter::repeat_n(Component::ParentDir, from.len() - common);
    let path: PathBuf = up.chain(to[common..].iter().copied()).collect();
    // A forward slash is understood everywhere, and a recipe may travel.
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::seen_from;

    #[test]
    fn a_recipe_names_its_data_from_where_it_lies() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("recipes")).expect("a folder");
        std::fs::write(folder.path().join("a.csv"), "x,y\n").expect("a file");
        let file = folder.path().join("a.csv");
        assert_eq!(seen_from(folder.path(), &file), "a.csv");
        assert_eq!(seen_from(&folder.path().join("recipes"), &file), "../a.csv");
    }
}
