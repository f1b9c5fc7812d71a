//! Runs the binary in a folder of its own.
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A sound recipe for [`POINTS`], small enough to be trained in a moment.
pub(crate) const RECIPE: &str = r#"name = "points"
epochs = 30
batch = 8

[data]
file = "points.csv"
target = "label"
validation = 0.25

[[layers]]
kind = "dense"
units = 8
activation = "tanh"

[[layers]]
kind = "dense"
units = 2

[loss]
kind = "cross_entropy"

[optimizer]
kind = "adam"
learning_rate = 0.02

[[callbacks]]
kind = "terminate_on_nan"
"#;

/// A folder with a recipe and its data, in which the binary is run.
pub(crate) struct Desk {
    folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("a folder") };
        desk.write("recipe.toml", RECIPE);
        desk.write("points.csv", &points());
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a readable file")
    }

    /// Puts a NaN into row 6 of the data, so that the loss becomes NaN when that row comes.
    pub(crate) fn spoil_a_row(&self) {
        let csv = self.read("points.csv");
        let spoilt = csv.replacen("\n0.25,", "\nNaN,", 1);
        assert_ne!(csv, spoilt);
        self.write("points.csv", &spoilt);
    }

    /// Writes the recipe with one piece of it exchanged.
    pub(crate) fn recipe_with(&self, old: &str, new: &str) {
        assert!(RECIPE.contains(old), "the recipe holds no {old}");
        self.write("recipe.toml", &RECIPE.replace(old, new));
    }

    /// The binary, in this folder, in an environment that says nothing of terminals.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_barograph"));
        self.place(&mut command);
        command
    }

    /// A line for the shell, in which `$barograph` is the binary.
    pub(crate) fn shell(&self, line: &str) -> Said {
        let mut shell = Command::new("sh");
        self.place(&mut shell);
        shell.arg("-c").arg(line).env("barograph", env!("CARGO_BIN_EXE_barograph"));
        Said::from(&shell.output().expect("a shell"))
    }

    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Said {
        Said::from(&self.command().args(arguments).output().expect("the binary runs"))
    }

    fn place(&self, command: &mut Command) {
        let path: &Path = self.folder.path();
        command.current_dir(path).env_remove("NO_COLOR").env("LC_ALL", "C.UTF-8");
    }
}

/// 64 points in the plane: those right of a line are of class 1.
fn points() -> String {
    let point = |number: u32| {
        let (x, y) = (f64::from(number % 8) / 8.0 - 0.5, f64::from(number / 8) / 8.0 - 0.5);
        format!("{x},{y},{}\n", u8::from(x + 0.5 * y > 0.0))
    };
    std::iter::once("x,y,label\n".to_owned()).chain((0..64).map(point)).collect()
}

/// What the binary said.
#[derive(Debug)]
pub(crate) struct Said {
    /// The exit code; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The text of one that succeeded.
    #[track_caller]
    pub(crate) fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        self.out
    }

    /// The one error message of one that refused.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!(self.code, Some(2), "{}{}", self.out, self.err);
        let errors: Vec<_> = self.err.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(errors.len(), 1, "{}", self.err);
        errors[0].to_owned()
    }
}

impl From<&Output> for Said {
    fn from(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}
