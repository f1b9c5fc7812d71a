//! Owns the commands of the binary `barograph`.
//!
//! It must never compute a verdict: that is the business of the rules.

pub mod cases;
mod commands;

pub use commands::run;
