//! The number that a callback looks at.
use super::visit::{Limits, Visitor, words};
use barograph_vocab::Scalar;

/// What stands before the name of a number of the rows that are held out.
pub(crate) const HELD_OUT: &str = "validation_";

/// The number of an epoch that a callback looks at. NaN is worse than anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Monitor {
    /// `validation_loss`: loss on the validation rows.
    ValidationLoss,
    /// `loss`: training loss.
    Loss,
    /// `validation_accuracy`: share of the validation rows answered right.
    ValidationAccuracy,
    /// `accuracy`: share of the training rows answered right.
    Accuracy,
    /// `validation_r2`: coefficient of determination on the validation rows.
    ValidationR2,
    /// `r2`: coefficient of determination on the training rows.
    R2,
    /// Any other number by its name: a metric, such as `validation_f1`; of one of several outputs its loss, its score or a metric, such as
    /// `validation_species_loss`, `species_accuracy` or `validation_species_f1`. Without `validation_` it is that of the training rows.
    Named(String),
}

impl Monitor {
    /// Those that have a name of their own, in the order of this page.
    pub const ALL: &'static [Self] =
        &[Self::ValidationLoss, Self::Loss, Self::ValidationAccuracy, Self::Accuracy, Self::ValidationR2, Self::R2];

    /// The number of this name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self::ALL.iter().find(|known| known.name() == name).cloned().unwrap_or_else(|| Self::Named(name.to_owned()))
    }

    /// What a recipe, the log and every file of numbers call it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Named(name) => name,
            known => known.scalar().map_or("", Scalar::name),
        }
    }

    /// The scalar of an epoch's record that it reads; `None` for one with a name.
    #[must_use]
    pub const fn scalar(&self) -> Option<Scalar> {
        match self {
            Self::ValidationLoss => Some(Scalar::ValidationLoss),
            Self::Loss => Some(Scalar::Loss),
            Self::ValidationAccuracy => Some(Scalar::ValidationAccuracy),
            Self::Accuracy => Some(Scalar::Accuracy),
            Self::ValidationR2 => Some(Scalar::ValidationR2),
            Self::R2 => Some(Scalar::R2),
            Self::Named(_) => None,
        }
    }

    /// Whether it needs rows held out for validation.
    #[must_use]
    pub fn needs_validation(&self) -> bool {
        self.name().starts_with(HELD_OUT)
    }

    /// The direction that is better for it: losses and errors go down, everything else goes up.
    #[must_use]
    pub fn better(&self) -> Mode {
        /// Last words of the names of losses and errors.
        const DOWN: [&str; 7] = ["loss", "error", "mae", "mse", "rmse", "mape", "perplexity"];
        let last = self.name().rsplit('_').next().unwrap_or_default();
        if DOWN.contains(&last) { Mode::Min } else { Mode::Max }
    }
}

words! {
    /// Which direction of the monitored number is better.
    Mode, "mode", {
        /// As fits the monitored number: losses and errors down, scores up.
        Auto = "auto",
        /// Down.
        Min = "min",
        /// Up.
        Max = "max",
    }
}

words! {
    /// What the least improvement, `min_delta`, is measured in.
    ThresholdMode, "threshold_mode", {
        /// In the units of the monitored number.
        Absolute = "absolute",
        /// As a share of the best number so far.
        Relative = "relative",
    }
}

/// Which number a callback looks at, and what counts as better.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// `monitor`: the number. Default `validation_loss`.
    pub monitor: Monitor,
    /// `mode`: which direction is better. Default `auto`.
    pub mode: Mode,
    /// `min_delta`: a change by less than this does not count. Default 0.
    pub min_delta: f64,
}

impl Default for Watch {
    fn default() -> Self {
        Self { monitor: Monitor::ValidationLoss, mode: Mode::Auto, min_delta: 0.0 }
    }
}

impl Watch {
    /// The number of this name, as a recipe says it: `validation_species_loss`, or that of a [`crate::Metric`].
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { monitor: Monitor::of(name), ..Self::default() }
    }

    /// With this direction as the better one.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        Self { mode, ..self }
    }

    /// Whether lower is better.
    #[must_use]
    pub fn lower_is_better(&self) -> bool {
        match self.mode {
            Mode::Auto => self.monitor.better() == Mode::Min,
            mode => mode == Mode::Min,
        }
    }

    pub(super) fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        let mut name = self.monitor.name().to_owned();
        visitor.text("monitor", &mut name);
        self.monitor = Monitor::of(&name);
        visitor.word("mode", &mut self.mode);
        visitor.number("min_delta", &mut self.min_delta, Limits::NOT_NEGATIVE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_number_of_its_own_or_one_that_is_known() {
        assert!(Monitor::ALL.iter().all(|monitor| Monitor::of(monitor.name()) == *monitor));
        let named = Monitor::of("validation_species_loss");
        assert_eq!((named.name(), named.scalar()), ("validation_species_loss", None));
        assert!(named.needs_validation() && !Monitor::of("species_loss").needs_validation());
    }

    #[test]
    fn losses_and_errors_go_down() {
        for (name, mode) in [
            ("loss", Mode::Min),
            ("validation_species_loss", Mode::Min),
            ("price_rmse", Mode::Min),
            ("max_error", Mode::Min),
            ("validation_r2", Mode::Max),
            ("species_top_5_accuracy", Mode::Max),
            ("f1", Mode::Max),
        ] {
            assert_eq!(Monitor::of(name).better(), mode, "{name}");
        }
    }
}
