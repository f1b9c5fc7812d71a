//! What a callback wants of the trainer.

/// What a callback wants of the trainer.
///
/// When several callbacks want something at once, every wish is performed, in the order of this list. Of the same kind the strongest
/// counts: the lowest learning rate, the first reason to stop.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Action {
    /// Nothing.
    #[default]
    Continue,
    /// Several at once.
    All(Vec<Action>),
    /// Write a sentence into the run log: a person or a callback did something that a reader of the run should know.
    Note(String),
    /// Go on with the weights, the optimizer and the averages of the last good snapshot, before whatever this is about. Steps are
    /// counted on, so that the batches in between are skipped.
    RollBack {
        /// What it is about, for people.
        reason: String,
    },
    /// Blend the weights into an average: `average + share * (weights - average)`. The first time the average is the weights. Nothing happens
    /// where a weight is not finite.
    Average {
        /// Which average.
        name: String,
        /// From 0 to 1.
        share: f64,
    },
    /// Exchange the weights and an average.
    SwapAverage {
        /// Which average. Nothing happens where there is none of this name.
        name: String,
    },
    /// Measure the running statistics of batch norms anew, over all training rows with the weights as they are: averaged weights have
    /// statistics of their own.
    MeasureNormalization,
    /// Keep the weights as they are now: they are the best so far.
    KeepBest,
    /// Bring the best weights back, if any were kept.
    RestoreBest,
    /// Give the learning rate this value from the next step on. A schedule no longer has a say. Each step's rate is in the log anyway, so
    /// that no note is made of it.
    SetLearningRate(f64),
    /// Multiply the base learning rate from the next step on.
    ScaleLearningRate {
        /// The factor.
        factor: f64,
        /// The rate is not lowered below this.
        floor: f64,
    },
    /// Write the model to a checkpoint. Callbacks are then asked which others may go.
    Checkpoint {
        /// File name in the folder of checkpoints.
        file: String,
    },
    /// Write all that is needed to resume the training from here, see [`crate::Trainer::resume`]. It replaces the backup before.
    Backup,
    /// Delete that backup.
    DeleteBackup,
    /// Wait after this step, until [`Action::Unpause`], [`Action::Stop`] or an interrupt.
    Pause,
    /// Go on.
    Unpause,
    /// End the training after this step as Ctrl-C does: a checkpoint and a backup are kept, and the last weights stay.
    Interrupt {
        /// Why, for people.
        reason: String,
    },
    /// End the training after this step.
    Stop {
        /// Why, for people.
        reason: String,
        /// Whether the best weights (see [`Action::KeepBest`]) come back.
        restore_best: bool,
        /// Whether the run counts as failed.
        failed: bool,
    },
}

impl Action {
    /// Place in the order in which wishes are performed.
    pub(crate) const fn strength(&self) -> u8 {
        match self {
            Self::Continue | Self::All(_) => 0,
            Self::Note(_) => 1,
            Self::RollBack { .. } => 2,
            Self::Average { .. } => 3,
            Self::SwapAverage { .. } => 4,
            Self::MeasureNormalization => 5,
            Self::KeepBest => 6,
            Self::RestoreBest => 7,
            Self::SetLearningRate(_) => 8,
            Self::ScaleLearningRate { .. } => 9,
            Self::Checkpoint { .. } => 10,
            Self::Backup => 11,
            Self::DeleteBackup => 12,
            Self::Pause => 13,
            Self::Unpause => 14,
            Self::Interrupt { .. } => 15,
            Self::Stop { .. } => 16,
        }
    }

    /// Adds what is to be done to a list, one by one.
    pub(crate) fn flatten_into(self, list: &mut Vec<Self>) {
        match self {
            Self::Continue => {}
            Self::All(actions) => actions.into_iter().for_each(|action| action.flatten_into(list)),
            action => list.push(action),
        }
    }
}
