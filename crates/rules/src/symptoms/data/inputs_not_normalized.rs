use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds inputs far from unit scale, or columns whose scales are orders of magnitude apart.
    ///
    /// ## Why it matters
    /// The first layer's sums are as large as the inputs: activations saturate, gradients are long in the direction of
    /// the largest column, and no learning rate fits all weights.
    ///
    /// ## How it is detected
    /// The root mean square of the inputs is above `SCALE`, or the largest deviation of a column that varies is `RATIO`
    /// times the smallest and not of unit scale.
    ///
    /// ## Example
    /// ```trace
    /// data: features.rms=141 features.scale_min=73 features.scale_max=80
    /// finding at 0
    /// ```
    /// ```trace
    /// data: features.rms=1.0 features.scale_min=0.8 features.scale_max=1.2
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Subtract each column's mean and divide by its standard deviation, both taken from the training rows; divide
    /// images by 255.
    ///
    /// ## References
    /// - LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.3
    pub(crate) static INPUTS_NOT_NORMALIZED: Rule = Rule {
        code: "DAT002",
        name: "inputs-not-normalized",
        severity: Severity::Note,
        needs: &[Need::Data],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(InputsNotNormalized),
    };
}

/// Root mean square of all inputs. Our choice: data of a mean of a few deviations train well.
const SCALE: f64 = 10.0;

/// Largest over smallest deviation of a column. Our choice.
const RATIO: f64 = 1e3;

/// A column of at most this deviation is of unit scale or less; a rare indicator column has a small one by right.
const UNIT: f64 = 3.0;

struct InputsNotNormalized;

impl Watch for InputsNotNormalized {
    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let features = &data.features;
        let ratio = if features.scale_min > 0.0 { features.scale_max / features.scale_min } else { 1.0 };
        let apart = ratio > RATIO && features.scale_max > UNIT;
        if features.rms <= SCALE && !apart {
            return Verdict::Healthy;
        }
        let message = if apart {
            format!("the columns' scales reach from {:.1e} to {:.1e}", features.scale_min, features.scale_max)
        } else {
            format!("the inputs have a root mean square of {:.1}", features.rms)
        };
        let draft = INPUTS_NOT_NORMALIZED.found(0, message).of(Role::Input);
        let draft = draft.against("root mean square of the inputs", features.rms, SCALE);
        draft.against("largest over smallest scale of a column", ratio, RATIO).into()
    }
}
