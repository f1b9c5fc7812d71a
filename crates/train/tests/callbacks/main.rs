//! Callbacks in trainings: when they are called, and what becomes of the training.

mod accumulation;
mod as_in_keras;
mod averaging;
mod clipping;
mod keeping;
mod lifecycle;
mod resuming;
mod rolling_back;
mod skipping;
mod support;
mod telling;
mod validating;
