//! One declaration per key: reading, writing and checking a recipe all walk the same `visit` functions.

/// Bounds of a number. Every number of a recipe is finite.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Whether `min` itself is out of bounds.
    pub(crate) above_min: bool,
    /// Whether `max` itself is out of bounds.
    pub(crate) below_max: bool,
}

impl Limits {
    /// Every finite number.
    pub(crate) const ANY: Self = Self { min: f64::MIN, max: f64::MAX, above_min: false, below_max: false };
    /// 0 and above.
    pub(crate) const NOT_NEGATIVE: Self = Self { min: 0.0, ..Self::ANY };
    /// Above 0.
    pub(crate) const POSITIVE: Self = Self { min: 0.0, above_min: true, ..Self::ANY };
    /// From 0 to below 1: a momentum, a dropout rate, a share held out.
    pub(crate) const BELOW_ONE: Self = Self { min: 0.0, max: 1.0, below_max: true, ..Self::ANY };
    /// From 0 to 1.
    pub(crate) const SHARE: Self = Self { min: 0.0, max: 1.0, ..Self::ANY };
    /// Above 0 and at most 1.
    pub(crate) const ABOVE_ZERO_TO_ONE: Self = Self { above_min: true, ..Self::SHARE };
    /// Above 0 and below 1: a factor that shrinks.
    pub(crate) const SHRINKING: Self = Self { min: 0.0, max: 1.0, above_min: true, below_max: true };

    /// Whether a value is within bounds.
    pub(crate) fn allow(self, value: f64) -> bool {
        let low = if self.above_min { value > self.min } else { value >= self.min };
        let high = if self.below_max { value < self.max } else { value <= self.max };
        value.is_finite() && low && high
    }

    /// The bounds in words: `above 0`, `from 0 to below 1`.
    pub(crate) fn words(self) -> String {
        let low = if self.above_min { format!("above {}", self.min) } else { format!("{} or more", self.min) };
        match (self.min > f64::MIN, self.max < f64::MAX) {
            (false, false) => "a finite number".to_owned(),
            (true, false) => low,
            (false, true) => format!("{}{}", if self.below_max { "below " } else { "at most " }, self.max),
            (true, true) => {
                let from = if self.above_min { "above" } else { "from" };
                let (and, to) = match (self.above_min, self.below_max) {
                    (true, true) => ("and", "below "),
                    (true, false) => ("and", "at most "),
                    (false, true) => ("to", "below "),
                    (false, false) => ("to", ""),
                };
                format!("{from} {} {and} {to}{}", self.min, self.max)
            }
        }
    }
}

/// Bounds of a whole number, both included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) min: u64,
    pub(crate) max: u64,
}

impl Counts {
    /// TOML has no whole numbers above this.
    const LARGEST: u64 = i64::MAX as u64;

    /// From `min` on.
    pub(crate) const fn from(min: u64) -> Self {
        Self { min, max: Self::LARGEST }
    }

    /// From `min` to `max`.
    pub(crate) const fn between(min: u64, max: u64) -> Self {
        Self { min, max }
    }

    /// The bounds in words.
    pub(crate) fn words(self) -> String {
        if self.max == Self::LARGEST {
            format!("{} or more", self.min)
        } else {
            format!("from {} to {}", self.min, self.max)
        }
    }
}

/// A value that is one word of a fixed list.
pub(crate) trait Word: Copy + 'static {
    /// What the word names: `activation`.
    const WHAT: &'static str;

    /// Every word, in the order they are documented.
    fn all() -> &'static [Self];

    /// The word itself.
    fn word(self) -> &'static str;
}

/// A value of one of several kinds, each with its own keys.
pub(crate) trait Kind: Sized + Clone {
    /// What the kinds are kinds of: `optimizer`.
    const WHAT: &'static str;
    /// The kind of a table that does not say: `{ scale = 0.1 }`.
    const UNSAID: Option<&'static str> = None;

    /// One value of each kind with its defaults, in the order they are documented.
    fn all() -> Vec<Self>;

    /// The name of the kind.
    fn kind(&self) -> &'static str;

