//! `barograph predict`: what a trained network answers.
use super::trained::{Trained, TrainedArgument};
use crate::answers::Answers;
use crate::context::Context;
use crate::exit::ExitCode;
use crate::observed::write;
use crate::screen;
use anyhow::{Context as _, Result, bail, ensure};
use barograph_report::{counted, visible};
use barograph_train::data::read_inputs;
use barograph_train::predict;
use barograph_train::recipe::Normalize;
use clap::Args;
use std::path::PathBuf;

/// Predict with a trained network: one line for each row of a data file.
///
/// Inputs are filled in and scaled as training did it, and targets scaled back. Inputs alone are needed: the input columns of a file (others are
/// ignored), an image or a folder of them, texts, or as many rows of a series as a window has. Of a classifier the class comes first, then what
/// the last layer puts out (raw scores where the loss takes raw scores); of a regression the targets. Where each time step of a sequence has a
/// class, the classes come alone.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  barograph predict runs/digits-001 new.csv\n  barograph predict runs/digits-001 new.csv --out answers.csv\n  \
                        barograph predict runs/cats-001 photos/ --device cpu\n  \
                        barograph predict digits.toml new.npz --model pretrained.safetensors --out answers.npz"
)]
pub(super) struct Predict {
    #[command(flatten)]
    trained: TrainedArgument,
    /// The rows: a .csv, .parquet, .npz or .safetensors; a text; an image; or a folder of such files.
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// Where the answers go, a .csv or .npz [default: standard output, as CSV].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Predict {
    pub(super) fn run(self, context: &Context) -> Result<ExitCode> {
        let ending = self.out.as_ref().map(|out| out.extension().map(|ending| ending.to_string_lossy().to_lowercase()));
        let is_npz = match ending.as_ref().map(|ending| ending.as_deref()) {
            None | Some(Some("csv")) => false,
            Some(Some("npz")) => true,
            Some(_) => bail!("--out: answers are written as .csv or .npz; give the file one of these endings"),
        };
        let Trained { recipe, network, preprocessing } = self.trained.load(&self.data, context)?;
        let inputs = read_inputs(&self.data, &preprocessing.inputs, &recipe)?;
        for note in &inputs.report.notes {
            context.warn(note);
        }
        ensure!(
            recipe.outputs.is_empty() || recipe.data.normalize_target == Normalize::None,
            "{}: the answers of several outputs are not scaled back; train with normalize_target = \"none\"",
            self.trained.name()
        );
        let takes = Some(recipe.loss.kind.takes());
        let found = predict(&network, &preprocessing, takes, &inputs.values)
            .with_context(|| self.data.display().to_string())?;
        let rows = counted(found.rows() as u64, "row");
        let answers = Answers::of(found, &recipe, &network, &preprocessing);
        match &self.out {
            None => screen::print(&answers.as_csv(inputs.names.as_ref()))?,
            Some(out) => {
                if is_npz {
                    answers.write_arrays(out)?;
                } else {
                    write(out, &answers.as_csv(inputs.names.as_ref()))?;
                }
                screen::say(&format!("{rows} -> {}", visible(&out.display().to_string())));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
