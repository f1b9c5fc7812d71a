//! Owns the commands of the binary `barograph`.
//!
//! It must never compute a verdict: that is the business of the rules.

pub mod cases;

mod answers;
mod catalogue;
mod commands;
mod context;
mod demo;
mod exit;
mod experiment;
mod figures;
mod interrupt;
mod loaded;
mod observed;
mod page;
mod pairing;
mod progress;
mod run_folder;
mod screen;
mod table;
mod trials;

pub use commands::run;
pub use exit::ExitCode;
pub use screen::{ColorChoice, Screen};
