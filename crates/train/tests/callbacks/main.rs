//! Callbacks in trainings: when they are called, and what becomes of the training.

mod lifecycle;
mod support;
