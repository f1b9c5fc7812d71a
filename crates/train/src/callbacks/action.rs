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
    /// Keep the weights as they are now: they are the best so far.
    KeepBest,
    /// Give the learning rate this value from the next step on. A schedule no longer has a say.
    SetLearningRate(f64),
    /// Multiply the base learning rate from the next step on.
    ScaleLearningRate {
        /// The factor.
        factor: f64,
        /// The rate is not lowered below this.
        floor: f64,
    },
    /// Write the model to a checkpoint, then delete others.
    Checkpoint {
        /// File name in the folder of checkpoints.
        file: String,
        /// File names there to delete.
        remove: Vec<String>,
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
            Self::KeepBest => 2,
            Self::SetLearningRate(_) => 3,
            Self::ScaleLearningRate { .. } => 4,
            Self::Checkpoint { .. } => 5,
            Self::Stop { .. } => 6,
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
