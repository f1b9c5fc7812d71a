//! Owns recipes, layers, losses, callbacks, schedules, the fit loop, the replay of incidents and the trial of remedies.
//!
//! It must never hold a threshold of a rule, and supervision must never change what it computes.

pub mod callbacks;
pub mod control;
pub mod data;
pub mod layers;
pub mod losses;
pub mod random;
pub mod recipe;

mod auxiliary;
mod averages;
mod backup;
mod batches;
mod check;
mod checkpoint;
mod clip;
mod engine;
mod error;
mod evaluate;
mod evaluation;
mod facts;
mod first_weights;
mod gradcheck;
mod gradient_hook;
mod inspect;
mod loader;
mod loss_scaler;
mod lr_find;
mod metric;
mod metrics;
mod model;
mod network;
mod optimizers;
mod outcome;
mod overfit;
mod parts;
mod penalty;
mod predict;
mod preflight;
mod prepare;
mod preprocessing;
mod progress;
mod replay;
mod review;
mod schedules;
mod snapshots;
mod subject;
mod summary;
mod trainer;
mod trial;
mod weight_rules;
mod weights;

pub use auxiliary::AuxiliaryLoss;
pub use backup::{BACKUP_FILE, recipe_to_resume};
pub use checkpoint::{MODEL_FILE, RECIPE_FILE, load_weights, save_weights};
pub use clip::{Clipped, clip};
pub use error::TrainError;
pub use evaluation::{Evaluation, evaluate};
pub use gradcheck::{
    Element, GRADCHECK_STEP, GRADCHECK_TOLERANCE, GradCheckOptions, GradientCheck, SINGLE_TOLERANCE, TensorCheck,
    gradcheck, gradcheck_with,
};
pub use gradient_hook::{GradientHook, Review, StepGradients, WeightGradient};
pub use inspect::{InspectedLayer, Inspection, inspect};
pub use losses::{LOSS_SITE, Loss, LossFacts, LossPart, TargetTensor, recipe_loss};
pub use lr_find::{LearningRates, LrFindOptions, Stopped, Suggestions, lr_find, lr_find_with};
pub use metric::{Metric, MetricBatch};
pub use metrics::{Answers, Score, Scoring};
pub use model::{LayerFact, Model};
pub use network::Network;
pub use optimizers::build as build_optimizer;
pub use outcome::Outcome;
pub use overfit::{Overfit, OverfitOptions, overfit, overfit_with, without_regularization};
pub use penalty::penalty;
pub use predict::{Predictions, predict};
pub use preflight::{PreflightCheck, preflight};
pub use preprocessing::{PREPROCESSING_FILE, Preprocessing};
pub use progress::Progress;
pub use schedules::Schedule;
pub use subject::Subject;
pub use summary::{Cost, Memory, Summary, SummaryLayer, summarize};
pub use trainer::Trainer;
pub use trial::{TRIAL_STEPS, try_remedy};
pub use weight_rules::{Constraint, Regularizer, WeightPart, WeightRule};
pub use weights::{LoadedLayer, LoadedWeights, load_from};
