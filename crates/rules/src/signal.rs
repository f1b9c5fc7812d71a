//! The numbers that rules read out of a reading, and those that follow from two.
use barograph_vocab::Reading;

macro_rules! signals {
    ($($(#[$doc:meta])+ $Signal:ident, $name:literal, $of:expr;)+) => {
        /// One number of a reading.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Signal { $($(#[$doc])+ $Signal),+ }

        impl Signal {
            /// Every signal.
            pub const ALL: &'static [Self] = &[$(Self::$Signal),+];

            /// The name used in traces and dashboards.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Signal => $name),+ }
            }

            /// Its value in `reading`.
            #[must_use]
            pub fn of(self, reading: &Reading) -> f64 {
                let of: fn(&Reading) -> f64 = match self { $(Self::$Signal => $of),+ };
                of(reading)
            }
        }
    };
}

signals! {
    /// Euclidean norm of the finite elements.
    L2, "l2", |reading| reading.l2;
    /// Root mean square of the finite elements.
    Rms, "rms", Reading::rms;
    /// Mean of the finite elements.
    Mean, "mean", |reading| reading.mean;
    /// Standard deviation of the finite elements.
    Std, "std", Reading::std;
    /// Smallest finite element.
    Min, "min", |reading| reading.min;
    /// Largest finite element.
    Max, "max", |reading| reading.max;
    /// Largest magnitude.
    AbsMax, "abs_max", |reading| reading.abs_max;
    /// Share of zeros, 0..=1.
    ZeroShare, "zero_share", |reading| reading.share(reading.zeros);
    /// Share of elements below zero, 0..=1.
    NegativeShare, "negative_share", |reading| reading.share(reading.negatives);
    /// Share of elements beyond the bound that the site gives, 0..=1.
    SaturatedShare, "saturated_share", |reading| reading.share(reading.saturated);
    /// NaN and infinite elements.
    NonFinite, "non_finite", |reading| reading.non_finite() as f64;
}

/// How far one step moved a weight: the root mean square of the update over that of the weight.
///
/// `None` for a weight that is zero everywhere (a fresh bias), where the ratio says nothing.
#[must_use]
pub fn update_ratio(update: &Reading, weight: &Reading) -> Option<f64> {
    let size = weight.rms();
    (size > 0.0).then(|| update.rms() / size)
}
