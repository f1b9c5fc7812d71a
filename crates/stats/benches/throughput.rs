//! GB/s of `read` beside a read-only sum of the same memory, measured in turns so that a busy machine slows both.
//!
//! `cargo bench -p barograph-stats` prints a table, `-- --json` a list of
//! `{"bytes", "dtype", "data", "read_sum", "stats", "stats_hist"}` in GB/s, `-- --level avx2` measures slower kernels.
use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use barograph_stats::{
    Checksum, Element, Elements, Level, Options, UnitScratch, read_at, read_units_at, read_weight_units_at,
};
use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

const KB: usize = 1 << 10;
const MB: usize = 1 << 20;

/// Bytes read per measurement; enough that a clock reading is nothing beside it.
const BYTES_PER_ROUND: usize = 64 * MB;

/// Rounds per case. The best of them is reported: what the code can do when nobody else uses the memory.
const ROUNDS: usize = 40;

/// Elements of the small tensor, a bias.
const SMALL: usize = 10;

/// One line of the result.
struct Row {
    bytes: usize,
    dtype: &'static str,
    data: &'static str,
    read_sum: f64,
    stats: f64,
    stats_hist: f64,
}

impl Row {
    fn json(&self) -> String {
        let Self { bytes, dtype, data, read_sum, stats, stats_hist } = self;
        format!(
            r#"{{"bytes":{bytes},"dtype":"{dtype}","data":"{data}","read_sum":{read_sum:.2},"stats":{stats:.2},"stats_hist":{stats_hist:.2}}}"#
        )
    }

    fn text(&self) -> String {
        format!(
            "{:>9} {:>5} {:>7} {:>9.1} {:>9.1} {:>9.1} {:>7.2} {:>7.2}",
            self.bytes,
            self.dtype,
            self.data,
            self.read_sum,
            self.stats,
            self.stats_hist,
            self.stats / self.read_sum,
            self.stats_hist / self.read_sum
        )
    }
}

/// A deterministic stream of normal numbers (sum of uniforms: close enough for exponents and signs).
fn normal(len: usize) -> impl Iterator<Item = f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..len).map(move |_| {
        let mut sum = 0.0;
        for _ in 0..12 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sum += (state >> 40) as f32 / (1_u64 << 24) as f32;
        }
        sum - 6.0
    })
}

/// Allocators and frameworks hand out tensors that begin on a cache line; so does this.
fn aligned<T>(buffer: &[T], len: usize) -> &[T] {
    let skip = buffer.as_ptr().align_offset(64);
    &buffer[skip..skip + len]
}

/// Seconds per call of each of three functions, best of many rounds in turns.
fn best_of(calls: usize, functions: [&dyn Fn(); 3]) -> [f64; 3] {
    let mut best = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        for (function, best) in functions.iter().zip(&mut best) {
            let start = Instant::now();
            for _ in 0..calls {
                function();
            }
            *best = best.min(start.elapsed().as_secs_f64() / calls as f64);
        }
    }
    best
}

fn measure<T: Element>(
    level: Level,
    (dtype, data): (&'static str, &'static str),
    elements: &[T],
    sum: fn(&[T]),
) -> Row {
    let bytes = size_of_val(elements);
    let read = |histogram| {
        black_box(read_at(level, Elements::contiguous(black_box(elements)), Options { bound: None, histogram }));
    };
    let calls = (BYTES_PER_ROUND / bytes).max(1);
    let seconds = best_of(calls, [&|| sum(black_box(elements)), &|| read(false), &|| read(true)]);
    let [read_sum, stats, stats_hist] = seconds.map(|seconds| bytes as f64 / seconds / 1e9);
    Row { bytes, dtype, data, read_sum, stats, stats_hist }
}

