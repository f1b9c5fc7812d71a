//! The facade that Rust users add: re-exports of the crates below, nothing else.
//!
//! It must never contain logic.
//!
//! - [`Trainer`] trains a [`Model`] (any burn module with a forward pass) or the [`Network`] of a [`recipe::Recipe`], observed.
//! - [`watch()`] observes a training loop of one's own; [`tap`] shows it an activation.
//! - [`lr_find`], [`gradcheck`], [`overfit`], [`preflight`] and [`summarize`] look at a model before a long training.
//! - [`ops`] are burn's operations, one by one traceable: a loss or layer written with them gets its first bad operation named.

pub use barograph_burn::{
    Derivatives, DeviceName, Observer, Scope, Variable, Watch, cpu, derivatives, from_slice, ops, tap, tap_channels,
    to_vec, watch,
};
pub use barograph_monitor::{Cadence, EvidenceMode, Options, diagnose};
pub use barograph_report as report;
pub use barograph_train::{
    Answers, AuxiliaryLoss, Constraint, Evaluation, GradCheckOptions, GradientCheck, GradientHook, LearningRates,
    LoadedWeights, Loss, LossFacts, LrFindOptions, Metric, MetricBatch, Model, Network, Outcome, Overfit,
    OverfitOptions, Predictions, PreflightCheck, Preprocessing, Progress, Regularizer, Review, Scoring, StepGradients,
    Subject, Summary, TargetTensor, TrainError, Trainer, WeightGradient, callbacks, data, evaluate, gradcheck,
    gradcheck_with, layers, load_from, load_weights, losses, lr_find, lr_find_with, overfit, overfit_with, predict,
    preflight, random, recipe, save_weights, summarize, try_remedy,
};
pub use barograph_vocab as vocab;
