//! Steering a training that runs from outside of its process: `barograph ctl`.
//!
//! A command is a small file in the run's folder `control`, made whole by a rename; the training looks there a few times a second, takes
//! the file away, and leaves its answer beside it. Nothing but the file system is needed, so that it works wherever the folder is seen.
use crate::recipe::suggest::nearest;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The folder of a run that commands go to.
const FOLDER: &str = "control";

/// How a file with a command, and one with an answer, end.
const COMMAND: &str = "command";
const ANSWER: &str = "answer";

/// How often somebody who waits for an answer looks (our choice).
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What can be set, by the names that people use.
const SETTINGS: [&str; 2] = ["lr", "learning_rate"];

/// What a person asks of a training that runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Command {
    /// Wait after this step, until [`Command::Resume`] or [`Command::Stop`].
    Pause,
    /// Go on.
    Resume,
    /// End after this step, as Ctrl-C does: with a checkpoint, and a backup to resume from.
    Stop,
    /// Write the weights, and a backup to resume from, after this step.
    Checkpoint,
    /// Give the learning rate this value from the next step on; above 0.
    SetLearningRate(f64),
}

impl Command {
    /// Reads `lr=1e-3`.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub fn set(assignment: &str) -> Result<Self, String> {
        let (name, value) = assignment
            .split_once('=')
            .ok_or_else(|| format!("expected NAME=VALUE, such as lr=1e-3, and not \"{assignment}\""))?;
        let (name, value) = (name.trim(), value.trim());
        if !SETTINGS.contains(&name) {
            let hint = nearest(name, SETTINGS).map_or_else(
                || format!("what can be set is {}", SETTINGS.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            return Err(format!("unknown setting \"{name}\"; {hint}"));
        }
        match value.parse::<f64>() {
            Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(Self::SetLearningRate(rate)),
            _ => Err(format!("{name} must be a number above 0, such as 1e-3, and not \"{value}\"")),
        }
    }

    /// Reads what [`Command`] writes.
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "pause" => Ok(Self::Pause),
            "resume" => Ok(Self::Resume),
            "stop" => Ok(Self::Stop),
            "checkpoint" => Ok(Self::Checkpoint),
            text => match text.strip_prefix("set ") {
                Some(assignment) => Self::set(assignment),
                None => Err(format!("unknown command \"{text}\"")),
            },
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pause => f.write_str("pause"),
            Self::Resume => f.write_str("resume"),
            Self::Stop => f.write_str("stop"),
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::SetLearningRate(rate) => write!(f, "set lr={rate:?}"),
        }
    }
}

/// A command that was sent.
#[derive(Debug)]
pub struct Sent {
    answer: PathBuf,
}

