//! Layer by time: one number per site and range of steps.
use super::grid::Cell;
use barograph_vocab::{Reading, Role, SiteId};

/// What a heat map shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heat {
    /// Root mean square of the weights.
    WeightRms,
    /// Euclidean norm of the weights' gradients.
    GradientL2,
    /// Root mean square of the activations.
    ActivationRms,
    /// Share of the activations that are zero.
    ActivationZeros,
}

impl Heat {
    /// Every map, in the order of display.
    pub const ALL: [Self; 4] = [Self::GradientL2, Self::WeightRms, Self::ActivationRms, Self::ActivationZeros];

    /// The title used in reports.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::WeightRms => "weight, root mean square",
            Self::GradientL2 => "gradient, L2 norm",
            Self::ActivationRms => "activation, root mean square",
            Self::ActivationZeros => "activation, share of zeros",
        }
    }

    /// Whether equal ratios, and not equal differences, should look equal.
    #[must_use]
    pub const fn is_logarithmic(self) -> bool {
        !matches!(self, Self::ActivationZeros)
    }

    /// The maps that a role feeds.
    pub(super) const fn of(role: Role) -> &'static [Self] {
        match role {
            Role::Weight => &[Self::WeightRms],
            Role::Gradient => &[Self::GradientL2],
            Role::Activation => &[Self::ActivationRms, Self::ActivationZeros],
            _ => &[],
        }
    }

    pub(super) fn value(self, reading: &Reading) -> f64 {
        match self {
            Self::WeightRms | Self::ActivationRms => reading.rms(),
            Self::GradientL2 => reading.l2,
            Self::ActivationZeros => reading.share(reading.zeros),
        }
    }
}

/// One site over a range of steps.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HeatCell {
    /// Readings.
    pub readings: u32,
    /// Readings that had at least one NaN or infinite element.
    pub non_finite: u32,
    /// Smallest value over the readings that have a finite element; 0 when there is none.
    pub min: f32,
    /// Largest value over the readings that have a finite element; 0 when there is none.
    pub max: f32,
    /// Readings that have a finite element.
    pub finite: u32,
}

impl HeatCell {
    /// Whether nothing was read.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.readings == 0
    }

    pub(super) fn see(&mut self, heat: Heat, reading: &Reading) {
        // Beyond f32 the largest f32 stands for the value: infinity would pass for a non-finite element.
        let value = heat.value(reading).min(f64::from(f32::MAX)) as f32;
        let finite = reading.finite() > 0 && value.is_finite();
        self.merge(&Self {
            readings: 1,
            non_finite: u32::from(reading.non_finite() > 0),
            min: if finite { value } else { 0.0 },
            max: if finite { value } else { 0.0 },
            finite: u32::from(finite),
        });
    }
}

impl Cell for HeatCell {
    fn merge(&mut self, later: &Self) {
        if later.finite > 0 {
            let first = self.finite == 0;
            self.min = if first { later.min } else { self.min.min(later.min) };
            self.max = if first { later.max } else { self.max.max(later.max) };
        }
        self.readings = self.readings.saturating_add(later.readings);
        self.non_finite = self.non_finite.saturating_add(later.non_finite);
        self.finite = self.finite.saturating_add(later.finite);
    }
}

/// One row of a heat map.
#[derive(Clone, Copy, Debug)]
pub struct HeatRow<'a> {
    /// The site; `None` for the row that stands for all sites beyond the cap.
    pub site: Option<SiteId>,
    /// Its dotted path: untrusted text.
    pub path: &'a str,
    /// The buckets in order of time; some may be empty.
    pub cells: &'a [HeatCell],
}

/// Layer by time: rows in execution order.
#[derive(Clone, Debug)]
pub struct HeatMap<'a> {
    /// What it shows.
    pub heat: Heat,
    /// First step of the first column.
    pub origin: u64,
    /// Steps of one column.
    pub width: u64,
    /// The last step with a reading.
    pub last: u64,
    /// The rows in execution order.
    pub rows: Vec<HeatRow<'a>>,
}
