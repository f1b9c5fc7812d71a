//! Numbers and objects as JSON that every reader takes.
use serde_json::Value;
use std::fmt;

/// A number. JSON has none that are not finite: those become the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, as in the JSON of protocol
/// buffers; Python's `float` and JavaScript's `Number` read them.
pub(super) fn number(value: f64) -> Value {
    match value {
        value if value.is_nan() => Value::from("NaN"),
        f64::INFINITY => Value::from("Infinity"),
        f64::NEG_INFINITY => Value::from("-Infinity"),
        value => Value::from(value),
    }
}

/// An object whose keys keep their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Object(Vec<(String, Value)>);

impl Object {
    /// Adds a key, unless there is one of this name.
    pub(super) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.add(key, value);
        self
    }

    /// Adds a key, unless there is one of this name.
    pub(super) fn add(&mut self, key: &str, value: impl Into<Value>) {
        if self.0.iter().all(|(name, _)| name != key) {
            self.0.push((key.to_owned(), value.into()));
        }
    }

    /// Adds numbers by their names.
    pub(super) fn add_numbers<'a>(&mut self, numbers: impl IntoIterator<Item = (&'a str, f64)>) {
        for (name, value) in numbers {
            self.add(name, number(value));
        }
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (key, value)) in self.0.iter().enumerate() {
            let between = if at == 0 { '{' } else { ',' };
            write!(f, "{between}{}:{value}", Value::from(key.as_str()))?;
        }
        f.write_str(if self.0.is_empty() { "{}" } else { "}" })
    }
}

#[cfg(test)]
mod tests {
    use super::{Object, number};

    #[test]
    fn numbers_that_are_not_finite_are_texts() {
        let mut object = Object::default().with("a", number(f64::NAN));
        object.add_numbers([("b", f64::INFINITY), ("c", f64::NEG_INFINITY), ("d", 0.1), ("d", 7.0)]);
        assert_eq!(object.to_string(), r#"{"a":"NaN","b":"Infinity","c":"-Infinity","d":0.1}"#);
    }

    #[test]
    fn keys_and_texts_are_escaped_and_nothing_is_an_object_too() {
        assert_eq!(Object::default().with("a\"b", "\u{7}\n").to_string(), "{\"a\\\"b\":\"\\u0007\\n\"}");
        assert_eq!(Object::default().to_string(), "{}");
    }
}
