//! Names of checkpoints, with numbers in them.
use crate::recipe::suggest;

/// The ending of every checkpoint.
const ENDING: &str = ".safetensors";

/// Longest name (our choice; most file systems end at 255 bytes, and numbers take some of them).
const LONGEST: usize = 128;

/// Most digits that a number is filled up to, or has behind its point (our choice).
const MOST_DIGITS: usize = 20;

/// A name such as `{epoch:03}-{validation_loss:.3f}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileName(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Number(Number),
}

/// `{name}`, or `{name:format}` with a format of Python or Rust: `03`, `03d`, `.3`, `.3f`, `.2e`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Number {
    name: String,
    zeros: bool,
    width: usize,
    digits: Option<usize>,
    exponent: bool,
}

impl FileName {
    /// Understands a name; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("a name has at most {LONGEST} letters"));
        }
        let stem = text.strip_suffix(ENDING).unwrap_or(text);
        if stem.is_empty() || stem.starts_with('.') || stem.contains(['/', '\\', '\0']) {
            return Err(format!(
                "{text:?} is no name of a file; checkpoints lie in the folder checkpoints of the run, so that a name holds no folder and begins with no dot"
            ));
        }
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut rest = stem;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let inside = if brace == "{" { rest.split_once('}') } else { None };
            let Some((inside, after)) = inside else {
                return Err(format!("a brace of {text:?} has no partner; write {brace}{brace} for the brace itself"));
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(Part::Number(Number::parse(inside)?));
            rest = after;
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain + ENDING));
        Ok(Self(parts))
    }

    /// What is wrong with the numbers that it asks for, where there are those of `known`.
    pub(crate) fn problem(&self, known: &[String]) -> Option<String> {
        let whole = ["epoch", "step"];
        let names = || whole.into_iter().chain(known.iter().map(String::as_str));
        self.numbers().find_map(|Number { name, digits, exponent, .. }| {
            if !names().any(|known| known == name) {
                let hint = suggest::hint(name, names().collect::<Vec<_>>());
                return Some(format!("{{{name}}} is no number of a checkpoint{hint}"));
            }
            let is_whole = whole.contains(&name.as_str());
            (is_whole && (digits.is_some() || *exponent)).then(|| {
                format!("{{{name}}} is a whole number, so that it has no digits behind a point; write {{{name}:03}}")
            })
        })
    }

    /// The name with the numbers of the moment in it.
    pub(crate) fn with(&self, value: impl Fn(&str) -> Option<f64>) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Number(number) => number.format(value(&number.name)),
        };
        self.0.iter().map(part).collect()
    }

    fn numbers(&self) -> impl Iterator<Item = &Number> {
        self.0.iter().filter_map(|part| if let Part::Number(number) = part { Some(number) } else { None })
    }
}

impl Number {
    fn parse(inside: &str) -> Result<Self, String> {
        let (name, format) = inside.split_once(':').unwrap_or((inside, ""));
        let wrong = || {
            format!(
                "{{{inside}}} has a format that is not known; there are {{{name}}}, {{{name}:03}}, {{{name}:.3f}} and {{{name}:.2e}}"
            )
        };
        let (format, letter) = match format.strip_suffix(['d', 'f', 'e']) {
            Some(rest) => (rest, &format[rest.len()..]),
            None => (format, ""),
        };
        let (width, digits) = match format.split_once('.') {
            Some((width, digits)) => (width, Some(digits)),
            None => (format, None),
        };
        // A whole number has no point, and `.f` no digits.
        if letter == "d" && digits.is_some() {
            return Err(wrong());
        }
        let count = |text: &str| text.parse::<usize>().ok().filter(|count| *count <= MOST_DIGITS).ok_or_else(wrong);
        Ok(Self {
            name: name.to_owned(),
            zeros: width.starts_with('0'),
            width: if width.is_empty() { 0 } else { count(width)? },
            digits: digits.map(count).transpose()?,
            exponent: letter == "e",
        })
    }

