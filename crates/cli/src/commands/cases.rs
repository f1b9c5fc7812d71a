//! `barograph cases`: trains stripped cases and prints a diagnosis of each.
use super::evidence::Evidence;
use crate::cases::{CaseOptions, read_cases, run_case};
use crate::exit::ExitCode;
use anyhow::Result;
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Train small labelled cases without their labels, and print what the diagnosis says of each.
///
/// Each line of the file is {"id", "spec"}. A line {"id", "verdict", "causes", "findings"} is printed for each, in the order of the file. This
/// is how the diagnosis is scored.
#[derive(Debug, Args)]
pub(super) struct Cases {
    /// A file of cases, one JSON object a line; data files are relative to its folder.
    specs: PathBuf,
    /// What the diagnosis may use: everything, or only what is not merely declared.
    #[arg(long, value_enum, default_value_t = Evidence::All)]
    evidence: Evidence,
    /// Seed of weights and batches.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Keep the run folder of each case below this one.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Cases {
    pub(super) fn run(self) -> Result<ExitCode> {
        let cases = read_cases(&self.specs)?;
        let folder = self.specs.parent().unwrap_or(Path::new("."));
        let options = CaseOptions { evidence: self.evidence.into(), seed: self.seed, keep: self.keep };
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
                scope.spawn(|| {
                    // Each case keeps to one thread: they are small, and many.
                    let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(1).build() else { return };
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(case) = cases.get(number) else { break };
                        let result = pool.install(|| run_case(case, folder, &options));
                        if let Ok(mut results) = results.lock() {
                            results.push((number, case.id.clone(), result));
                        }
                    }
                });
            }
        });
        let mut results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        results.sort_by_key(|(number, ..)| *number);
        let mut failed = 0;
        for (_, id, result) in results {
            match result {
                Ok(result) => println!("{}", serde_json::to_string(&result)?),
                Err(error) => {
                    failed += 1;
                    eprintln!("error: case {id}: {error:#}");
                }
            }
        }
        Ok(ExitCode::from(if failed > 0 { 2 } else { 0 }))
    }
}