impl Sent {
    /// Waits for the training's answer; `None` when there is none in time: the step that runs may take longer.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> Option<String> {
        let begin = Instant::now();
        loop {
            if let Ok(text) = fs::read_to_string(&self.answer) {
                let _ = fs::remove_file(&self.answer);
                // The last to leave; with anything in it the folder stays.
                let _ = self.answer.parent().map(fs::remove_dir);
                return Some(text);
            }
            if begin.elapsed() >= at_most {
                return None;
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// Sends a command to the training that writes the run in `run`. It is not checked here whether there is one.
///
/// # Errors
/// When the folder cannot be written.
pub fn send(run: &Path, command: Command) -> io::Result<Sent> {
    let folder = run.join(FOLDER);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // In the order of time, and apart for two that are sent at once.
    let name = format!("{:024}-{}", now.as_nanos(), std::process::id());
    let write = || {
        fs::create_dir_all(&folder)?;
        write_whole(&folder.join(format!("{name}.{COMMAND}")), &command.to_string())
    };
    // Another sender may take the folder away in between.
    write().or_else(|_| write())?;
    Ok(Sent { answer: folder.join(format!("{name}.{ANSWER}")) })
}

/// The commands that wait in a run's folder, in the order in which they were sent.
#[derive(Debug)]
pub(crate) struct Mailbox {
    folder: PathBuf,
}

/// A command as it was found, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) command: Result<Command, String>,
    answer: PathBuf,
}

impl Mailbox {
    /// The mailbox of a run. What an earlier process was sent and did not answer is forgotten.
    pub(crate) fn open(run: &Path) -> Self {
        let folder = run.join(FOLDER);
        let _ = fs::remove_dir_all(&folder);
        Self { folder }
    }

    /// Takes out what has come.
    pub(crate) fn take(&self) -> Vec<Letter> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut files: Vec<PathBuf> =
            entries.filter(|path| path.extension().is_some_and(|ending| ending == COMMAND)).collect();
        files.sort();
        let take = |path: PathBuf| {
            let text = fs::read_to_string(&path).ok()?;
            fs::remove_file(&path).ok()?;
            Some(Letter { command: Command::parse(&text), answer: path.with_extension(ANSWER) })
        };
        files.into_iter().filter_map(take).collect()
    }

    /// Answers what came too late, and takes the folder away unless somebody has yet to read an answer.
    pub(crate) fn close(&self) {
        for letter in self.take() {
            letter.answer("this run is over");
        }
        let _ = fs::remove_dir(&self.folder);
    }
}

impl Letter {
    /// Leaves an answer. When that fails, the sender hears nothing and says so.
    pub(crate) fn answer(&self, text: &str) {
        let _ = write_whole(&self.answer, text);
    }
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, text)?;
    fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::{Command, Mailbox, send};
    use std::time::Duration;

    #[test]
    fn what_is_written_is_read_back() {
        let commands = [Command::Pause, Command::Resume, Command::Stop, Command::Checkpoint];
        for command in commands.into_iter().chain([1e-3, 0.1, 5e-324].map(Command::SetLearningRate)) {
            assert_eq!(Command::parse(&command.to_string()), Ok(command));
        }
        assert!(Command::parse("explode").is_err_and(|text| text.contains("explode")));
    }

    #[test]
    fn a_setting_that_does_not_exist_or_a_value_that_is_none_is_explained() {
        assert_eq!(Command::set("lr=1e-3"), Ok(Command::SetLearningRate(1e-3)));
        assert_eq!(Command::set(" learning_rate = 0.5 "), Ok(Command::SetLearningRate(0.5)));
        let error = |text| Command::set(text).unwrap_err();
        assert!(error("learning_rat=0.1").contains("did you mean \"learning_rate\"?"), "{}", error("learning_rat=0.1"));
        assert!(error("momentum=0.9").contains("what can be set is lr"));
        assert!(error("lr").contains("NAME=VALUE"));
        for bad in ["lr=fast", "lr=0", "lr=-1", "lr=nan", "lr=inf", "lr="] {
            assert!(error(bad).contains("a number above 0"), "{bad}");
        }
    }

    #[test]
    fn commands_come_in_order_and_are_answered() {
        let run = tempfile::tempdir().unwrap();
        send(run.path(), Command::Stop).unwrap();
        let mailbox = Mailbox::open(run.path());
        assert!(mailbox.take().is_empty(), "what was sent before is forgotten");
        let first = send(run.path(), Command::Pause).unwrap();
        let second = send(run.path(), Command::Resume).unwrap();
        let letters = mailbox.take();
        assert_eq!(
            letters.iter().map(|letter| letter.command.clone()).collect::<Vec<_>>(),
            [Ok(Command::Pause), Ok(Command::Resume)]
        );
        assert!(mailbox.take().is_empty());
        letters[1].answer("gone on");
        assert_eq!(second.wait(Duration::ZERO), Some("gone on".to_owned()));
        assert_eq!(first.wait(Duration::ZERO), None);
        let late = send(run.path(), Command::Stop).unwrap();
        mailbox.close();
        assert_eq!(late.wait(Duration::ZERO), Some("this run is over".to_owned()));
        assert!(!run.path().join("control").exists());
    }
}