    fn format(&self, value: Option<f64>) -> String {
        /// Digits behind the point where a format does not say.
        const DIGITS: usize = 4;
        let text = match value {
            None => "none".to_owned(),
            Some(value) if !value.is_finite() => value.to_string(),
            Some(value) if self.exponent => format!("{value:.0$e}", self.digits.unwrap_or(DIGITS)),
            Some(value) => match self.digits {
                Some(digits) => format!("{value:.digits$}"),
                None if ["epoch", "step"].contains(&self.name.as_str()) => format!("{value:.0}"),
                None => format!("{value:.DIGITS$}"),
            },
        };
        // Zeros go behind the sign, as in Python and Rust.
        let (sign, number) = text.strip_prefix('-').map_or(("", text.as_str()), |number| ("-", number));
        let missing = self.width.saturating_sub(text.len());
        if self.zeros && value.is_some_and(f64::is_finite) {
            format!("{sign}{}{number}", "0".repeat(missing))
        } else {
            format!("{}{text}", "_".repeat(missing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(template: &str) -> String {
        let value = |name: &str| match name {
            "epoch" => Some(7.0),
            "step" => Some(12_345.0),
            "loss" => Some(0.012_345),
            "validation_loss" => Some(f64::NAN),
            "balance" => Some(-2.5),
            _ => None,
        };
        FileName::parse(template).map_or_else(|error| error, |name| name.with(value))
    }

    #[test]
    fn numbers_take_the_formats_of_python_and_of_rust() {
        for (template, expected) in [
            ("best", "best.safetensors"),
            ("best.safetensors", "best.safetensors"),
            ("{epoch}-{step}", "7-12345.safetensors"),
            ("{epoch:03d}-{loss:.3f}", "007-0.012.safetensors"),
            ("{epoch:03}-{loss:.3}", "007-0.012.safetensors"),
            ("{loss}", "0.0123.safetensors"),
            ("{loss:.2e}", "1.23e-2.safetensors"),
            ("{loss:08.3f}", "0000.012.safetensors"),
            ("{balance:06.1f}", "-002.5.safetensors"),
            ("{epoch:3}", "__7.safetensors"),
            ("{validation_loss:.3f}", "NaN.safetensors"),
            ("{{{epoch}}}", "{7}.safetensors"),
        ] {
            assert_eq!(name(template), expected, "{template}");
        }
    }

    #[test]
    fn what_cannot_be_a_name_is_explained() {
        for (template, words) in [
            ("", "no name of a file"),
            (".safetensors", "no name of a file"),
            ("../{epoch}", "holds no folder"),
            ("best/{epoch}", "holds no folder"),
            ("{epoch", "has no partner"),
            ("epoch}", "write }} for the brace itself"),
            ("{epoch:x}", "{epoch:.3f}"),
            ("{epoch:.3d}", "not known"),
            ("{epoch:999999}", "not known"),
            ("{loss:.f}", "not known"),
            ("{epoch:-3}", "not known"),
        ] {
            assert!(name(template).contains(words), "{template}: {}", name(template));
        }
        assert!(name(&"x".repeat(200)).contains("at most 128"));
    }

    #[test]
    fn unknown_numbers_are_recognized() {
        let known = ["loss", "validation_loss"].map(str::to_owned);
        let problem = |template: &str| FileName::parse(template).expect("a name").problem(&known).unwrap_or_default();
        assert_eq!(problem("{epoch:03}-{validation_loss:.3f}"), "");
        assert!(
            problem("{val_loss:.3f}")
                .contains("{val_loss} is no number of a checkpoint; did you mean \"validation_loss\"?")
        );
        assert!(problem("{epochs}").contains("did you mean \"epoch\"?"));
        assert!(problem("{epoch:.2f}").contains("whole number"));
    }
}
