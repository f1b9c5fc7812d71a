//! A process that trains a few steps whenever it is asked to: a line with their number comes in, and one with CPU milliseconds and
//! memory goes out.
use crate::networks::Network;
use barograph_train::Trainer;
use barograph_train::callbacks::{Action, Lambda};
use rustix::time::{ClockId, clock_gettime};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The first argument of a process of ours that trains.
pub(crate) const COMMAND: &str = "worker";

/// The argument that switches supervision off.
const UNOBSERVED: &str = "unobserved";

/// The same networks in PyTorch.
const TORCH: &str = include_str!("worker.py");

/// What some steps took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Turn {
    /// CPU milliseconds a step, of all threads together.
    pub(crate) ms: f64,
    /// The most memory that the process ever held.
    pub(crate) peak_mb: f64,
    /// By how much that is above what it held before the first step.
    pub(crate) growth_mb: f64,
}

/// A process that trains.
pub(crate) struct Worker {
    name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// A process of ours.
    pub(crate) fn ours(network: &Network, is_observed: bool, threads: usize) -> Result<Self, String> {
        let program = std::env::current_exe().map_err(|error| format!("this program is nowhere: {error}"))?;
        let mut command = Command::new(program);
        command.args([COMMAND, network.name]).args((!is_observed).then_some(UNOBSERVED));
        Self::start(format!("our {}", network.name), command.env("RAYON_NUM_THREADS", threads.to_string()))
    }

    /// A process of PyTorch.
    pub(crate) fn torch(network: &Network, python: &Path, threads: usize) -> Result<Self, String> {
        let mut command = Command::new(python);
        command.args(["-c", TORCH, network.name, &threads.to_string()]);
        Self::start(format!("PyTorch's {}", network.name), command.env("OMP_NUM_THREADS", threads.to_string()))
    }

    fn start(name: String, command: &mut Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| format!("cannot start {name}: {error}"))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(input), Some(output)) => Ok(Self { name, child, input, output: BufReader::new(output) }),
            _ => Err(format!("{name} has no pipes")),
        }
    }

    /// Trains some steps.
    pub(crate) fn turn(&mut self, steps: usize) -> Result<Turn, String> {
        let mut line = String::new();
        writeln!(self.input, "{steps}")
            .and_then(|()| self.output.read_line(&mut line))
            .map_err(|error| format!("{} ended: {error}", self.name))?;
        let numbers: Option<Vec<f64>> = line.split_whitespace().map(|number| number.parse().ok()).collect();
        match numbers.as_deref() {
            Some(&[ms, peak_mb, growth_mb]) => Ok(Turn { ms: ms / steps as f64, peak_mb, growth_mb }),
            _ => Err(format!("{} gave no numbers but {line:?}; what it says is above", self.name)),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Trains as the lines of the input ask, until they end.
pub(crate) fn serve(arguments: &[String]) -> Result<(), String> {
    let network = Network::named(arguments.first().map_or("", String::as_str))?;
    let recipe = network.recipe()?;
    let data = network.data(recipe.batch as usize)?;
    let folder = tempfile::tempdir().map_err(|error| format!("no folder for the log: {error}"))?;
    let trainer = Trainer::from_recipe(&recipe, &data).map_err(|error| error.to_string())?;
    let trainer = match arguments.iter().any(|argument| argument == UNOBSERVED) {
        true => trainer.unobserved(),
        false => trainer.folder(folder.path()),
    };
    let mut turns = Turns::begin()?;
    let trained = trainer.callback(Lambda::default().on_step(move |_| turns.step_done())).fit(&data);
    trained.map(drop).map_err(|error| error.to_string())
}

/// Steps that were asked for.
struct Turns {
    asked: usize,
    left: usize,
    begin_ms: f64,
    begin_mb: f64,
}

impl Turns {
    fn begin() -> Result<Self, String> {
        let asked = next_order().ok_or("nothing was asked for")?;
        Ok(Self { asked, left: asked, begin_ms: cpu_ms(), begin_mb: memory_mb("VmRSS") })
    }

    fn step_done(&mut self) -> Action {
        self.left -= 1;
        if self.left > 0 {
            return Action::Continue;
        }
        let (time, peak) = (cpu_ms() - self.begin_ms, memory_mb("VmHWM"));
        println!("{time} {peak} {}", peak - self.begin_mb);
        match next_order() {
            Some(asked) => {
                (self.asked, self.left, self.begin_ms) = (asked, asked, cpu_ms());
                Action::Continue
            }
            None => {
                Action::Stop { reason: "nothing more was asked for".to_owned(), restore_best: false, failed: false }
            }
        }
    }
}

fn next_order() -> Option<usize> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).ok()?;
    line.trim().parse().ok().filter(|&steps| steps > 0)
}

/// CPU milliseconds of this process, all threads together.
fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 / 1e6
}

/// A line of what the kernel says of the memory of this process; NaN where it says nothing.
fn memory_mb(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    let kilobytes = value.and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok());
    kilobytes.map_or(f64::NAN, |kilobytes| kilobytes * 1024.0 / 1e6)
}
