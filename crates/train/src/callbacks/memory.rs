//! What a callback remembers, as a text that a checkpoint can hold.
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The text of what a callback remembers. TOML keeps every bit of a number, and NaN and infinities too.
pub(super) fn write<T: Serialize>(memory: &T) -> String {
    toml::to_string(memory).unwrap_or_default()
}

/// What a text of [`write`] holds.
///
/// # Errors
/// When the text was written by something else.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{read, write};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Numbers {
        best: Option<f64>,
        all: Vec<f64>,
        waited: u64,
    }

    #[test]
    fn every_bit_comes_back() {
        let all = vec![0.1 + 0.2, f64::MIN_POSITIVE / 3.0, -0.0, f64::INFINITY, 1e300 / 7.0];
        for best in [None, Some(1.0 / 3.0)] {
            let numbers = Numbers { best, all: all.clone(), waited: 7 };
            let back: Numbers = read(&write(&numbers)).unwrap();
            assert_eq!(back, numbers);
            assert!(back.all.iter().zip(&all).all(|(back, number)| back.to_bits() == number.to_bits()));
        }
        let nan = Numbers { best: Some(f64::NAN), all: Vec::new(), waited: 0 };
        assert!(read::<Numbers>(&write(&nan)).unwrap().best.is_some_and(f64::is_nan));
        assert!(read::<Numbers>("nonsense").is_err());
    }
}
