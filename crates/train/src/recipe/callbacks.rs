//! What happens at the end of an epoch besides training.
use super::monitor::{ThresholdMode, Watch};
use super::schedule::Unit;
use super::visit::{Counts, Kind, Limits, Section, Visitor};
use std::path::PathBuf;

/// How `adaptive_clip` finds its limit, with the keys of its kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClipMethod {
    /// `zclip` (Kumar et al. 2025): the global norm is held near the mean of the norms before.
    ZClip {
        /// `decay`: of the moving mean and variance of the norm. Default 0.97; below 1.
        decay: f64,
        /// `threshold`: standard deviations above the mean from which on the norm is clipped. Default 2.5; above 0.
        threshold: f64,
        /// `warmup_steps`: steps whose norms begin the mean and the variance, and are not clipped. Default 25; 1 or more.
        warmup_steps: u64,
    },
    /// `agc` (Brock et al. 2021): the gradient of each unit is held below a share of the norm of its weights.
    Agc {
        /// `limit`: share of the norm of a unit's weights. Default 0.01; above 0.
        limit: f64,
        /// `least_norm`: weights count as if their norm was at least this, so that weights of 0 can move. Default 0.001; above 0.
        least_norm: f64,
        /// `output`: whether the last layer is clipped too. Default false, as the authors advise.
        output: bool,
    },
}

impl Kind for ClipMethod {
    const WHAT: &'static str = "method";

    fn all() -> Vec<Self> {
        vec![
            Self::ZClip { decay: 0.97, threshold: 2.5, warmup_steps: 25 },
            Self::Agc { limit: 0.01, least_norm: 1e-3, output: false },
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::ZClip { .. } => "zclip",
            Self::Agc { .. } => "agc",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::ZClip { decay, threshold, warmup_steps } => {
                visitor.number("decay", decay, Limits::BELOW_ONE);
                visitor.number("threshold", threshold, Limits::POSITIVE);
                visitor.count("warmup_steps", warmup_steps, Counts::from(1), false);
            }
            Self::Agc { limit, least_norm, output } => {
                visitor.number("limit", limit, Limits::POSITIVE);
                visitor.number("least_norm", least_norm, Limits::POSITIVE);
                visitor.flag("output", output);
            }
        }
    }
}

