//! What was asked for on the command line.
use crate::networks::{NETWORKS, Network};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What was asked for.
pub(crate) struct Options {
    pub(crate) json: bool,
    pub(crate) python: PathBuf,
    pub(crate) threads: usize,
    pub(crate) rounds: usize,
    pub(crate) networks: Vec<&'static Network>,
}

impl Options {
    /// Reads the arguments.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let (mut json, mut python, mut threads, mut rounds, mut networks) = (false, None, 1, 9, Vec::new());
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            let count = |text: &String| match text.parse::<usize>() {
                Ok(count) if count > 0 => Ok(count),
                _ => Err(format!("{argument} needs a whole number from 1, and not {text}")),
            };
            match argument.as_str() {
                "--json" => json = true,
                "--python" => python = Some(PathBuf::from(value()?)),
                "--threads" => threads = count(value()?)?,
                "--rounds" => rounds = count(value()?)?,
                name => networks.push(Network::named(name)?),
            }
        }
        if networks.is_empty() {
            networks.extend(&NETWORKS);
        }
        let python = python.map_or_else(find_python, Ok)?;
        Ok(Self { json, python, threads, rounds, networks })
    }
}

/// A Python with torch: that of `./test`, or else the one on the path.
fn find_python() -> Result<PathBuf, String> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let folders = cache.and_then(|cache| std::fs::read_dir(cache.join("barograph")).ok());
    let mut found: Vec<PathBuf> =
        folders.into_iter().flatten().flatten().map(|folder| folder.path().join("bin/python")).collect();
    found.sort();
    found.push("python3".into());
    found.into_iter().find(has_torch).ok_or_else(|| {
        "no Python with torch was found: neither the environment of ./test nor python3; name one with --python"
            .to_owned()
    })
}

fn has_torch(python: &PathBuf) -> bool {
    let check = Command::new(python).args(["-c", "import torch"]).stderr(Stdio::null()).status();
    check.is_ok_and(|status| status.success())
}
