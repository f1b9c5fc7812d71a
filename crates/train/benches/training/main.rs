//! How fast four usual networks train with everything observed, beside PyTorch, on one processor or as many as are asked for.
//!
//! Each network is trained by a process of ours and one of PyTorch's, with the same shapes, batches and optimizer. They take turns
//! of a few steps, round after round, so that other work on the machine slows both alike; a process that waits uses no time.
//!
//! `cargo bench -p barograph-train --bench training -- [--json] [--python PROGRAM] [--threads N] [--rounds N] [NETWORK...]`
mod networks;
mod options;
mod worker;

use networks::Network;
use options::Options;
use serde_json::json;
use std::process::ExitCode;
use worker::{Turn, Worker};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let done = match arguments.split_first() {
        Some((first, rest)) if first == worker::COMMAND => worker::serve(rest),
        _ => Options::parse(&arguments).and_then(|options| compare(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// What was measured of one network.
struct Row {
    network: &'static str,
    ours: Turn,
    unobserved: Turn,
    torch: Turn,
    /// Median over the rounds of PyTorch's time over ours.
    speed: f64,
}

fn compare(options: &Options) -> Result<(), String> {
    let rows = options.networks.iter().map(|network| measure(network, options)).collect::<Result<Vec<_>, _>>()?;
    if options.json {
        println!("{}", rows.iter().map(as_json).collect::<serde_json::Value>());
    } else {
        print!("{}", table(&rows));
    }
    Ok(())
}

fn measure(network: &'static Network, options: &Options) -> Result<Row, String> {
    let mut workers = [
        Worker::ours(network, true, options.threads)?,
        Worker::ours(network, false, options.threads)?,
        Worker::torch(network, &options.python, options.threads)?,
    ];
    let mut rounds: Vec<[Turn; 3]> = Vec::new();
    // The first round is for warming up.
    for round in 0..=options.rounds {
        let mut turns = [Turn::default(); 3];
        for (turn, worker) in turns.iter_mut().zip(&mut workers) {
            *turn = worker.turn(network.steps)?;
        }
        if round > 0 {
            rounds.push(turns);
        }
    }
    let of = |which: usize| Turn {
        ms: median(rounds.iter().map(|turns| turns[which].ms)),
        peak_mb: rounds.iter().map(|turns| turns[which].peak_mb).fold(0.0, f64::max),
        growth_mb: rounds.iter().map(|turns| turns[which].growth_mb).fold(0.0, f64::max),
    };
    let speed = median(rounds.iter().map(|[ours, _, torch]| torch.ms / ours.ms));
    Ok(Row { network: network.name, ours: of(0), unobserved: of(1), torch: of(2), speed })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn as_json(row: &Row) -> serde_json::Value {
    let Row { network, ours, unobserved, torch, speed } = row;
    json!({
        "model": network,
        "ms": ours.ms,
        "ms_unobserved": unobserved.ms,
        "torch_ms": torch.ms,
        "speed": speed,
        "peak_mb": ours.peak_mb,
        "torch_peak_mb": torch.peak_mb,
        "growth_mb": ours.growth_mb,
        "torch_growth_mb": torch.growth_mb,
    })
}

fn table(rows: &[Row]) -> String {
    let head = "             CPU ms a step                     speed   peak MB          of that by training, MB\n\
                model            ours  unobserved  PyTorch             ours  PyTorch    ours  PyTorch\n";
    let lines = rows.iter().map(|Row { network, ours, unobserved, torch, speed }| {
        format!(
            "{network:12} {:8.2}  {:10.2} {:8.2}  {speed:6.2}  {:7.0} {:8.0} {:7.0} {:8.0}\n",
            ours.ms, unobserved.ms, torch.ms, ours.peak_mb, torch.peak_mb, ours.growth_mb, torch.growth_mb
        )
    });
    std::iter::once(head.to_owned()).chain(lines).collect()
}
