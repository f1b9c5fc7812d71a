use crate::prelude::*;

rule! {
    /// ## What it does
    /// Finds inputs that hold NaN or infinite values.
    ///
    /// ## Why it matters
    /// One such value makes every activation after it NaN, and with it the loss.
    ///
    /// ## How it is detected
    /// An input of a step has an element that is not finite; or rows with one were counted over the epoch.
    ///
    /// ## Example
    /// ```trace
    /// step  loss  x/input.rms  x/input.nan
    /// 0..2  2.3   1            0
    /// 3     NaN   1            64
    /// finding at 3 x
    /// ```
    /// Counted over the epoch:
    /// ```trace
    /// step  loss
    /// 0..9  NaN
    /// data: rows=900 features.bad_rows=3 features.bad_columns=1
    /// finding at 0
    /// ```
    /// ```trace
    /// step  loss  x/input.rms  x/input.nan
    /// 0..9  2.3   1            0
    /// data: rows=900 features.bad_rows=0
    /// healthy
    /// ```
    ///
    /// ## Fix
    /// Remove or fill the rows. A constant column divided by its deviation of zero makes such values: add a small
    /// constant to the divisor.
    ///
    /// ## References
    /// - scikit-learn, *Imputation of missing values*
    pub(crate) static INPUTS_NOT_FINITE: Rule = Rule {
        code: "DAT001",
        name: "inputs-not-finite",
        severity: Severity::Error,
        needs: &[Need::Reading(Role::Input)],
        scope: Scope::Run,
        since: "0.1.0",
        watch: || Box::new(InputsNotFinite),
    };
}

struct InputsNotFinite;

impl Watch for InputsNotFinite {
    fn see(&mut self, view: &StepView<'_>, _site: Option<SiteId>) -> Verdict {
        let Some((site, input)) = view.only(Role::Input) else { return Verdict::TooEarly };
        let bad = input.non_finite();
        if bad == 0 {
            return Verdict::Healthy;
        }
        let message = format!("{bad} of {} input values of the batch are not finite", input.count);
        let draft = INPUTS_NOT_FINITE.found(view.step(), message).at(view, Some(site), Role::Input);
        draft.plain("non-finite values", bad as f64).into()
    }

    fn data(&mut self, _run: &RunView<'_>, data: &DataReading) -> Verdict {
        let features = &data.features;
        if features.bad_rows == 0 {
            return Verdict::Healthy;
        }
        let (rows, columns) = (features.bad_rows, features.bad_columns);
        let message = format!("{rows} of {} rows have inputs that are not finite, in {columns} columns", data.rows);
        INPUTS_NOT_FINITE.found(0, message).of(Role::Input).plain("rows", rows as f64).into()
    }

    fn sees_broken_steps(&self) -> bool {
        true
    }
}
