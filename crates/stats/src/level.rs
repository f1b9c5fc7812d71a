//! Which instructions the processor has.
use std::sync::atomic::{AtomicU8, Ordering};

/// A set of kernels. On `aarch64` the portable kernels compile to NEON, which every such processor has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Level {
    /// Plain Rust, in the form that compilers turn into vector code.
    Portable = 1,
    /// `x86_64` with AVX2 and FMA.
    Avx2 = 2,
    /// `x86_64` with the AVX-512 of Ice Lake, Zen 4 and later (VBMI, VBMI2, BITALG, GFNI).
    Avx512 = 3,
}

impl Level {
    /// Every level, the slowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// The fastest level of this processor. Looked up once.
    #[must_use]
    pub fn best() -> Self {
        // 0 stands for "not looked up"; threads that look at the same time find the same.
        static BEST: AtomicU8 = AtomicU8::new(0);
        match BEST.load(Ordering::Relaxed) {
            1 => Self::Portable,
            2 => Self::Avx2,
            3 => Self::Avx512,
            _ => {
                let level = detect();
                BEST.store(level as u8, Ordering::Relaxed);
                level
            }
        }
    }

    /// This level, or the fastest that the processor has if that is less.
    #[must_use]
    pub fn supported(self) -> Self {
        self.min(Self::best())
    }

    /// Runs a piece of plain code, compiled for this level. A level that the processor lacks is lowered.
    #[inline]
    pub(crate) fn run<P: Plain>(self, work: P) -> P::Output {
        match self.supported() {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was just checked against the processor.
            Self::Avx512 => unsafe { run_avx512(work) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the level was just checked against the processor.
            Self::Avx2 => unsafe { run_avx2(work) },
            _ => work.run(),
        }
    }
}

/// A piece of plain code whose loops compilers turn into vector code.
pub(crate) trait Plain {
    /// What it computes.
    type Output;

    /// Computes it. To be `inline(always)`, as must be what it calls in its loops: else it is not compiled for the level.
    fn run(self) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,popcnt")]
fn run_avx512<P: Plain>(work: P) -> P::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,popcnt")]
fn run_avx2<P: Plain>(work: P) -> P::Output {
    work.run()
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let avx2 =
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("popcnt");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("avx512bitalg")
        && is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("gfni");
    match (avx2, avx512) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Portable
}
