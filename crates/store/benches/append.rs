//! What a step costs the training thread: `cargo bench -p barograph-store`.
#[path = "../tests/support/mod.rs"]
mod support;

use barograph_store::{Options, Writer, decode_step_into, encode_step};
use barograph_vocab::StepRecord;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use support::usual_step;

/// Tensors of a small network: 13 weights and their gradients.
const READINGS: u32 = 26;
const STEPS: u64 = 100_000;

fn main() {
    let step = usual_step(12_345, READINGS);
    let mut bytes = Vec::new();
    encode_step(&step, &mut bytes);
    let scalars = usual_step(12_345, 0);
    let mut few = Vec::new();
    encode_step(&scalars, &mut few);
    println!(
        "a step of {READINGS} readings: {} bytes; of {} scalars: {} bytes",
        bytes.len(),
        scalars.scalars.len(),
        few.len()
    );

    let encode = mean(|| {
        bytes.clear();
        encode_step(black_box(&step), &mut bytes);
    });
    let mut back = StepRecord::default();
    let decode = mean(|| {
        black_box(decode_step_into(black_box(&bytes), &mut back)).ok();
    });
    println!("encode {:.2} us, decode {:.2} us", micros(encode), micros(decode));

    for (how, map) in [("mapped", true), ("written", false)] {
        appends(how, map, &step);
        appends(how, map, &scalars);
    }
}

/// Appends to a log in the target folder of the system's temporary files.
fn appends(how: &str, map: bool, step: &StepRecord) {
    let dir = match tempfile::tempdir() {
        Ok(dir) => dir,
        Err(error) => return println!("no temporary folder: {error}"),
    };
    match append_all(dir.path(), map, step) {
        Ok(mut times) => {
            times.sort_unstable();
            let mean = times.iter().sum::<Duration>() / STEPS as u32;
            let at = |share: f64| micros(times[(share * (times.len() - 1) as f64) as usize]);
            println!(
                "append, {how}, {:2} readings: mean {:.2} us, median {:.2}, 99 % {:.2}, 99.9 % {:.1}, worst {:.0}",
                step.readings.len(),
                micros(mean),
                at(0.5),
                at(0.99),
                at(0.999),
                at(1.0)
            );
        }
        Err(error) => println!("append, {how}: {error}"),
    }
}

fn append_all(dir: &Path, map: bool, step: &StepRecord) -> Result<Vec<Duration>, barograph_store::StoreError> {
    let mut writer = Writer::create(dir, Options { map, ..Options::default() })?;
    let mut times = Vec::with_capacity(STEPS as usize);
    for _ in 0..STEPS {
        let begin = Instant::now();
        writer.append_step(black_box(step))?;
        times.push(begin.elapsed());
    }
    writer.close()?;
    Ok(times)
}

fn mean(mut work: impl FnMut()) -> Duration {
    const ROUNDS: u32 = 20_000;
    (0..ROUNDS / 10).for_each(|_| work());
    let begin = Instant::now();
    (0..ROUNDS).for_each(|_| work());
    begin.elapsed() / ROUNDS
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
