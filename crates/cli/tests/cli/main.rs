//! The binary as people use it: what it prints, what it writes, how it ends.

mod before_training;
mod binary;
mod catalogue;
mod ctl;
mod data;
mod demo;
mod disk;
mod evaluations;
mod fail_on;
mod help;
mod interrupt;
mod new_and_check;
mod predictions;
mod predictions_from_inputs;
mod recipes;
mod reports;
mod resume;
mod run_folders;
#[cfg(target_os = "linux")]
mod terminal;
