//! Trains one case and says what the diagnosis is.
use super::losses::CaseLoss;
use super::planted::{Climbs, NeverZeroed, OtherParameters};
use super::spec::{Case, Spec};
use anyhow::{Context, Result};
use barograph_burn::cpu;
use barograph_monitor::EvidenceMode;
use barograph_train::callbacks::{Action, Callback, Lambda, StepReport};
use barograph_train::{Network, Trainer, data};
use barograph_vocab::EpochRecord;
use burn::module::Module;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How cases are trained.
#[derive(Clone, Debug)]
pub struct CaseOptions {
    /// What the diagnosis may use.
    pub evidence: EvidenceMode,
    /// Seed of weights and batches.
    pub seed: u64,
    /// Keeps a run folder for each case below this one.
    pub keep: Option<PathBuf>,
}

/// The answer to one case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseResult {
    id: String,
    verdict: &'static str,
    causes: Vec<NamedCause>,
    findings: Vec<NamedFinding>,
}

#[derive(Clone, Debug, Serialize)]
struct NamedCause {
    slug: String,
    confidence: f64,
}

#[derive(Clone, Debug, Serialize)]
struct NamedFinding {
    code: String,
    severity: &'static str,
}

/// Trains a case whose data files are relative to `folder`.
///
/// # Errors
/// When the case is wrong or its data cannot be read.
pub fn run_case(case: &Case, folder: &Path, options: &CaseOptions) -> Result<CaseResult> {
    let trainer = trainer(case, folder, options)?;
    let outcome = trainer.0.fit(&trainer.1)?;
    outcome.close();
    let diagnosis = outcome.diagnosis_from(options.evidence).context("the case was not observed")?;
    Ok(CaseResult {
        id: case.id.clone(),
        verdict: diagnosis.verdict.name(),
        causes: diagnosis
            .causes
            .into_iter()
            .map(|cause| NamedCause { slug: cause.slug, confidence: cause.confidence })
            .collect(),
        findings: diagnosis
            .findings
            .into_iter()
            .map(|finding| NamedFinding { code: finding.code, severity: finding.severity.name() })
            .collect(),
    })
}

fn trainer(case: &Case, folder: &Path, options: &CaseOptions) -> Result<(Trainer<Network>, Arc<dyn data::RowSource>)> {
    let spec = &case.spec;
    let mut recipe = spec.recipe(&case.id, folder, options.seed)?;
    let loss = CaseLoss::named(&spec.loss)?;
    if let CaseLoss::Library(spec) = &loss {
        recipe.loss.clone_from(spec);
    }
    let dataset = data::load(&recipe)?.dataset;
    let network = Network::from_recipe(&recipe, dataset.features(), &cpu(true))?;
    let network = if spec.freeze { network.no_grad() } else { network };
    let mut trainer = Trainer::new(network, loss).recipe(recipe).callback(EndOfBrokenEpoch::default());
    if let Some(folder) = &options.keep {
        trainer = trainer.folder(folder.join(&case.id));
    }
    Ok((plant(trainer, spec), dataset))
}

fn plant(mut trainer: Trainer<Network>, spec: &Spec) -> Trainer<Network> {
    if spec.no_zero_grad {
        trainer = trainer.gradient_hook(NeverZeroed::default());
    }
    if spec.maximize {
        trainer = trainer.gradient_hook(Climbs);
    }
    if spec.wrong_params {
        trainer = trainer.gradient_hook(OtherParameters);
    }
    if let Some(factor) = spec.lr_decay_step {
        trainer =
            trainer.callback(Lambda::default().on_step(move |_| Action::ScaleLearningRate { factor, floor: 0.0 }));
    }
    trainer
}

/// Ends a run after the epoch in which its loss became non-finite, as the reference script does.
#[derive(Default)]
struct EndOfBrokenEpoch {
    broken: bool,
}

impl Callback for EndOfBrokenEpoch {
    fn step_end(&mut self, step: &StepReport<'_>) -> Action {
        self.broken |= !step.loss.is_finite();
        Action::Continue
    }

    fn epoch_end(&mut self, _epoch: &EpochRecord) -> Action {
        if !self.broken {
            return Action::Continue;
        }
        Action::Stop { reason: "the loss is not finite".to_owned(), restore_best: false, failed: true }
    }
}
