//! A loss that is the sum of others.
use super::{Loss, LossFacts, TargetTensor};
use crate::data::{RowSource, Scaling, Targets, counted};
use crate::error::TrainError;
use crate::metric::{MetricBatch, Metrics};
use crate::metrics::{Answers, Scoring};
use crate::recipe::{LossSpec, LossWants, MetricKind, OutputSpec, Recipe, Task};
use barograph_burn::{Scope, ops, to_vec};
use burn::prelude::*;
use std::ops::Range;

/// One term of a loss.
#[derive(Clone, Debug)]
pub struct LossPart {
    /// What it is called; the site of its readings. `None` for a loss that is not a sum.
    pub name: Option<String>,
    /// By which it counts.
    pub weight: f64,
    /// Its value before the weight, shape `[1]`.
    pub value: Tensor<1>,
}

impl LossPart {
    /// The only term.
    pub(crate) fn whole(value: Tensor<1>) -> Self {
        Self { name: None, weight: 1.0, value }
    }

    /// The sum of terms, each times its weight.
    pub(crate) fn sum(parts: &[Self]) -> Option<Tensor<1>> {
        let terms = parts.iter().map(|part| {
            if part.weight == 1.0 { part.value.clone() } else { ops::mul_scalar(part.value.clone(), part.weight) }
        });
        terms.reduce(ops::add)
    }
}

/// The losses of several outputs, each of some of the network's outputs against some of the target columns.
#[derive(Clone, Debug)]
pub(crate) struct OutputLosses(Vec<Output>);

/// One of several outputs.
#[derive(Clone, Debug)]
pub struct Output {
    name: String,
    weight: f64,
    loss: LossSpec,
    /// Places in a row of outputs.
    outputs: Range<usize>,
    /// Places in a row of targets.
    columns: Vec<usize>,
    metrics: Vec<MetricKind>,
}

impl OutputLosses {
    /// The losses of a recipe with several outputs, given how many values each puts out and the names of the target columns.
    pub(crate) fn new(recipe: &Recipe, widths: &[usize], target_names: &[String]) -> Result<Self, String> {
        let mut start = 0;
        let of = |(spec, &width): (&OutputSpec, &usize)| {
            let outputs = start..start + width;
            start += width;
            let mut columns = Vec::new();
            for name in &spec.target {
                // A window has a column of this name for each row that it looks ahead.
                let places =
                    target_names.iter().enumerate().filter(|(_, known)| *known == name).map(|(place, _)| place);
                let before = columns.len();
                columns.extend(places);
                if columns.len() == before {
                    let hint = crate::recipe::suggest::hint(name, target_names.iter().map(String::as_str));
                    let output = &spec.name;
                    return Err(format!(
                        "the output {output} learns the column {name:?}, which is no target of the data set{hint}"
                    ));
                }
            }
            let (name, loss, metrics) = (spec.name.clone(), spec.loss.clone(), spec.metrics.clone());
            Ok(Output { name, weight: spec.weight, loss, outputs, columns, metrics })
        };
        recipe.outputs.iter().zip(widths).map(of).collect::<Result<_, _>>().map(Self)
    }

    /// The losses of a recipe, for targets of these names.
    pub(crate) fn of_recipe(
        recipe: &Recipe,
        network: &crate::Network,
        data: &dyn RowSource,
    ) -> Result<Box<dyn Loss>, TrainError> {
        if recipe.outputs.is_empty() {
            return Ok(Box::new(recipe.loss.clone()));
        }
        let Targets::Real { columns, .. } = data.targets(&[])? else {
            return Err(TrainError::Mismatch(
                "a recipe with [[outputs]] learns columns of numbers, and the data set has one column of classes; give them as numbers"
                    .to_owned(),
            ));
        };
        let names: Vec<String> = (0..columns).map(|column| data.target_name(column)).collect();
        let losses = Self::new(recipe, &network.output_widths(), &names).map_err(TrainError::Mismatch)?;
        Ok(Box::new(losses))
    }
}

impl OutputLosses {
    /// The loss of each output, whose examples count by their weights where there are some.
    fn values(&self, outputs: &Tensor<2>, targets: &TargetTensor, weights: Option<&Tensor<2>>) -> Vec<LossPart> {
        let of = |output: &Output| {
            let own = ops::narrow(outputs.clone(), 1, output.outputs.start, output.outputs.len());
            let value = Scope::at(&output.name, || output.loss.value(own, &output.targets(targets), weights));
            LossPart { name: Some(output.name.clone()), weight: output.weight, value }
        };
        self.0.iter().map(of).collect()
    }
}

/// The loss of a recipe for its network: that of `[loss]`, or of all `[[outputs]]` together.
///
/// # Errors
/// When the outputs learn columns that the data do not have.
pub fn recipe_loss(
    recipe: &Recipe,
    network: &crate::Network,
    data: &dyn RowSource,
) -> Result<Box<dyn Loss>, TrainError> {
    OutputLosses::of_recipe(recipe, network, data)
}