/// `[[callbacks]]`: one callback with the keys of its kind. Callbacks run in the order of the recipe.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum CallbackSpec {
    /// `early_stopping`: stops when the monitored number no longer gets better.
    EarlyStopping {
        /// `monitor`, `mode`, `min_delta`.
        watch: Watch,
        /// `patience`: it stops after so many epochs in a row without improvement, for 0 and 1 at the first. Default 5.
        patience: u64,
        /// `baseline`: the count of epochs without improvement only starts again at an epoch that also beats this number.
        baseline: Option<f64>,
        /// `restore_best`: put the weights of the best epoch back at the end, however the training ends, unless it is interrupted.
        /// Default true.
        restore_best: bool,
        /// `start_from_epoch`: epochs before which it does not look. Default 0.
        start_from_epoch: u64,
    },
    /// `reduce_lr_on_plateau`: lowers the learning rate when the monitored number no longer gets better.
    ReduceLrOnPlateau {
        /// `monitor`, `mode`, `min_delta`.
        watch: Watch,
        /// `threshold_mode`: whether `min_delta` is absolute or relative to the best number. Default `absolute`.
        threshold_mode: ThresholdMode,
        /// `factor`: of the learning rate each time. Default 0.1; above 0 and below 1.
        factor: f64,
        /// `patience`: it acts after so many epochs in a row without improvement, for 0 and 1 at the first. Default 5.
        patience: u64,
        /// `cooldown`: epochs after a reduction during which it does not count. Default 0.
        cooldown: u64,
        /// `min_lr`: the rate is not lowered below this. Default 0.
        min_lr: f64,
    },
    /// `model_checkpoint`: writes the weights as safetensors into the run's folder. The last healthy one is never deleted.
    ModelCheckpoint {
        /// `monitor`, `mode`, `min_delta`.
        watch: Watch,
        /// `every`: epochs or steps between two checkpoints. Default 1.
        every: u64,
        /// `unit`: what `every` counts. Default `epoch`. Of steps, the monitored number is `loss` or `accuracy` of the step's batch.
        unit: Unit,
        /// `best_only`: only when the monitored number is the best so far. Default false.
        best_only: bool,
        /// `threshold`: a number that the first of the best must beat already.
        threshold: Option<f64>,
        /// `keep_last`: older checkpoints are deleted. Default 3.
        keep_last: u64,
        /// `file`: what checkpoints are called, with numbers in braces: `"{epoch:03}-{validation_loss:.3f}"`. There are `epoch` (the first is
        /// 1), `step` and every number of the epoch (of steps `loss` and `accuracy`), each with a format of Python or Rust if need be. A name
        /// that comes again is written over. Default `epoch-{epoch:04}`, of steps `step-{step:06}`.
        file: Option<String>,
    },
    /// `learning_rate_scheduler`: sets the learning rate at the begin of an epoch. Not with a `[schedule]`.
    LearningRateScheduler {
        /// `epochs`: from which on each rate holds, ascending, the first epoch being 0. Default `[0]`.
        epochs: Vec<u64>,
        /// `rates`: one learning rate for each of `epochs`; 0 or more. Default `[0.001]`.
        rates: Vec<f64>,
    },
    /// `gradient_accumulation`: several batches make one step, as if they were one large batch.
    GradientAccumulation {
        /// `batches`: of one step. Default 4; 1 or more.
        batches: u64,
    },
    /// `swap_ema_weights`: an exponential moving average of the weights is validated, and is the model in the end.
    SwapEmaWeights {
        /// `decay`: share of the average that a step keeps. Default 0.99 as in Keras; below 1.
        decay: f64,
        /// `start_from_epoch`: the epoch in which it begins. Default 0.
        start_from_epoch: u64,
        /// `swap_on_epoch`: whether checkpoints at the end of an epoch hold the average too. Default false.
        swap_on_epoch: bool,
    },
    /// `swa`: stochastic weight averaging (Izmailov et al. 2018): the model is in the end the mean of the weights after several epochs.
    Swa {
        /// `start_from_epoch`: the first epoch whose weights are averaged. Default: three quarters of all epochs.
        start_from_epoch: Option<u64>,
        /// `learning_rate`: from then on. Default: as the recipe has it.
        learning_rate: Option<f64>,
        /// `lowest_rate`: to which the rate falls along a line in each cycle. Default: it is constant.
        lowest_rate: Option<f64>,
        /// `cycle`: epochs between two weights that are averaged. Default 1.
        cycle: u64,
    },
    /// `skip_non_finite`: a step whose loss or gradient is not finite changes nothing.
    SkipNonFinite {
        /// `limit`: such steps in a row that are borne; the next ends the run as failed. Default 10.
        limit: u64,
    },
    /// `adaptive_clip`: makes gradients smaller that are out of the ordinary.
    AdaptiveClip {
        /// `method`: a word, or a table such as `{ kind = "agc", limit = 0.02 }`. Default `zclip`.
        method: ClipMethod,
    },
    /// `rollback_on_spike`: when the loss leaps up, brings the last good snapshot back, cuts the rate and skips the batch.
    RollbackOnSpike {
        /// `threshold`: mean deviations above the usual loss that are a spike. Default 10; above 0.
        threshold: f64,
        /// `warmup_steps`: steps in which only a loss that is not finite is a spike. Default 20.
        warmup_steps: u64,
        /// `factor`: of the learning rate each time. Default 0.5; above 0, at most 1.
        factor: f64,
        /// `limit`: rollbacks of a run; the spike after them ends it as failed. Default 3.
        limit: u64,
    },
    /// `spike_report`: when the loss leaps up, writes down step, rows and norms of each tensor, into the run's folder `spikes`.
    SpikeReport {
        /// `threshold`: mean deviations above the usual loss that are a spike. Default 10; above 0.
        threshold: f64,
        /// `warmup_steps`: steps in which only a loss that is not finite is a spike. Default 20.
        warmup_steps: u64,
        /// `limit`: reports of a run. Default 10.
        limit: u64,
    },
    /// `backup_and_restore`: writes all that is needed to go on after the process was killed, to the bit: `barograph train --resume RUN`.
    BackupAndRestore {
        /// `every`: epochs or steps between two backups. Default 1.
        every: u64,
        /// `unit`: what `every` counts. Default `epoch`.
        unit: Unit,
        /// `delete`: whether the backup is deleted when the training ends well. Default true.
        delete: bool,
    },
    /// `csv_logger`: writes one line of numbers per epoch.
    CsvLogger {
        /// `file`: relative to the run's folder. Default `epochs.csv`.
        file: PathBuf,
        /// `separator`: one character between two numbers. Default `,`.
        separator: String,
        /// `append`: whether a file that is there already is written on instead of replaced. Default false.
        append: bool,
    },
    /// `jsonl_logger`: writes one JSON object a line for each step, finding and epoch; numbers that are not finite are texts such as `"NaN"`.
    JsonlLogger {
        /// `file`: relative to the run's folder. Default `log.jsonl`.
        file: PathBuf,
        /// `every`: steps between two that have a line. Default 1; for 0 no step has one.
        every: u64,
        /// `append`: whether a file that is there already is written on instead of replaced. Default false.
        append: bool,
    },
    /// `tensor_board`: writes files for TensorBoard: numbers, histograms of weights, gradients and activations, the layers as a graph, the
    /// recipe and the findings.
    TensorBoard {
        /// `folder`: relative to the run's folder. Default `tensorboard`.
        folder: PathBuf,
        /// `every`: steps between two whose numbers are written. Default 10; 0 writes those of epochs only.
        every: u64,
        /// `histograms_every`: steps between two whose histograms are written. Default 100; 0 writes none.
        histograms_every: u64,
        /// `graph`: whether the layers are written as a graph. Default true.
        graph: bool,
    },
    /// `remote_monitor`: sends the numbers of each epoch to a server, by HTTP POST, and never waits for it.
    RemoteMonitor {
        /// `root`: address of the server. Default `http://localhost:9000`; there is no TLS.
        root: String,
        /// `path`: on the server. Default `/publish/epoch/end/`.
        path: String,
        /// `field`: of the form that holds the numbers as JSON. Default `data`.
        field: String,
        /// `headers`: a list of texts such as `"X-Key: 123"`; the recipe is kept in the run's folder, and they with it.
        headers: Vec<String>,
        /// `send_as_json`: whether the body is the JSON itself instead of a form. Default false.
        send_as_json: bool,
        /// `timeout`: seconds that a message may take. Default 5; 1 or more.
        timeout: u64,
    },
    /// `prediction_samples`: keeps what the model answers for the same few rows after each epoch, in the run's folder `samples`; the report
    /// shows them, with their pictures where examples are images.
    PredictionSamples {
        /// `count`: rows that are drawn by the seed, of those held out if there are some. Default 8; from 1 to 64.
        count: u64,
        /// `rows`: these rows of the data instead, the first being 0; at most 64. Default: none.
        rows: Vec<u64>,
    },
    /// `timer`: ends the training when it took long enough, and writes down how long epochs took.
    Timer {
        /// `stop_after`: a duration such as `90m` or `2h 30m`. Default: none.
        stop_after: Option<String>,
        /// `stop_at`: the next time that clocks show this, such as `06:30`; or a moment, such as `2026-03-01 06:30`. Default: none.
        stop_at: Option<String>,
        /// `unit`: whether it looks at the clock after each `step` or each `epoch`. Default `step`.
        unit: Unit,
    },
    /// `terminate_on_nan`: stops at the first loss that is not finite. The run ends as failed, and keeps its checkpoints.
    #[default]
    TerminateOnNan,
}

