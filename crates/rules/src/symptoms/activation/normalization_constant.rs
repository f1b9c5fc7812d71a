use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds normalization layers that put out the same for every example.
    ///
    /// ## Why it matters
    /// A value minus the mean of itself alone is 0. Batch norm over one value, layer norm over one feature, or a normalization
    /// of inputs that do not vary leaves nothing of what comes in; what remains is the layer's own shift.
    ///
    /// ## How it is detected
    /// The layer is known to be a normalization. In `READINGS` unit readings in a row more than `CONSTANT` of its units have one
    /// value for all rows of a batch; or the batch has one row, batch norm was seen to train over it, and all results
    /// are exactly zero.
    ///
    /// ## Example
    /// ```trace
    /// facts: norm.layer=batch_norm
    /// step   norm/activation.rms  norm/activation.units  norm/activation.constant
    /// 0..19  0.1                  64                     64
    /// finding at 2 norm
    /// ```
    /// ```trace
    /// facts: norm.layer=batch_norm training_mode=true
    /// step   norm/activation.rms  norm/activation.zero_share  norm/activation.count  norm/activation.units  norm/activation.constant  batch_rows
    /// 0..19  0                    1.0                         64                     64                     64                        1
    /// finding at 0 norm
    /// ```
    /// Some channels are constant in healthy networks, and behind a dense layer it means something else:
    /// ```trace
    /// facts: norm.layer=batch_norm fc.layer=dense
    /// step   norm/activation.units  norm/activation.constant  fc/activation.units  fc/activation.constant
    /// 0..19  64                     20                        64                   64
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Normalize over more than one value: larger batches, or layer norm or group norm over several features.
    ///
    /// ## References
    /// - Ioffe, Szegedy, *Batch Normalization*, 2015, arXiv:1502.03167
    /// - Wu, He, *Group Normalization*, 2018, arXiv:1803.08494
    pub(crate) static NORMALIZATION_CONSTANT: Rule = Rule {
        code: "ACT010",
        name: "normalization-constant",
        severity: Severity::Warning,
        needs: &[Need::Reading(Role::Activation)],
        scope: Scope::Each(Role::Activation),
        since: "0.1.0",
        watch: || Box::new(NormalizationConstant::default()),
    };
}

/// Share of the units. Our choice.
const CONSTANT: f64 = 0.9;

/// Readings in a row. Our choice.
const READINGS: u64 = 3;

/// In a batch of one row every unit is constant, whatever the layer.
const ROWS: u64 = 2;

#[derive(Default)]
struct NormalizationConstant {
    streak: Streak,
}

impl Watch for NormalizationConstant {
    fn see(&mut self, view: &StepView<'_>, site: Option<SiteId>) -> Verdict {
        let Some(site) = site else { return Verdict::TooEarly };
        let kind = view.facts.text_at(FactKey::Layer, site).unwrap_or_default();
        if !kind.ends_with("_norm") {
            return Verdict::TooEarly;
        }
        let Some(reading) = view.reading(site, Role::Activation).filter(|reading| reading.finite() >= ROWS) else {
            return Verdict::TooEarly;
        };
        // A layer of one unit has no readings of units.
        let alike = if reading.m2 == 0.0 { Some((1, 1)) } else { None };
        let units = view.units(site, Role::Activation).filter(|units| units.units > 0);
        let Some((constant, units)) = units.map(|units| (units.constant, units.units)).or(alike) else {
            return Verdict::TooEarly;
        };
        let share = f64::from(constant) / f64::from(units);
        let over_one_row = reading.count / u64::from(units) < ROWS;
        let trains = kind == "batch_norm" && view.facts.flag(FactKey::TrainingMode) == Some(true);
        let nothing_left = over_one_row && trains && reading.zeros == reading.count;
        let streak = self.streak.push(share > CONSTANT && !over_one_row);
        if !nothing_left && streak < READINGS {
            return if streak == 0 { Verdict::Healthy } else { Verdict::TooEarly };
        }
        let message = format!("{constant} of {units} units of a normalization have one value for all examples");
        let draft = NORMALIZATION_CONSTANT.found(view.step(), message).at(view, Some(site), Role::Activation);
        draft.against("share of constant units", share, CONSTANT).into()
    }
}