/// What counts as a right answer of an output with this loss.
fn scoring_of(loss: &LossSpec) -> Scoring {
    let task = match loss.kind.wants() {
        LossWants::Numbers => Task::Regression,
        LossWants::Flags => Task::Multilabel,
        LossWants::Classes | LossWants::Labels => Task::Multiclass,
    };
    Scoring::new(task, Some(loss.kind.takes()))
}

impl OutputSpec {
    /// What counts as a right answer.
    pub(crate) fn scoring(&self) -> Scoring {
        scoring_of(&self.loss)
    }

    /// The score that is measured in any case.
    pub(crate) fn score(&self) -> Option<&'static str> {
        let scoring = self.scoring();
        scoring.aligned.then(|| scoring.scalar().name())
    }
}

impl Output {
    /// The task of the output.
    fn scoring(&self) -> Scoring {
        scoring_of(&self.loss)
    }

    /// Its columns of targets `[rows, all columns]`: one column of classes as such.
    fn picked(&self, values: &[f32], all: usize) -> Targets {
        let rows = values.chunks(all.max(1));
        if self.columns.len() == 1 && self.loss.kind.wants() == LossWants::Classes {
            return Targets::Classes(rows.map(|row| row[self.columns[0]] as i64).collect());
        }
        let values = rows.flat_map(|row| self.columns.iter().map(|&column| row[column])).collect();
        Targets::Real { values, columns: self.columns.len() }
    }

    fn targets(&self, targets: &TargetTensor) -> TargetTensor {
        let TargetTensor::Real(values) = targets else { return targets.clone() };
        let ([rows, all], device) = (values.dims(), values.device());
        match self.picked(&to_vec(values), all) {
            Targets::Classes(classes) => TargetTensor::Classes(classes),
            Targets::Real { values, columns } => {
                TargetTensor::Real(barograph_burn::from_slice(values, [rows, columns], &device))
            }
        }
    }

    /// Whether it learns numbers.
    pub(crate) fn is_real(&self) -> bool {
        self.loss.kind.wants() == LossWants::Numbers
    }

    /// Its target columns of a row.
    pub(crate) fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// What is wrong with a row of all targets for this output.
    pub(crate) fn problem(&self, row: &[f32]) -> Option<String> {
        let (name, width, columns) = (&self.name, self.outputs.len(), self.columns.len());
        if self.loss.kind.wants() == LossWants::Classes && columns == 1 {
            let class = row[self.columns[0]];
            let limit = if width == 1 { 2 } else { width };
            let known = class.is_nan() || (class >= 0.0 && class.fract() == 0.0 && (class as usize) < limit);
            let last = limit - 1;
            return (!known).then(|| {
                format!(
                    "class {class}, but the output {name} has {}, for classes 0 to {last}; give its last layer more units, or repair the row",
                    counted(width, "unit")
                )
            });
        }
        let fits = columns == width || self.loss.kind.wants() == LossWants::Labels || width.is_multiple_of(columns);
        (!fits).then(|| {
            format!("{columns} columns for the output {name}, which has {width} units; give its last layer units = {columns}")
        })
    }

    /// What is right of its answers, given all outputs `[rows, width]` and all targets.
    pub(crate) fn score(&self, score: &mut crate::metrics::Score, outputs: &[f32], width: usize, answers: Answers<'_>) {
        let Answers::Real(values) = answers else { return };
        let rows = outputs.len() / width.max(1);
        let own: Vec<f32> =
            outputs.chunks(width.max(1)).flat_map(|row| row[self.outputs.clone()].iter().copied()).collect();
        let targets = self.picked(values, values.len() / rows.max(1));
        let answers = match &targets {
            Targets::Classes(classes) => Answers::Classes(classes),
            Targets::Real { values, .. } => Answers::Real(values),
        };
        score.see(self.scoring(), &own, self.outputs.len(), answers);
        if !self.metrics.is_empty() {
            let prefix = format!("{}_", self.name);
            let metrics = Metrics::of_recipe(&self.metrics, &prefix, self.scoring(), &Scaling::default());
            score.see_metrics(&metrics, &MetricBatch { outputs: &own, width: self.outputs.len(), targets: answers });
        }
    }

    /// What its score is called: `species_accuracy`.
    pub(crate) fn score_name(&self) -> String {
        format!("{}_{}", self.name, self.scoring().scalar().name())
    }
}

impl Loss for OutputLosses {
    fn loss(&self, outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
        let device = outputs.device();
        LossPart::sum(&self.parts(outputs, targets)).unwrap_or_else(|| Tensor::zeros([1], &device))
    }

    fn parts(&self, outputs: Tensor<2>, targets: &TargetTensor) -> Vec<LossPart> {
        self.values(&outputs, targets, None)
    }

    fn weighs_examples(&self) -> bool {
        true
    }

    fn weighted_parts(&self, outputs: Tensor<2>, targets: &TargetTensor, weights: &Tensor<2>) -> Vec<LossPart> {
        self.values(&outputs, targets, Some(weights))
    }

    fn outputs(&self) -> &[Output] {
        &self.0
    }

    fn describe(&self) -> LossFacts {
        LossFacts { name: "several".to_owned(), ..LossFacts::default() }
    }
}
