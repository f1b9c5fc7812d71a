//! How the learning rate changes during a run.
use super::visit::{Counts, Kind, Limits, Section, Visitor, words};

words! {
    /// What the lengths of a schedule count.
    Unit, "unit", {
        /// Epochs.
        Epoch = "epoch",
        /// Steps.
        Step = "step",
    }
}

words! {
    /// How the cycles of a `cyclical` schedule change in height.
    Swing, "swing", {
        /// They do not.
        Triangular = "triangular",
        /// Each is half as high as the one before.
        Triangular2 = "triangular2",
        /// The height is multiplied by `gamma` at each step.
        ExpRange = "exp_range",
    }
}

/// The course of the learning rate after warm-up, with the keys of its kind.
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// `multistep`: a jump by `factor` at each milestone.
    Multistep {
        /// `milestones`: epochs or steps at which the rate jumps, ascending; 1 or more each. Default `[30, 60, 90]`, as is usual for ImageNet.
        milestones: Vec<u64>,
        /// `unit`: what `milestones` count. Default `epoch`.
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
    /// `polynomial`: a power of the share of the descent that is left, from the learning rate down to `floor` of it.
    Polynomial {
        /// `steps`: length of the descent. Default: what warm-up leaves of the run.
        steps: Option<u64>,
        /// `power`: 1 is a straight line. Default 1; above 0.
        power: f64,
        /// `floor`: share of the learning rate at the end. Default 0; 0 to 1.
        floor: f64,
    },
    /// `cosine`: half a cosine from the learning rate down to `floor` of it (Loshchilov and Hutter 2017).
    Cosine {
        /// `steps`: length of the descent. Default: what warm-up leaves of the run.
        steps: Option<u64>,
        /// `floor`: share of the learning rate at the end. Default 0; 0 to 1.
        floor: f64,
    },
    /// `cosine_restarts`: half cosines one after another, each from the full learning rate (SGDR: Loshchilov and Hutter 2017).
    CosineRestarts {
        /// `period`: epochs or steps of the first half cosine. Default 10; 1 or more.
        period: u64,
        /// `unit`: what `period` counts. Default `epoch`.
        unit: Unit,
        /// `multiplier`: how many times as long each period is as the one before. Default 1; 1 or more.
        multiplier: u64,
        /// `floor`: share of the learning rate at the end of each period. Default 0; 0 to 1.
        floor: f64,
    },
    /// `cyclical`: up and down again in straight lines (Smith 2017).
    Cyclical {
        /// `half_cycle`: epochs or steps up, and as many down. Default 2; 1 or more. Smith has 2 to 10 epochs.
        half_cycle: u64,
        /// `unit`: what `half_cycle` counts. Default `epoch`.
        unit: Unit,
        /// `swing`: how the cycles change in height. Default `triangular`.
        swing: Swing,
        /// `gamma`: for `exp_range`, factor of the height at each step. Default 0.99994 as in Smith 2017; above 0, at most 1.
        gamma: f64,
        /// `minimum`: factor of the learning rate at the bottom. Default 0.1; 0 or more.
        minimum: f64,
        /// `maximum`: factor of the learning rate at the top. Default 1; above 0, and no less than `minimum`.
        maximum: f64,
    },
    /// `one_cycle`: up along half a cosine and far down along another, with the momentum (`beta1` of Adam and its kin) going the other
    /// way (Smith and Topin 2018; shaped as in torch). The learning rate of the recipe is the highest.
    OneCycle {
        /// `steps`: length of the cycle. Default: what warm-up leaves of the run.
        steps: Option<u64>,
        /// `warmup_share`: share of the cycle that climbs. Default 0.3; below 1.
        warmup_share: f64,
        /// `initial_division`: what the learning rate is divided by at the start. Default 25; above 0.
        initial_division: f64,
        /// `final_division`: what the first rate is divided by at the end. Default 10000; above 0.
        final_division: f64,
        /// `cycle_momentum`: whether the momentum changes too. An optimizer without momentum stays as it is,
        /// and so does `nadam`, whose momentum has a course of its own. Default true.
        cycle_momentum: bool,
        /// `base_momentum`: at the highest rate. Default 0.85; below 1.
        base_momentum: f64,
        /// `max_momentum`: at the start and at the end. Default 0.95; below 1.
        max_momentum: f64,
    },
    /// `inverse_time`: `1 / (1 + decay * time)` (Robbins and Monro 1951).
    InverseTime {
        /// `every`: epochs or steps that are one unit of time. Default 1.
        every: u64,
        /// `unit`: what `every` counts. Default `epoch`.
        unit: Unit,
        /// `decay`: the learning rate has halved when `decay * time` is 1. Default 0.1; 0 or more.
        decay: f64,
    },
    /// `piecewise`: a given factor from each boundary on.
    Piecewise {
        /// `boundaries`: epochs or steps from which the next factor holds, ascending; 1 or more each. Default `[30, 60, 90]`.
        boundaries: Vec<u64>,
        /// `unit`: what `boundaries` count. Default `epoch`.
        unit: Unit,
        /// `factors`: of the learning rate, one for each boundary; before the first it is 1. Default `[0.1, 0.01, 0.001]`; 0 or more each.
        factors: Vec<f64>,
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
            Self::Multistep { milestones: vec![30, 60, 90], unit: Unit::Epoch, factor: 0.1 },
            Self::Exponential { every: 1, unit: Unit::Epoch, factor: 0.95 },
            Self::Polynomial { steps: None, power: 1.0, floor: 0.0 },
            Self::Cosine { steps: None, floor: 0.0 },
            Self::CosineRestarts { period: 10, unit: Unit::Epoch, multiplier: 1, floor: 0.0 },
            Self::Cyclical {
                half_cycle: 2,
                unit: Unit::Epoch,
                swing: Swing::Triangular,
                gamma: 0.99994,
                minimum: 0.1,
                maximum: 1.0,
            },
            Self::OneCycle {
                steps: None,
                warmup_share: 0.3,
                initial_division: 25.0,
                final_division: 1e4,
                cycle_momentum: true,
                base_momentum: 0.85,
                max_momentum: 0.95,
            },
            Self::InverseTime { every: 1, unit: Unit::Epoch, decay: 0.1 },
            Self::Piecewise { boundaries: vec![30, 60, 90], unit: Unit::Epoch, factors: vec![0.1, 0.01, 0.001] },
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Step { .. } => "step",
            Self::Multistep { .. } => "multistep",
            Self::Exponential { .. } => "exponential",
            Self::Polynomial { .. } => "polynomial",
            Self::Cosine { .. } => "cosine",
            Self::CosineRestarts { .. } => "cosine_restarts",
            Self::Cyclical { .. } => "cyclical",
            Self::OneCycle { .. } => "one_cycle",
            Self::InverseTime { .. } => "inverse_time",
            Self::Piecewise { .. } => "piecewise",
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
            Self::Multistep { milestones, unit, factor } => {
                visitor.counts("milestones", milestones, Counts::from(1));
                visitor.word("unit", unit);
                visitor.number("factor", factor, Limits::POSITIVE);
            }
            Self::Polynomial { steps, power, floor } => {
                visitor.count_or_none("steps", steps, Counts::from(1));
                visitor.number("power", power, Limits::POSITIVE);
                visitor.number("floor", floor, Limits::SHARE);
            }
            Self::Cosine { steps, floor } => {
                visitor.count_or_none("steps", steps, Counts::from(1));
                visitor.number("floor", floor, Limits::SHARE);
            }
            Self::CosineRestarts { period, unit, multiplier, floor } => {
                visitor.count("period", period, Counts::from(1), false);
                visitor.word("unit", unit);
                visitor.count("multiplier", multiplier, Counts::from(1), false);
                visitor.number("floor", floor, Limits::SHARE);
            }
            Self::Cyclical { half_cycle, unit, swing, gamma, minimum, maximum } => {
                visitor.count("half_cycle", half_cycle, Counts::from(1), false);
                visitor.word("unit", unit);
                visitor.word("swing", swing);
                visitor.number("gamma", gamma, Limits::ABOVE_ZERO_TO_ONE);
                visitor.number("minimum", minimum, Limits::NOT_NEGATIVE);
                visitor.number("maximum", maximum, Limits::POSITIVE);
            }
            Self::OneCycle {
                steps,
                warmup_share,
                initial_division,
                final_division,
                cycle_momentum,
                base_momentum,
                max_momentum,
            } => {
                visitor.count_or_none("steps", steps, Counts::from(1));
                visitor.number("warmup_share", warmup_share, Limits::BELOW_ONE);
                visitor.number("initial_division", initial_division, Limits::POSITIVE);
                visitor.number("final_division", final_division, Limits::POSITIVE);
                visitor.flag("cycle_momentum", cycle_momentum);
                visitor.number("base_momentum", base_momentum, Limits::BELOW_ONE);
                visitor.number("max_momentum", max_momentum, Limits::BELOW_ONE);
            }
            Self::InverseTime { every, unit, decay } => {
                visitor.count("every", every, Counts::from(1), false);
                visitor.word("unit", unit);
                visitor.number("decay", decay, Limits::NOT_NEGATIVE);
            }
            Self::Piecewise { boundaries, unit, factors } => {
                visitor.counts("boundaries", boundaries, Counts::from(1));
                visitor.word("unit", unit);
                visitor.numbers("factors", factors, Limits::NOT_NEGATIVE);
            }
        }
    }
}

/// `[schedule]`: how the learning rate changes during a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScheduleSpec {
    /// `kind`, and the keys of that kind. Default `constant`.
    pub kind: ScheduleKind,
    /// `warmup_steps`: steps over which the rate first climbs in a straight line to its full value (Goyal et al. 2017); the schedule
    /// starts after them. Default 0.
    pub warmup_steps: u64,
}

impl Section for ScheduleSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.kind(&mut self.kind, false);
        visitor.count("warmup_steps", &mut self.warmup_steps, Counts::from(0), false);
    }
}
