//! Trying remedies: which of them, and in which order.
use anyhow::Result;
use barograph_train::data::RowSource;
use barograph_train::recipe::Recipe;
use barograph_train::{Network, Outcome, try_remedy};
use barograph_vocab::{Diagnosis, Remedy, Trial, Verdict};
use std::sync::atomic::{AtomicBool, Ordering};

/// Causes whose remedies are tried, the likeliest first (our choice: below the third there is rarely anything but a guess).
const CAUSES: usize = 3;

/// Remedies of one cause that are tried (our choice).
const REMEDIES: usize = 3;

/// A remedy, and what trying it showed.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub(crate) slug: String,
    pub(crate) remedy: Remedy,
    pub(crate) result: TrialResult,
}

/// What became of a remedy.
#[derive(Clone, Debug)]
pub(crate) enum TrialResult {
    /// It was tried.
    Ran(Trial),
    /// It is advice for people: no recipe key says it.
    Advice,
    /// The recipe cannot take it, for this reason.
    Refused(String),
}

impl Tried {
    /// Whether it is held to work.
    pub(crate) const fn works(&self) -> bool {
        matches!(&self.result, TrialResult::Ran(trial) if trial.works)
    }
}

/// Tries the remedies of the likeliest causes until one works, and writes each trial down in the run's log.
///
/// `before` is told of each remedy that is going to be tried, `after` what came of it.
pub(crate) fn try_remedies(
    outcome: &Outcome<Network>,
    recipe: &Recipe,
    data: &dyn RowSource,
    interrupt: &AtomicBool,
    mut before: impl FnMut(&Remedy),
    mut after: impl FnMut(&Tried),
) -> Vec<Tried> {
    let Some(Diagnosis { verdict, causes, .. }) = outcome.diagnosis() else { return Vec::new() };
    let mut tried = Vec::new();
    if verdict == Verdict::Healthy {
        return tried;
    }
    let remedies = causes.iter().take(CAUSES).flat_map(|cause| {
        outcome.remedies(&cause.slug).into_iter().take(REMEDIES).map(|remedy| (cause.slug.clone(), remedy))
    });
    for (slug, remedy) in remedies {
        if interrupt.load(Ordering::Relaxed) || tried.last().is_some_and(Tried::works) {
            break;
        }
        before(&remedy);
        let result = match try_remedy(outcome, recipe, data, &remedy) {
            Ok(Some(trial)) => {
                outcome.record_trial(&slug, &remedy.text, trial.clone());
                TrialResult::Ran(trial)
            }
            Ok(None) => TrialResult::Advice,
            Err(error) => TrialResult::Refused(error.to_string()),
        };
        let one = Tried { slug, remedy, result };
        after(&one);
        tried.push(one);
    }
    tried
}

/// The recipe with a remedy in it.
///
/// # Errors
/// When the recipe cannot take it.
pub(crate) fn repaired(recipe: &Recipe, remedy: &Remedy) -> Result<Recipe> {
    Ok(recipe.repaired(&remedy.change)?)
}
