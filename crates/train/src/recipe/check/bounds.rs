//! Whether each value is within its own bounds.
use super::Found;
use crate::recipe::visit::{Counts, Kind, Limits, Section, Visitor, Word};
use std::fmt::Display;

/// Walks over a recipe and compares each value with its limits.
#[derive(Default)]
pub(super) struct Checker {
    path: String,
    pub(super) found: Found,
}

impl Checker {
    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn report(&mut self, key: &str, text: impl FnOnce(&str) -> String) {
        let key = self.key(key);
        let text = text(&key);
        self.found.push((key, text));
    }

    fn within(&mut self, key: &str, walk: impl FnOnce(&mut Self)) {
        let inner = self.key(key);
        let outer = std::mem::replace(&mut self.path, inner);
        walk(self);
        self.path = outer;
    }

    /// Reports an empty list, or a number of it that is out of bounds.
    fn all_of(&mut self, key: &str, empty: bool, bad: Option<impl Display>, limits: &str) {
        if empty {
            self.report(key, |key| format!("{key} is empty; give it at least one number, or leave the key out"));
        }
        if let Some(bad) = bad {
            self.report(key, |key| format!("each number of {key} must be {limits}, not {bad}"));
        }
    }

    fn not_empty(&mut self, key: &str, value: &str) {
        if value.trim().is_empty() {
            self.report(key, |key| format!("{key} is empty; give it a text, or leave the key out"));
        }
    }
}

impl Visitor for Checker {
    fn number(&mut self, key: &'static str, value: &mut f64, limits: Limits) {
        let value = *value;
        if !limits.allow(value) {
            self.report(key, |key| format!("{key} must be {}, not {value}", limits.words()));
        }
    }

    fn number_or_none(&mut self, key: &'static str, value: &mut Option<f64>, limits: Limits) {
        if let Some(value) = value {
            self.number(key, value, limits);
        }
    }

    fn count(&mut self, key: &'static str, value: &mut u64, limits: Counts, _: bool) {
        let value = *value;
        if value < limits.min || value > limits.max {
            self.report(key, |key| format!("{key} must be {}, not {value}", limits.words()));
        }
    }

    fn count_or_none(&mut self, key: &'static str, value: &mut Option<u64>, limits: Counts) {
        if let Some(value) = value {
            self.count(key, value, limits, false);
        }
    }

    fn triple_or_none(&mut self, key: &'static str, value: &mut Option<[u64; 3]>, limits: Counts) {
        let bad = value.iter().flatten().find(|value| **value < limits.min || **value > limits.max);
        self.all_of(key, false, bad, &limits.words());
    }

    fn counts(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts) {
        let bad = value.iter().find(|value| **value < limits.min || **value > limits.max);
        self.all_of(key, value.is_empty(), bad, &limits.words());
    }

    fn counts_or_none(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts) {
        if !value.is_empty() {
            self.counts(key, value, limits);
        }
    }

    fn numbers(&mut self, key: &'static str, value: &mut Vec<f64>, limits: Limits) {
        let bad = value.iter().find(|value| !limits.allow(**value));
        self.all_of(key, value.is_empty(), bad, &limits.words());
    }

    fn numbers_or_none(&mut self, key: &'static str, value: &mut Vec<f64>, limits: Limits) {
        if !value.is_empty() {
            self.numbers(key, value, limits);
        }
    }

    fn sizes(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts, [from, to]: [usize; 2]) {
        if !(from..=to).contains(&value.len()) {
            self.report(key, |key| format!("{key} must be a list of {from} to {to} whole numbers"));
        }
        if let Some(bad) = value.iter().copied().find(|value| *value < limits.min || *value > limits.max) {
            self.report(key, |key| format!("each number of {key} must be {}, not {bad}", limits.words()));
        }
    }

    fn flag(&mut self, _: &'static str, _: &mut bool) {}

    fn text(&mut self, key: &'static str, value: &mut String) {
        self.not_empty(key, value);
    }

    fn text_or_none(&mut self, key: &'static str, value: &mut Option<String>) {
        if let Some(value) = value {
            self.not_empty(key, value);
        }
    }

    fn texts(&mut self, key: &'static str, value: &mut Vec<String>) {
        if value.iter().any(String::is_empty) {
            self.report(key, |key| format!("{key} holds an empty text; name a column, or take it out"));
        }
    }

    fn word<W: Word>(&mut self, _: &'static str, _: &mut W) {}

    fn word_or_none<W: Word>(&mut self, _: &'static str, _: &mut Option<W>) {}

    fn words<W: Word>(&mut self, _: &'static str, _: &mut Vec<W>) {}

    fn kind<K: Kind>(&mut self, value: &mut K, _: bool) {
        value.visit(self);
    }

    fn choice<K: Kind>(&mut self, key: &'static str, value: &mut K) {
        self.within(key, |checker| value.visit(checker));
    }

    fn section<S: Section>(&mut self, key: &'static str, value: &mut S, _: bool) {
        self.within(key, |checker| value.visit(checker));
    }

    fn sections<S: Section>(&mut self, key: &'static str, value: &mut Vec<S>) {
        for (number, value) in value.iter_mut().enumerate() {
            self.within(&format!("{key}.{number}"), |checker| value.visit(checker));
        }
    }
}
