use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds inputs that hardly differ from row to row.
    ///
    /// ## Why it matters
    /// The network sees the same thing each time: scaled down twice, or divided as integers. It answers with a constant
    /// until its first layer has grown a hundredfold.
    ///
    /// ## How it is detected
    /// The largest deviation of a column is below `SCALE`.
    ///
    /// ## Example
    /// ```trace
    /// data: features.rms=0.002 features.scale_min=0.0005 features.scale_max=0.0012
    /// finding at 0
    /// ```
    /// ```trace
    /// data: features.rms=0.3 features.scale_min=0.01 features.scale_max=0.4
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Scale the inputs once, to zero mean and unit deviation.
    ///
    /// ## References
    /// - LeCun, Bottou, Orr, Müller, *Efficient BackProp*, 1998, section 4.3
    pub(crate) static INPUTS_NEARLY_CONSTANT: Rule = Rule {
        code: "DAT003",
        name: "inputs-nearly-constant",
        severity: Severity::Warning,
        needs: &[Need::Data],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(InputsNearlyConstant),
    };
}

/// Deviation of a column. Our choice: an image divided by 255 twice has about 0.001.
const SCALE: f64 = 0.02;

struct InputsNearlyConstant;

impl Watch for InputsNearlyConstant {
    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let scale = data.features.scale_max;
        if data.rows < 2 || data.features.features == 0 {
            return Verdict::TooEarly;
        }
        if scale >= SCALE {
            return Verdict::Healthy;
        }
        let message = format!("no input column deviates by more than {scale:.1e} from its mean");
        INPUTS_NEARLY_CONSTANT
            .found(0, message)
            .of(Role::Input)
            .against("largest deviation of a column", scale, SCALE)
            .into()
    }
}