impl CallbackSpec {
    /// The word that a recipe uses.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.kind()
    }

    /// What it looks at, for the kinds that look at a number.
    #[must_use]
    pub const fn watch(&self) -> Option<&Watch> {
        match self {
            Self::EarlyStopping { watch, .. }
            | Self::ReduceLrOnPlateau { watch, .. }
            | Self::ModelCheckpoint { watch, .. } => Some(watch),
            _ => None,
        }
    }
}

impl Kind for CallbackSpec {
    const WHAT: &'static str = "callback";

    fn all() -> Vec<Self> {
        let watch = Watch::default();
        vec![
            Self::EarlyStopping {
                watch: watch.clone(),
                patience: 5,
                baseline: None,
                restore_best: true,
                start_from_epoch: 0,
            },
            Self::ReduceLrOnPlateau {
                watch: watch.clone(),
                threshold_mode: ThresholdMode::Absolute,
                factor: 0.1,
                patience: 5,
                cooldown: 0,
                min_lr: 0.0,
            },
            Self::ModelCheckpoint {
                watch,
                every: 1,
                unit: Unit::Epoch,
                best_only: false,
                threshold: None,
                keep_last: 3,
                file: None,
            },
            Self::LearningRateScheduler { epochs: vec![0], rates: vec![0.001] },
            Self::GradientAccumulation { batches: 4 },
            Self::SwapEmaWeights { decay: 0.99, start_from_epoch: 0, swap_on_epoch: false },
            Self::Swa { start_from_epoch: None, learning_rate: None, lowest_rate: None, cycle: 1 },
            Self::SkipNonFinite { limit: 10 },
            Self::AdaptiveClip { method: ClipMethod::ZClip { decay: 0.97, threshold: 2.5, warmup_steps: 25 } },
            Self::RollbackOnSpike { threshold: 10.0, warmup_steps: 20, factor: 0.5, limit: 3 },
            Self::SpikeReport { threshold: 10.0, warmup_steps: 20, limit: 10 },
            Self::BackupAndRestore { every: 1, unit: Unit::Epoch, delete: true },
            Self::CsvLogger { file: PathBuf::from("epochs.csv"), separator: ",".to_owned(), append: false },
            Self::JsonlLogger { file: PathBuf::from("log.jsonl"), every: 1, append: false },
            Self::TensorBoard { folder: PathBuf::from("tensorboard"), every: 10, histograms_every: 100, graph: true },
            Self::RemoteMonitor {
                root: "http://localhost:9000".to_owned(),
                path: "/publish/epoch/end/".to_owned(),
                field: "data".to_owned(),
                headers: Vec::new(),
                send_as_json: false,
                timeout: 5,
            },
            Self::PredictionSamples { count: 8, rows: Vec::new() },
            Self::Timer { stop_after: None, stop_at: None, unit: Unit::Step },
            Self::TerminateOnNan,
        ]
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::EarlyStopping { .. } => "early_stopping",
            Self::ReduceLrOnPlateau { .. } => "reduce_lr_on_plateau",
            Self::ModelCheckpoint { .. } => "model_checkpoint",
            Self::LearningRateScheduler { .. } => "learning_rate_scheduler",
            Self::GradientAccumulation { .. } => "gradient_accumulation",
            Self::SwapEmaWeights { .. } => "swap_ema_weights",
            Self::Swa { .. } => "swa",
            Self::SkipNonFinite { .. } => "skip_non_finite",
            Self::AdaptiveClip { .. } => "adaptive_clip",
            Self::RollbackOnSpike { .. } => "rollback_on_spike",
            Self::SpikeReport { .. } => "spike_report",
            Self::BackupAndRestore { .. } => "backup_and_restore",
            Self::CsvLogger { .. } => "csv_logger",
            Self::JsonlLogger { .. } => "jsonl_logger",
            Self::TensorBoard { .. } => "tensor_board",
            Self::RemoteMonitor { .. } => "remote_monitor",
            Self::PredictionSamples { .. } => "prediction_samples",
            Self::Timer { .. } => "timer",
            Self::TerminateOnNan => "terminate_on_nan",
        }
    }

    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        match self {
            Self::EarlyStopping { watch, patience, baseline, restore_best, start_from_epoch } => {
                watch.visit(visitor);
                visitor.count("patience", patience, Counts::from(0), false);
                visitor.number_or_none("baseline", baseline, Limits::ANY);
                visitor.flag("restore_best", restore_best);
                visitor.count("start_from_epoch", start_from_epoch, Counts::from(0), false);
            }
            Self::ReduceLrOnPlateau { watch, threshold_mode, factor, patience, cooldown, min_lr } => {
                watch.visit(visitor);
                visitor.word("threshold_mode", threshold_mode);
                visitor.number("factor", factor, Limits::SHRINKING);
                visitor.count("patience", patience, Counts::from(0), false);
                visitor.count("cooldown", cooldown, Counts::from(0), false);
                visitor.number("min_lr", min_lr, Limits::NOT_NEGATIVE);
            }
            Self::ModelCheckpoint { watch, every, unit, best_only, threshold, keep_last, file } => {
                watch.visit(visitor);
                visitor.count("every", every, Counts::from(1), false);
                visitor.word("unit", unit);
                visitor.flag("best_only", best_only);
                visitor.number_or_none("threshold", threshold, Limits::ANY);
                visitor.count("keep_last", keep_last, Counts::from(1), false);
                visitor.text_or_none("file", file);
            }
            Self::LearningRateScheduler { epochs, rates } => {
                visitor.counts("epochs", epochs, Counts::from(0));
                visitor.numbers("rates", rates, Limits::NOT_NEGATIVE);
            }
            Self::GradientAccumulation { batches } => {
                visitor.count("batches", batches, Counts::between(1, super::LARGEST_BATCH), false);
            }
            Self::SwapEmaWeights { decay, start_from_epoch, swap_on_epoch } => {
                visitor.number("decay", decay, Limits::BELOW_ONE);
                visitor.count("start_from_epoch", start_from_epoch, Counts::from(0), false);
                visitor.flag("swap_on_epoch", swap_on_epoch);
            }
            Self::Swa { start_from_epoch, learning_rate, lowest_rate, cycle } => {
                visitor.count_or_none("start_from_epoch", start_from_epoch, Counts::from(0));
                visitor.number_or_none("learning_rate", learning_rate, Limits::NOT_NEGATIVE);
                visitor.number_or_none("lowest_rate", lowest_rate, Limits::NOT_NEGATIVE);
                visitor.count("cycle", cycle, Counts::from(1), false);
            }
            Self::SkipNonFinite { limit } => visitor.count("limit", limit, Counts::from(0), false),
            Self::AdaptiveClip { method } => visitor.choice("method", method),
            Self::RollbackOnSpike { threshold, warmup_steps, factor, limit } => {
                visitor.number("threshold", threshold, Limits::POSITIVE);
                visitor.count("warmup_steps", warmup_steps, Counts::from(0), false);
                visitor.number("factor", factor, Limits::ABOVE_ZERO_TO_ONE);
                visitor.count("limit", limit, Counts::from(0), false);
            }
            Self::SpikeReport { threshold, warmup_steps, limit } => {
                visitor.number("threshold", threshold, Limits::POSITIVE);
                visitor.count("warmup_steps", warmup_steps, Counts::from(0), false);
                visitor.count("limit", limit, Counts::from(0), false);
            }
            Self::BackupAndRestore { every, unit, delete } => {
                visitor.count("every", every, Counts::from(1), false);
                visitor.word("unit", unit);
                visitor.flag("delete", delete);
            }
            Self::CsvLogger { file, separator, append } => {
                path(visitor, "file", file);
                visitor.text("separator", separator);
                visitor.flag("append", append);
            }
            Self::JsonlLogger { file, every, append } => {
                path(visitor, "file", file);
                visitor.count("every", every, Counts::from(0), false);
                visitor.flag("append", append);
            }
            Self::TensorBoard { folder, every, histograms_every, graph } => {
                path(visitor, "folder", folder);
                visitor.count("every", every, Counts::from(0), false);
                visitor.count("histograms_every", histograms_every, Counts::from(0), false);
                visitor.flag("graph", graph);
            }
            Self::RemoteMonitor { root, path, field, headers, send_as_json, timeout } => {
                visitor.text("root", root);
                visitor.text("path", path);
                visitor.text("field", field);
                visitor.texts("headers", headers);
                visitor.flag("send_as_json", send_as_json);
                visitor.count("timeout", timeout, Counts::from(1), false);
            }
            Self::PredictionSamples { count, rows } => {
                visitor.count("count", count, Counts::between(1, crate::callbacks::MOST_ROWS), false);
                visitor.counts_or_none("rows", rows, Counts::from(0));
            }
            Self::Timer { stop_after, stop_at, unit } => {
                visitor.text_or_none("stop_after", stop_after);
                visitor.text_or_none("stop_at", stop_at);
                visitor.word("unit", unit);
            }
            Self::TerminateOnNan => {}
        }
    }
}

/// A file or folder, as text.
fn path<V: Visitor>(visitor: &mut V, key: &'static str, path: &mut PathBuf) {
    let mut text = path.to_string_lossy().into_owned();
    visitor.text(key, &mut text);
    *path = PathBuf::from(text);
}

impl Section for CallbackSpec {
    fn visit<V: Visitor>(&mut self, visitor: &mut V) {
        visitor.kind(self, true);
    }
}