/// A sum with `L` lanes side by side in plain Rust, compiled for AVX-512 too where there is; the caller takes the faster.
macro_rules! read_sum {
    ($name:ident, $T:ty, $Lane:ty, $lanes:literal, $as_lanes:expr, $add:expr) => {
        fn $name(elements: &[$T]) {
            #[inline(always)]
            fn plain(elements: &[$Lane]) -> [$Lane; $lanes] {
                let mut sums = [<$Lane>::default(); $lanes];
                for row in elements.as_chunks::<$lanes>().0 {
                    for (sum, x) in sums.iter_mut().zip(row) {
                        *sum = $add(*sum, *x);
                    }
                }
                sums
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl")]
            fn vector(elements: &[$Lane]) -> [$Lane; $lanes] {
                plain(elements)
            }
            let lanes = $as_lanes(elements);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
            {
                // SAFETY: the features were just found.
                black_box(unsafe { vector(lanes) });
                return;
            }
            black_box(plain(lanes));
        }
    };
}

read_sum!(sum_f32, f32, f32, 128, |x| x, |a: f32, b: f32| a + b);
read_sum!(sum_f64, f64, f64, 64, |x| x, |a: f64, b: f64| a + b);
read_sum!(sum_f16, f16, u16, 256, HalfFloatSliceExt::reinterpret_cast, u16::wrapping_add);
read_sum!(sum_bf16, bf16, u16, 256, HalfFloatSliceExt::reinterpret_cast, u16::wrapping_add);

fn cases(level: Level) -> Vec<Row> {
    let spare = 64;
    let len = 64 * MB / 4;
    let values: Vec<f32> = normal(len + spare).collect();
    let relu: Vec<f32> = values.iter().map(|x| x.max(0.0)).collect();
    let mut rows = Vec::new();
    for bytes in [64 * KB, 256 * KB, MB, 64 * MB] {
        rows.push(measure(level, ("f32", "normal"), aligned(&values, bytes / 4), sum_f32));
        rows.push(measure(level, ("f32", "relu"), aligned(&relu, bytes / 4), sum_f32));
    }
    let halves: Vec<f16> = values.iter().chain(&values).map(|x| f16::from_f32(*x)).collect();
    rows.push(measure(level, ("f16", "normal"), aligned(&halves, 64 * MB / 2), sum_f16));
    let halves: Vec<bf16> = values.iter().chain(&values).map(|x| bf16::from_f32(*x)).collect();
    rows.push(measure(level, ("bf16", "normal"), aligned(&halves, 64 * MB / 2), sum_bf16));
    let doubles: Vec<f64> = values[..len / 2 + spare].iter().map(|x| f64::from(*x)).collect();
    rows.push(measure(level, ("f64", "normal"), aligned(&doubles, 64 * MB / 8), sum_f64));
    rows
}

/// Time of one reading of a small tensor.
fn small(level: Level, histogram: bool) -> Duration {
    let values: Vec<f32> = normal(SMALL).collect();
    let calls = 100_000;
    let read = || {
        black_box(read_at(level, Elements::contiguous(black_box(&values)), Options { bound: None, histogram }));
    };
    let seconds = best_of(calls, [&read, &|| (), &|| ()])[0];
    Duration::from_secs_f64(seconds)
}

/// GB/s of the unit readings of dense weights (columns), of their transpose (rows) and of a feature map.
fn units(level: Level) -> [f64; 3] {
    let (rows, columns) = (1024, 512);
    let values: Vec<f32> = normal(rows * columns).collect();
    let view = || Elements::contiguous(black_box(&values));
    let scratch = RefCell::new(UnitScratch::new());
    let weights = |transposed| {
        black_box(read_weight_units_at(level, view(), rows, columns, transposed, &mut scratch.borrow_mut())).ok();
    };
    let maps = || {
        black_box(read_units_at(level, view(), 32, 32, 512, &mut scratch.borrow_mut())).ok();
    };
    let seconds = best_of(30, [&|| weights(true), &|| weights(false), &maps]);
    seconds.map(|seconds| size_of_val(&values[..]) as f64 / seconds / 1e9)
}

/// GB/s of the checksum of f32 and of bf16 tensors.
fn checksums() -> [f64; 2] {
    let values: Vec<f32> = normal(16 * MB / 4).collect();
    let halves: Vec<bf16> = values.iter().map(|x| bf16::from_f32(*x)).collect();
    let of = |view: Elements<'_>| {
        let mut checksum = Checksum::default();
        checksum.push(view);
        black_box(checksum.finish());
    };
    let single = || of(Elements::contiguous(black_box(&values)));
    let half = || of(Elements::contiguous(black_box(&halves)));
    let seconds = best_of(4, [&single, &half, &|| ()]);
    [size_of_val(&values[..]) as f64 / seconds[0] / 1e9, size_of_val(&halves[..]) as f64 / seconds[1] / 1e9]
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let level = match arguments.iter().position(|word| word == "--level").and_then(|at| arguments.get(at + 1)) {
        Some(name) if name == "portable" => Level::Portable,
        Some(name) if name == "avx2" => Level::Avx2,
        _ => Level::best(),
    };
    let rows = cases(level);
    if arguments.iter().any(|word| word == "--json") {
        let rows: Vec<String> = rows.iter().map(Row::json).collect();
        println!("[{}]", rows.join(",\n "));
        return;
    }
    println!(
        "{level:?}, GB/s, one thread\n{:>9} {:>5} {:>7} {:>9} {:>9} {:>9}",
        "bytes", "dtype", "data", "read_sum", "stats", "+hist"
    );
    for row in rows {
        println!("{}", row.text());
    }
    let [columns, rows, maps] = units(level);
    println!("units, 2 MB: {columns:.1} GB/s of columns, {rows:.1} of rows, {maps:.1} of feature maps");
    let [single, half] = checksums();
    println!("checksum, 16 MB: {single:.1} GB/s of f32, {half:.1} of bf16");
    println!("{SMALL} elements: {:?}, with histogram {:?}", small(level, false), small(level, true));
}
