use crate::clues::UNLIKELY;
use crate::prelude::*;
use crate::remedies as remedy;

rule! {
    /// ## What it means
    /// Missing values, or a division by the deviation of a constant column, reach the network.
    ///
    /// ## How it is weighed
    /// Inputs that are not finite speak for it, and hardly anything against it.
    ///
    /// ## Example
    /// ```trace
    /// step  loss  x/input.rms  x/input.nan
    /// 0..2  2.3   1            0
    /// 3     NaN   1            64
    /// cause
    /// ```
    /// ```trace
    /// step  loss  x/input.rms  x/input.nan
    /// 0..2  2.3   1            0
    /// 3     NaN   1            0
    /// no cause
    /// ```
    ///
    /// ## Fix
    /// Remove or fill the rows; divide by the deviation plus a small constant.
    ///
    /// ## References
    /// - scikit-learn, *Imputation of missing values*
    pub(crate) static INPUT_NOT_FINITE: CauseRule = CauseRule {
        slug: "input-not-finite",
        title: "NaN or infinite values in the inputs",
        explains: &["inputs-not-finite", "loss-not-finite"],
        since: "0.1.0",
        weigh,
        remedies,
    };
}

fn weigh(case: &Case<'_>) -> Weighing {
    let data = case.digest.data.as_ref();
    let columns = data.filter(|data| data.features.bad_columns > 0).map(|data| {
        let columns = data.features.bad_column_examples.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
        Evidence::plain(
            format!("columns with values that are not finite: {columns}"),
            f64::from(data.features.bad_columns),
        )
    });
    case.weigh(UNLIKELY).symptom("inputs-not-finite", 6.0).given(columns, 0.5).done()
}

fn remedies(_case: &Case<'_>) -> Vec<Remedy> {
    vec![
        remedy::choose("leave out the rows with values that are not finite", "data.missing", "drop"),
        remedy::choose("fill values that are not finite with the mean of their column", "data.missing", "mean"),
    ]
}
