//! Ctrl-C in the middle of a training.
use crate::binary::Desk;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

#[cfg(unix)]
#[test]
fn ctrl_c_closes_the_log_and_keeps_a_checkpoint() {
    let desk = Desk::new();
    let mut command = desk.command();
    // More epochs than anybody waits for: only the interrupt ends it.
    command.args(["train", "recipe.toml", "--run-dir", "run", "--set", "epochs=10000000"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut line = String::new();
    while !line.starts_with("epoch ") {
        line.clear();
        assert!(lines.read_line(&mut line).expect("a line") > 0, "it ended before its first epoch");
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill runs");
    assert!(kill.success());
    let (mut err, mut out) = (String::new(), String::new());
    lines.read_to_string(&mut err).expect("text");
    child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(130), "{out}{err}");
    assert!(err.contains("interrupted"), "{err}");
    assert!(out.contains("the run was interrupted"), "{out}");
    assert!(desk.path("run/checkpoints/interrupted.safetensors").exists());
    assert_eq!(desk.run(["diagnose", "run"]).fine(), out);
    let list = desk.run(["runs", "."]).fine();
    assert!(list.contains("interrupted") || list.contains("ended"), "{list}");
}
