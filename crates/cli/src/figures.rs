//! Numbers for programs.
use serde_json::Value;

/// A number as JSON has it; those that are not finite are the strings of the reports, `"NaN"`, `"Infinity"` and `"-Infinity"`.
pub(crate) fn json(value: f64) -> Value {
    let word = if value.is_nan() {
        "NaN"
    } else if value == f64::INFINITY {
        "Infinity"
    } else if value == f64::NEG_INFINITY {
        "-Infinity"
    } else {
        return Value::from(value);
    };
    Value::from(word)
}

/// Several of them.
pub(crate) fn json_list(values: &[f64]) -> Value {
    values.iter().copied().map(json).collect()
}

/// A document on lines of its own, ready to be printed.
pub(crate) fn document(value: &Value) -> String {
    format!("{value:#}\n")
}
