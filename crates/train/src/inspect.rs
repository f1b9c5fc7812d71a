//! What can be said of a recipe and its data without a single step of training.
use crate::auxiliary::Auxiliary;
use crate::batches::Rows;
use crate::check;
use crate::data::{DataError, RowSource};
use crate::engine::Engine;
use crate::error::TrainError;
use crate::facts::{Extent, declare};
use crate::losses::{Loss, OutputLosses};
use crate::metrics::Scoring;
use crate::prepare::{Prepared, prepare};
use crate::recipe::{Recipe, Shape, Task};
use crate::trainer::{see_rows, steps_per_epoch};
use crate::weight_rules::WeightRules;
use crate::{Model, Network};
use barograph_burn::{Parameters, device_of};
use barograph_monitor::{EvidenceMode, Options, Session};
use barograph_vocab::Diagnosis;

/// What can be said of a recipe and its data without training.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// What the network learns to answer.
    pub task: Task,
    /// The recipe's layers, in order.
    pub layers: Vec<InspectedLayer>,
    /// Rows that are trained on.
    pub rows: usize,
    /// Rows that are held out.
    pub validation_rows: usize,
    /// Steps of one epoch.
    pub steps_per_epoch: u64,
    /// What the rules say of the data as the network would see them, and of the settings.
    pub diagnosis: Diagnosis,
}

/// One layer of a recipe, as it would be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedLayer {
    /// Its site.
    pub site: String,
    /// The shape of one example behind it.
    pub output: Shape,
    /// Elements of its weights, frozen ones too.
    pub parameters: usize,
}

/// Builds the network of a recipe, reads the data as training would, and asks the rules, without a step.
///
/// # Errors
/// As a training: when layers and data do not fit together.
pub fn inspect(recipe: &Recipe, data: &dyn RowSource) -> Result<Inspection, TrainError> {
    let takes = recipe.loss.describe().takes;
    let Prepared { rows: data, task, training, validation, .. } = prepare(data, recipe, takes)?;
    let network = Network::from_recipe(recipe, data.features(), &recipe.open_device(true)?)?;
    let parameters = Parameters::of(&network).renamed(|path| network.site_of(path));
    check::check_inputs(&network, &data, &training, &validation)?;
    let rows = Rows::new(&data, training);
    let outputs = check::outputs(&network, data.features());
    let scoring = Scoring::new(task, takes);
    let rules = WeightRules::new(&network, &[])?;
    let auxiliary = Auxiliary::new(&network, data.features(), Vec::new())?;
    let (loss, device) = (OutputLosses::of_recipe(recipe, &network, &data)?, device_of(&network, true));
    let loss = loss.as_ref();
    let engine = Engine { recipe, loss, rows: &rows, scoring, outputs, device, rules, auxiliary };
    check::check_outputs(&engine, &data)?;
    let steps_per_epoch = steps_per_epoch(rows.len(), recipe, recipe.batches_per_step());
    let extent = Extent {
        parameters: parameters.elements(),
        rows: rows.len(),
        validation_rows: validation.len(),
        steps: steps_per_epoch * recipe.epochs,
    };
    let sites = recipe.layer_names();
    let layers = sites.iter().zip(recipe.shapes(data.features() as u64)?).map(|(site, output)| InspectedLayer {
        site: site.clone(),
        output,
        parameters: elements(&parameters, site, &sites),
    });
    Ok(Inspection {
        task,
        layers: layers.collect(),
        rows: rows.len(),
        validation_rows: validation.len(),
        steps_per_epoch,
        diagnosis: judge(&engine, &network, &extent)?,
    })
}

/// What the rules say of one epoch of rows, in the order of training.
fn judge(engine: &Engine<'_>, network: &Network, extent: &Extent) -> Result<Diagnosis, DataError> {
    let recipe = engine.recipe;
    let mut session = Session::without_log(Options { name: recipe.name.clone(), ..Options::default() });
    declare(&mut session, engine, &network.facts(), extent);
    for places in engine.rows.order_in(recipe, 0).chunks(recipe.batch as usize) {
        see_rows(&mut session, &engine.rows.gather(places)?, engine, network);
    }
    session.end_data();
    Ok(session.diagnosis(EvidenceMode::All))
}

/// Elements of the weights of a layer, and of what is inside of it.
fn elements(parameters: &Parameters, site: &str, sites: &[String]) -> usize {
    let is_inside = |path: &str, site: &str| path.strip_prefix(site).is_some_and(|rest| rest.starts_with('.'));
    // A layer may be named like a part of another one, `a.b` beside `a`; the longer name is the nearer layer.
    let owner = |path: &str| sites.iter().filter(|site| is_inside(path, site)).max_by_key(|site| site.len());
    let own = parameters.list().iter().filter(|weight| owner(&weight.path).is_some_and(|owner| owner == site));
    own.map(|weight| weight.shape.iter().product::<usize>()).sum()
}

#[cfg(test)]
mod tests {
    use super::inspect;
    use crate::data::{Dataset, Targets};
    use crate::recipe::{LayerSpec, LossKind, Recipe, Shape};

    #[test]
    fn layers_are_counted_and_rows_are_judged_without_a_step() {
        let layers = vec![LayerSpec::dense(4).named("hidden"), LayerSpec::dense(2)];
        let recipe = Recipe { layers, loss: LossKind::CrossEntropy.into(), batch: 2, ..Recipe::default() };
        let mut inputs = vec![0.5; 3 * 5];
        inputs[4] = f32::NAN;
        let data = Dataset::new(inputs, 3, Targets::Classes(vec![0, 1, 0, 1, 1])).unwrap();
        let inspection = inspect(&recipe, &data).unwrap();
        assert_eq!((inspection.rows, inspection.validation_rows, inspection.steps_per_epoch), (5, 0, 3));
        let counts: Vec<_> =
            inspection.layers.iter().map(|layer| (layer.site.as_str(), layer.output, layer.parameters)).collect();
        assert_eq!(counts, [("hidden", Shape::Row(4), 16), ("dense1", Shape::Row(2), 10)]);
        assert_eq!(inspection.diagnosis.steps, 0);
        assert!(
            inspection.diagnosis.findings.iter().any(|finding| finding.name == "inputs-not-finite"),
            "{:?}",
            inspection.diagnosis.findings
        );
    }
}
