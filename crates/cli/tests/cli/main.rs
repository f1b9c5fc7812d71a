//! The binary as people use it: what it prints, what it writes, how it ends.

mod binary;
mod catalogue;
mod data;
mod demo;
mod disk;
mod fail_on;
mod help;
mod interrupt;
mod new_and_check;
mod recipes;
mod reports;
mod run_folders;
