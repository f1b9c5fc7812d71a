//! How the learning rate changes during a run.
use super::visit::{Counts, Kind, Limits, Section, Visitor, words};

words! {
    /// What `every` of a schedule counts.
    Unit, "unit", {
        /// Epochs.
        Epoch = "epoch",
        /// Steps.
        Step = "step",
    }
}

/// The course of the learning rate after warm-up, with the keys of its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ScheduleKind {
    /// `constant`: no change.
    #[default]
    Constant,
    /// `step`: a jump by `factor` at each multiple of `every`.
    Step {
        /// `every`: epochs or steps between jumps. Default 10.
        every: u64,
        /// `unit`: what `every` counts. Default `epoch`.
        unit: Unit,
        /// `factor`: of the learning rate at each jump. Default 0.1; above 0.
        factor: f64,
    },
    /// `exponential`: smoothly by `factor` per `every`.
    Exponential {
        /// `every`: epochs or steps over which the rate changes by `factor`. Default 1.
        every: u64,
        /// `unit`: what `every` counts. Default `epoch`.
        unit: Unit,
        /// `factor`: of the learning rate over `every`. Default 0.95; above 0.
        factor: f64,
    },
    /// `cosine`: half a cosine from the learning rate down to `floor` of it (Loshchilov and Hutter 2017).
    Cosine {
        /// `steps`: length of the descent. Default: what warm-up leaves of the run.
        steps: Option<u64>,
        /// `floor`: share of the learning rate at the end. Default 0; 0 to 1.
        floor: f64,
    },
}

impl ScheduleKind {
    /// The word that a recipe uses.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind()
    }
}

impl Kind for ScheduleKind {
    const WHAT: &'static str = "schedule";

    fn all() -> Vec<Self> {
        vec![
            Self::Constant,
            Self::Step { every: 10, unit: Unit::Epoch, factor: 0.1 },
            Self::Exponential { every: 1, unit: Unit::Epoch, factor: 0.95 },
            Self::Cosine { steps: None, floor: 0.0 },
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Step { .. } => "step",
            Self::Exponential { .. } => "exponential",
            Self::Cosine { .. } => "cosine",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::Constant => {}
            Self::Step { every, unit, factor } | Self::Exponential { every, unit, factor } => {
                visitor.count("every", every, Counts::from(1), false);
                visitor.word("unit", unit);
                visitor.number("factor", factor, Limits::POSITIVE);
            }
            Self::Cosine { steps, floor } => {
                visitor.count_or_none("steps", steps, Counts::from(1));
                visitor.number("floor", floor, Limits::SHARE);
            }
        }
    }
}

/// `[schedule]`: how the learning rate changes during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScheduleSpec {
    /// `kind`, and the keys of that kind. Default `constant`.
    pub kind: ScheduleKind,
    /// `warmup_steps`: steps over which the rate first climbs in a straight line to its full value. Default 0.
    pub warmup_steps: u64,
}

impl Section for ScheduleSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.kind(&mut self.kind, false);
        visitor.count("warmup_steps", &mut self.warmup_steps, Counts::from(0), false);
    }
}