    /// The keys of this kind.
    fn visit<V: Visitor>(&mut self, visitor: &mut V);

    /// The defaults of the kind with this name.
    fn of(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|kind| kind.kind() == name)
    }
}

/// A table of a recipe.
pub(crate) trait Section: Default {
    /// The keys of the table.
    fn visit<V: Visitor>(&mut self, visitor: &mut V);
}

/// What walks over a recipe: the reader, the writer or the checker.
pub(crate) trait Visitor {
    /// A number.
    fn number(&mut self, key: &'static str, value: &mut f64, limits: Limits);

    /// A number that may be absent.
    fn number_or_none(&mut self, key: &'static str, value: &mut Option<f64>, limits: Limits);

    /// A whole number; `required` makes its absence an error.
    fn count(&mut self, key: &'static str, value: &mut u64, limits: Counts, required: bool);

    /// A whole number that may be absent.
    fn count_or_none(&mut self, key: &'static str, value: &mut Option<u64>, limits: Counts);

    /// A list of exactly three whole numbers that may be absent.
    fn triple_or_none(&mut self, key: &'static str, value: &mut Option<[u64; 3]>, limits: Counts);

    /// A list of whole numbers, never empty.
    fn counts(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts);

    /// A list of whole numbers that may be absent, which is the empty one.
    fn counts_or_none(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts) {
        self.counts(key, value, limits);
    }

    /// A list of numbers, never empty.
    fn numbers(&mut self, key: &'static str, value: &mut Vec<f64>, limits: Limits);

    /// A list of numbers that may be absent, which is the empty one.
    fn numbers_or_none(&mut self, key: &'static str, value: &mut Vec<f64>, limits: Limits) {
        self.numbers(key, value, limits);
    }

    /// A list of whole numbers, as many as `lengths` says from and to; its absence is an error.
    fn sizes(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts, lengths: [usize; 2]);

    /// Yes or no.
    fn flag(&mut self, key: &'static str, value: &mut bool);

    /// Free text, never empty.
    fn text(&mut self, key: &'static str, value: &mut String);

    /// Free text that may be absent.
    fn text_or_none(&mut self, key: &'static str, value: &mut Option<String>);

    /// A list of texts, or a single one. The empty list is the absent key.
    fn texts(&mut self, key: &'static str, value: &mut Vec<String>);

    /// A word of a list.
    fn word<W: Word>(&mut self, key: &'static str, value: &mut W);

    /// A word of a list that may be absent.
    fn word_or_none<W: Word>(&mut self, key: &'static str, value: &mut Option<W>);

    /// A list of words, or a single one. The empty list is the absent key.
    fn words<W: Word>(&mut self, key: &'static str, value: &mut Vec<W>);

    /// The kind of the table that is being visited, and the keys of that kind.
    fn kind<K: Kind>(&mut self, value: &mut K, required: bool);

    /// A value that is a word, or a table with the word under `kind` and keys of its own.
    fn choice<K: Kind>(&mut self, key: &'static str, value: &mut K);

    /// A table; `required` makes its absence an error.
    fn section<S: Section>(&mut self, key: &'static str, value: &mut S, required: bool);

    /// A list of tables.
    fn sections<S: Section>(&mut self, key: &'static str, value: &mut Vec<S>);
}

/// Declares an enum whose values are the words of a recipe.
macro_rules! words {
    ($(#[$doc:meta])* $Name:ident, $what:literal, { $($(#[$word_doc:meta])+ $Word:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $Name { $($(#[$word_doc])+ $Word),+ }

        impl $Name {
            /// Every value, in the order of this page.
            pub const ALL: &'static [Self] = &[$(Self::$Word),+];

            /// The word that a recipe uses.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$Word => $word),+ }
            }
        }

        impl $crate::recipe::visit::Word for $Name {
            const WHAT: &'static str = $what;

            fn all() -> &'static [Self] {
                Self::ALL
            }

            fn word(self) -> &'static str {
                self.name()
            }
        }
    };
}
pub(crate) use words;
