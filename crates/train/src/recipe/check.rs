//! Whether the values of a recipe make sense, wherever it came from.
use super::visit::{Counts, Kind, Limits, Section, Visitor, Word};
use super::{
    CallbackSpec, ConstraintKind, Examples, LossKind, LossSpec, LossWants, Normalize, OptimizerKind, Problem, Recipe,
    RegularizerKind, ScheduleKind, TokenSpec,
};
use super::{LayerKind, LayerSpec};
use std::fmt::Display;

/// Everything that is wrong with the values of a recipe.
pub(crate) fn problems(recipe: &Recipe) -> Vec<Problem> {
    let mut problems = out_of_bounds(recipe);
    problems.extend(inconsistent(recipe));
    problems
}

/// Values that are out of their own bounds.
pub(crate) fn out_of_bounds(recipe: &Recipe) -> Vec<Problem> {
    let mut checker = Checker::default();
    recipe.clone().visit(&mut checker);
    if recipe.layers.is_empty() {
        let text =
            "the recipe has no layers; add at least one, such as [[layers]] with kind = \"dense\" and units = 10";
        checker.found.push(("layers".to_owned(), text.to_owned()));
    }
    placed(checker.found, recipe)
}

/// Values that do not go with one another.
pub(crate) fn inconsistent(recipe: &Recipe) -> Vec<Problem> {
    let mut found = Found::new();
    check_device(recipe, &mut found);
    check_data(recipe, &mut found);
    check_examples(recipe, &mut found);
    check_stateful(recipe, &mut found);
    if let Err(text) = recipe.model.pairs() {
        found.push(("model.map".to_owned(), format!("model.map: {text}")));
    }
    check_layers(recipe, &mut found);
    check_loss("loss", &recipe.loss, &mut found);
    check_outputs(recipe, &mut found);
    check_optimizer(recipe, &mut found);
    check_schedule(recipe, &mut found);
    check_callbacks(recipe, &mut found);
    placed(found, recipe)
}

fn placed(found: Found, recipe: &Recipe) -> Vec<Problem> {
    found.into_iter().map(|(key, text)| Problem::new(recipe.place(&key), key, text)).collect()
}

/// A key and what is wrong with it.
type Found = Vec<(String, String)>;

fn check_device(recipe: &Recipe, found: &mut Found) {
    if let Err(problem) = recipe.device.parse::<barograph_burn::DeviceName>() {
        found.push(("device".to_owned(), problem));
    }
}

fn check_layers(recipe: &Recipe, found: &mut Found) {
    check_names("layers", &recipe.layers, found);
    check_constraints("layers", &recipe.layers, found);
    check_images(recipe, found);
}

/// Names of one list differ, whether it is that of the recipe or of a layer with layers inside.
fn check_names(list: &str, layers: &[LayerSpec], found: &mut Found) {
    for (number, layer) in layers.iter().enumerate() {
        if let Some(inner) = layer.kind.layers() {
            let key = format!("{list}.{number}.layers");
            if inner.is_empty() {
                let kind = layer.kind.name();
                let text = format!(
                    "{list}.{number} ({kind}) has no layers of its own; add at least one, as [[layers.layers]]"
                );
                found.push((key.clone(), text));
            }
            check_names(&key, inner, found);
        }
        let Some(name) = &layer.name else { continue };
        if let Some(earlier) = layers[..number].iter().position(|other| other.name.as_ref() == Some(name)) {
            found.push((
                format!("{list}.{number}.name"),
                format!("two layers are named {name:?}: {list}.{earlier} and {list}.{number}; rename one"),
            ));
        }
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            let text = format!("{list}.{number}.name is {name:?}, which reads as the number of a layer; add a letter");
            found.push((format!("{list}.{number}.name"), text));
        }
    }
}

/// Convolutions and pools want an image, and a dense or flatten layer ends it, until a reshape makes another one.
fn check_images(recipe: &Recipe, found: &mut Found) {
    let is_folder = matches!(recipe.data.examples, Examples::Images { .. });
    let (mut ended_by, mut is_image) = (None, recipe.data.image.is_some() || is_folder);
    for (number, layer) in recipe.layers.iter().enumerate() {
        let kind = layer.kind.name();
        match &layer.kind {
            LayerKind::Reshape { shape } => {
                is_image = shape.len() == 3;
                ended_by = if is_image { None } else { Some((number, kind)) };
            }
            LayerKind::Dense { .. }
            | LayerKind::Flatten
            | LayerKind::GlobalMaxPool
            | LayerKind::GlobalAveragePool
            | LayerKind::Embedding { .. } => ended_by = ended_by.or(Some((number, kind))),
            // What layers inside make of an image is only known once the shapes are.
            LayerKind::Residual { .. }
            | LayerKind::Parallel { .. }
            | LayerKind::Sequential { .. }
            | LayerKind::EncoderDecoder { .. } => return,
            LayerKind::Conv2d { .. }
            | LayerKind::Conv2dTranspose { .. }
            | LayerKind::MaxPool2d { .. }
            | LayerKind::AvgPool2d { .. } => {
                let text = if let Some((before, ended_by)) = ended_by {
                    format!(
                        "layers.{number} ({kind}) needs an image, but layers.{before} ({ended_by}) has made a row of it; move it up"
                    )
                } else if !is_image {
                    format!(
                        "layers.{number} ({kind}) needs an image; say how a row becomes one with image = [channels, height, width] under [data]"
                    )
                } else {
                    continue;
                };
                found.push((format!("layers.{number}.kind"), text));
                return;
            }
            _ => {}
        }
    }
}

fn check_data(recipe: &Recipe, found: &mut Found) {
    for (key, normalize) in
        [("data.normalize", recipe.data.normalize), ("data.normalize_target", recipe.data.normalize_target)]
    {
        if let Normalize::Fixed { scale: 0.0, .. } = normalize {
            found.push((
                format!("{key}.scale"),
                format!("{key}.scale must not be 0: every value would become the shift"),
            ));
        }
    }
}

/// Keys that say nothing for one kind of examples.
fn check_examples(recipe: &Recipe, found: &mut Found) {
    let data = &recipe.data;
    let kind = data.examples.name();
    let mut out = |key: &str, why: &str| {
        found.push((
            format!("data.{key}"),
            format!("data.{key} does not go with examples of the kind {kind:?}: {why}; take it out"),
        ));
    };
    if data.image.is_some() && data.examples != Examples::Rows {
        out("image", "their shape is known");
    }
    let (is_image, is_stream) =
        (matches!(data.examples, Examples::Images { .. }), matches!(data.examples, Examples::NextTokens { .. }));
    let is_text = is_stream || matches!(data.examples, Examples::Text { .. });
    if (is_image || is_stream) && !data.inputs.is_empty() {
        out("inputs", "there are no columns");
    }
    if (is_image || is_stream) && !data.target.is_empty() {
        out(
            "target",
            if is_image { "the class of an image is its folder" } else { "each token is answered by the next" },
        );
    }
    if is_text && data.normalize != Normalize::None {
        out("normalize", "the number of a token is no measure");
    }
    if is_stream && data.normalize_target != Normalize::None {
        out("normalize_target", "the number of a token is no measure");
    }
    if is_text && data.stream {
        out("stream", "tokens are held in memory");
    }
}

/// Layers that read on where the last batch ended need rows that do too.
fn check_stateful(recipe: &Recipe, found: &mut Found) {
    for (number, layer) in recipe.layers.iter().enumerate() {
        if layer.kind.recurrent().is_some_and(|recurrent| recurrent.stateful && recurrent.bidirectional) {
            let text = format!(
                "layers.{number} is stateful and bidirectional, but the direction backward would have to know the future; take one out"
            );
            found.push((format!("layers.{number}.stateful"), text));
        }
    }
    if !recipe.is_stateful() {
        return;
    }
    let mut report = |key: &str, text: &str| found.push((key.to_owned(), text.to_owned()));
    if recipe.data.shuffle {
        report(
            "data.shuffle",
            "a stateful layer reads on where the last batch ended, so that rows must keep their order; set data.shuffle = false",
        );
    }
    match &recipe.data.examples {
        Examples::Windows { length, stride, .. }
        | Examples::NextTokens { spec: TokenSpec { length, .. }, stride: Some(stride) }
            if stride != length =>
        {
            report(
                "data.examples.stride",
                "a stateful layer reads on where the last window ended; set stride to the length of the windows",
            );
        }
        Examples::Rows | Examples::Images { .. } | Examples::Text { .. } if recipe.data.validation > 0.0 => {
            report(
                "data.validation",
                "rows are held out at random, which would tear holes into what a stateful layer reads; take it out, or use examples = { kind = \"windows\", ... }",
            );
        }
        _ => {}
    }
}

/// Bounds of norms that do not go together.
fn check_constraints(list: &str, layers: &[LayerSpec], found: &mut Found) {
    for (number, layer) in layers.iter().enumerate() {
        let key = format!("{list}.{number}");
        let named = layer.kind.constraints().into_iter();
        for (name, constraint) in named {
            if let ConstraintKind::MinMaxNorm { min, max, .. } = constraint
                && min > max
            {
                let text = format!("{key}.{name}.min is {min}, above max = {max}; swap them");
                found.push((format!("{key}.{name}.min"), text));
            }
        }
        if layer
            .kind
            .weights()
            .is_some_and(|weights| matches!(weights.activity_regularizer, RegularizerKind::Orthogonal { .. }))
        {
            let text = format!(
                "{key}.activity_regularizer cannot be orthogonal, which compares the vectors of a weight; use l1 or l2"
            );
            found.push((format!("{key}.activity_regularizer"), text));
        }
        check_constraints(&format!("{key}.layers"), layer.kind.layers().unwrap_or_default(), found);
    }
}

/// Several outputs have names and columns of their own, and start from layers that are there.
fn check_outputs(recipe: &Recipe, found: &mut Found) {
    let names = recipe.layer_names();
    for (number, output) in recipe.outputs.iter().enumerate() {
        let key = format!("outputs.{number}");
        let mut report = |part: &str, text: String| found.push((format!("{key}.{part}"), text));
        if output.name.contains('.') {
            report(
                "name",
                format!("{key}.name is {:?}, and must not hold a dot: its layers are named behind it", output.name),
            );
        }
        let earlier = recipe.outputs[..number].iter().position(|other| other.name == output.name);
        if let Some(earlier) = earlier {
            report("name", format!("two outputs are named {:?}: outputs.{earlier} and {key}; rename one", output.name));
        } else if names.contains(&output.name) {
            report("name", format!("{key}.name is {:?}, which is the name of a layer too; rename one", output.name));
        }
        if let Some(from) = &output.from
            && !names.contains(from)
        {
            let hint = super::suggest::hint(from, names.iter().map(String::as_str));
            report("from", format!("{key}.from is {from:?}, and there is no such layer{hint}"));
        }
        if output.target.is_empty() {
            report("target", format!("{key} has no target; name the column that it learns, as target = \"price\""));
        }
        check_loss(&format!("{key}.loss"), &output.loss, found);
        check_names(&format!("{key}.layers"), &output.layers, found);
        check_constraints(&format!("{key}.layers"), &output.layers, found);
    }
    if recipe.outputs.is_empty() {
        return;
    }
    // Which columns are numbers and which are classes is for the outputs to say.
    if recipe.data.normalize_target != Normalize::None {
        let text = "data.normalize_target is for a single output; of several, give each a weight, or scale their columns in the file";
        found.push(("data.normalize_target".to_owned(), text.to_owned()));
    }
    let last = recipe.layers.len().saturating_sub(1);
    let used = recipe.outputs.iter().map(|output| recipe.start_of(output)).max().unwrap_or(last);
    if used < last {
        let text = format!(
            "no output starts from {} or a layer behind it, so that {} are never learned; take them out",
            names[used + 1],
            last - used
        );
        found.push((format!("layers.{}", used + 1), text));
    }
}

fn check_loss(table: &str, loss: &LossSpec, found: &mut Found) {
    let name = loss.kind.name();
    if loss.label_smoothing > 0.0 && !loss.kind.smooths() {
        let text =
            format!("{table}.label_smoothing is for the cross-entropies, and {name} is none of them; take it out");
        found.push((format!("{table}.label_smoothing"), text));
    }
    if !loss.class_weights.is_empty() {
        let key = format!("{table}.class_weights");
        if !loss.kind.weighs() {
            let text = format!(
                "{key} is for losses that compare outputs with classes, and {name} is none of them; take it out"
            );
            found.push((key, text));
        } else if loss.class_weights.iter().all(|weight| *weight == 0.0) {
            let text = format!("{key} are all 0, so that nothing would be learned; give at least one class a weight");
            found.push((key, text));
        } else if loss.kind.wants() == LossWants::Flags && loss.class_weights.len() != 2 {
            let count = loss.class_weights.len();
            let text = format!("{key} must be two numbers for {name}, the weight of 0 and that of 1, not {count}");
            found.push((key, text));
        }
    }
    if let LossKind::Ctc { classes, blank } = loss.kind
        && blank >= classes
    {
        let text = format!(
            "{table}.blank is {blank}, but the {classes} classes are numbered from 0 to {}",
            classes.saturating_sub(1)
        );
        found.push((format!("{table}.blank"), text));
    }
}

fn check_optimizer(recipe: &Recipe, found: &mut Found) {
    if let OptimizerKind::Sgd { momentum: 0.0, nesterov: true }
    | OptimizerKind::SgdW { momentum: 0.0, nesterov: true, .. } = recipe.optimizer.kind
    {
        let text =
            "optimizer.nesterov needs momentum; set optimizer.momentum, for instance to 0.9, or take nesterov out";
        found.push(("optimizer.nesterov".to_owned(), text.to_owned()));
    }
    if recipe.clip.tensor_norm.is_some() && recipe.clip.global_norm.is_some() {
        let text = "clip.tensor_norm and clip.global_norm do not go together; keep one of them";
        found.push(("clip.global_norm".to_owned(), text.to_owned()));
    }
}

fn check_schedule(recipe: &Recipe, found: &mut Found) {
    let mut report =
        |key: &str, text: String| found.push((format!("schedule.{key}"), format!("schedule.{key} {text}")));
    let ascends = |numbers: &[u64]| numbers.is_sorted_by(|earlier, later| earlier < later);
    match &recipe.schedule.kind {
        ScheduleKind::Multistep { milestones, .. } if !ascends(milestones) => {
            report("milestones", format!("must ascend, and {milestones:?} do not; sort them, each once"));
        }
        ScheduleKind::Piecewise { boundaries, .. } if !ascends(boundaries) => {
            report("boundaries", format!("must ascend, and {boundaries:?} do not; sort them, each once"));
        }
        ScheduleKind::Piecewise { boundaries, factors, .. } if boundaries.len() != factors.len() => {
            let (boundaries, factors) = (boundaries.len(), factors.len());
            let text = format!("needs one number for each of the {boundaries} boundaries, not {factors}");
            report("factors", text);
        }
        ScheduleKind::Cyclical { minimum, maximum, .. } if minimum > maximum => {
            report("minimum", format!("is {minimum}, above the maximum of {maximum}; swap them"));
        }
        ScheduleKind::OneCycle { base_momentum, max_momentum, .. } if base_momentum > max_momentum => {
            report("base_momentum", format!("is {base_momentum}, above max_momentum = {max_momentum}; swap them"));
        }
        _ => {}
    }
}

/// What callbacks need of each other and of the rest of the recipe.
fn check_callbacks(recipe: &Recipe, found: &mut Found) {
    let has = |kind: &str| recipe.callbacks.iter().any(|callback| callback.name() == kind);
    for (number, callback) in recipe.callbacks.iter().enumerate() {
        let mut report = |key: &str, text: String| {
            let name = callback.name();
            found.push((format!("callbacks.{number}.{key}"), format!("callbacks.{number} ({name}): {text}")));
        };
        match callback {
            CallbackSpec::LearningRateScheduler { epochs, .. } if !epochs.is_sorted_by(|a, b| a < b) => {
                report("epochs", format!("epochs must ascend, and {epochs:?} do not; sort them, each once"));
            }
            CallbackSpec::LearningRateScheduler { epochs, rates } if epochs.len() != rates.len() => {
                let (epochs, rates) = (epochs.len(), rates.len());
                report("rates", format!("rates needs one number for each of the {epochs} epochs, not {rates}"));
            }
            CallbackSpec::LearningRateScheduler { .. } if recipe.schedule != super::ScheduleSpec::default() => {
                report("kind", "it does not go together with [schedule]; keep one of them".to_owned());
            }
            CallbackSpec::ModelCheckpoint { watch, unit: super::Unit::Step, best_only: true, .. }
                if !matches!(watch.monitor, super::Monitor::Loss | super::Monitor::Accuracy) =>
            {
                let monitor = watch.monitor.name();
                report("monitor", format!("a step has no \"{monitor}\"; take monitor = \"loss\", or unit = \"epoch\""));
            }
            CallbackSpec::SkipNonFinite { .. } if has("terminate_on_nan") => {
                report(
                    "kind",
                    "terminate_on_nan ends the run at the first step that this would skip; keep one of them".to_owned(),
                );
            }
            CallbackSpec::RollbackOnSpike { .. } if recipe.observe.snapshot_every == Some(0) => {
                report("kind", "it needs snapshots to roll back to; take out observe.snapshot_every = 0".to_owned());
            }
            CallbackSpec::CsvLogger { separator, .. } if separator.len() != 1 || separator == "\"" => {
                report("separator", format!("separator is one character such as \",\" or \";\", not {separator:?}"));
            }
            CallbackSpec::RemoteMonitor { root, headers, .. } => {
                if let Some(problem) = crate::callbacks::check_root(root) {
                    report("root", problem);
                }
                for text in headers.iter().filter(|text| crate::callbacks::header(text).is_none()) {
                    report("headers", format!("{text:?} is no header; write it as \"Name: value\""));
                }
            }
            CallbackSpec::PredictionSamples { rows, .. } if rows.len() as u64 > crate::callbacks::MOST_ROWS => {
                let (given, most) = (rows.len(), crate::callbacks::MOST_ROWS);
                report("rows", format!("rows has {given} numbers, and at most {most} rows are shown; take some out"));
            }
            CallbackSpec::Timer { stop_after, stop_at, .. } => {
                let after = stop_after.as_deref().map(crate::callbacks::duration);
                if let Some(Err(problem)) = after {
                    report("stop_after", problem);
                }
                if let Some(Err(problem)) = stop_at.as_deref().map(crate::callbacks::check_moment) {
                    report("stop_at", problem);
                }
            }
            CallbackSpec::Swa { learning_rate: None, lowest_rate: Some(_), .. } => {
                report("lowest_rate", "lowest_rate needs a learning_rate to fall from; give both".to_owned());
            }
            _ => {}
        }
    }
    check_monitors(recipe, found);
}

/// A callback that watches validation needs rows to validate on. Code may bring its own, so only recipes with a file are judged.
fn check_monitors(recipe: &Recipe, found: &mut Found) {
    if recipe.data.file.is_none() || recipe.data.validation > 0.0 {
        return;
    }
    for (number, callback) in recipe.callbacks.iter().enumerate() {
        if matches!(callback, CallbackSpec::ModelCheckpoint { best_only: false, .. }) {
            continue;
        }
        if let Some(watch) = callback.watch()
            && watch.monitor.needs_validation()
        {
            let (name, monitor) = (callback.name(), watch.monitor.name());
            found.push((
                format!("callbacks.{number}.monitor"),
                format!(
                    "{name} watches \"{monitor}\", but no rows are held out; set data.validation, for instance to 0.2, or monitor = \"{}\"",
                    monitor.trim_start_matches("validation_")
                ),
            ));
        }
    }
}

/// Walks over a recipe and compares each value with its limits.
#[derive(Default)]
struct Checker {
    path: String,
    found: Found,
}

impl Checker {
    fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn report(&mut self, key: &str, text: impl FnOnce(&str) -> String) {
        let key = self.key(key);
        let text = text(&key);
        self.found.push((key, text));
    }

    fn within(&mut self, key: &str, walk: impl FnOnce(&mut Self)) {
        let inner = self.key(key);
        let outer = std::mem::replace(&mut self.path, inner);
        walk(self);
        self.path = outer;
    }

    /// Reports an empty list, or a number of it that is out of bounds.
    fn all_of(&mut self, key: &str, empty: bool, bad: Option<impl Display>, limits: &str) {
        if empty {
            self.report(key, |key| format!("{key} is empty; give it at least one number, or leave the key out"));
        }
        if let Some(bad) = bad {
            self.report(key, |key| format!("each number of {key} must be {limits}, not {bad}"));
        }
    }

    fn not_empty(&mut self, key: &str, value: &str) {
        if value.trim().is_empty() {
            self.report(key, |key| format!("{key} is empty; give it a text, or leave the key out"));
        }
    }
}

impl Visitor for Checker {
    fn number(&mut self, key: &'static str, value: &mut f64, limits: Limits) {
        let value = *value;
        if !limits.allow(value) {
            self.report(key, |key| format!("{key} must be {}, not {value}", limits.words()));
        }
    }

    fn number_or_none(&mut self, key: &'static str, value: &mut Option<f64>, limits: Limits) {
        if let Some(value) = value {
            self.number(key, value, limits);
        }
    }

    fn count(&mut self, key: &'static str, value: &mut u64, limits: Counts, _: bool) {
        let value = *value;
        if value < limits.min || value > limits.max {
            self.report(key, |key| format!("{key} must be {}, not {value}", limits.words()));
        }
    }

    fn count_or_none(&mut self, key: &'static str, value: &mut Option<u64>, limits: Counts) {
        if let Some(value) = value {
            self.count(key, value, limits, false);
        }
    }

    fn triple_or_none(&mut self, key: &'static str, value: &mut Option<[u64; 3]>, limits: Counts) {
        let bad = value.iter().flatten().find(|value| **value < limits.min || **value > limits.max);
        self.all_of(key, false, bad, &limits.words());
    }

    fn counts(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts) {
        let bad = value.iter().find(|value| **value < limits.min || **value > limits.max);
        self.all_of(key, value.is_empty(), bad, &limits.words());
    }

    fn counts_or_none(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts) {
        if !value.is_empty() {
            self.counts(key, value, limits);
        }
    }

    fn numbers(&mut self, key: &'static str, value: &mut Vec<f64>, limits: Limits) {
        let bad = value.iter().find(|value| !limits.allow(**value));
        self.all_of(key, value.is_empty(), bad, &limits.words());
    }

    fn numbers_or_none(&mut self, key: &'static str, value: &mut Vec<f64>, limits: Limits) {
        if !value.is_empty() {
            self.numbers(key, value, limits);
        }
    }

    fn sizes(&mut self, key: &'static str, value: &mut Vec<u64>, limits: Counts, [from, to]: [usize; 2]) {
        if !(from..=to).contains(&value.len()) {
            self.report(key, |key| format!("{key} must be a list of {from} to {to} whole numbers"));
        }
        if let Some(bad) = value.iter().copied().find(|value| *value < limits.min || *value > limits.max) {
            self.report(key, |key| format!("each number of {key} must be {}, not {bad}", limits.words()));
        }
    }

    fn flag(&mut self, _: &'static str, _: &mut bool) {}

    fn text(&mut self, key: &'static str, value: &mut String) {
        self.not_empty(key, value);
    }

    fn text_or_none(&mut self, key: &'static str, value: &mut Option<String>) {
        if let Some(value) = value {
            self.not_empty(key, value);
        }
    }

    fn texts(&mut self, key: &'static str, value: &mut Vec<String>) {
        if value.iter().any(String::is_empty) {
            self.report(key, |key| format!("{key} holds an empty text; name a column, or take it out"));
        }
    }

    fn word<W: Word>(&mut self, _: &'static str, _: &mut W) {}

    fn word_or_none<W: Word>(&mut self, _: &'static str, _: &mut Option<W>) {}

    fn kind<K: Kind>(&mut self, value: &mut K, _: bool) {
        value.visit(self);
    }

    fn choice<K: Kind>(&mut self, key: &'static str, value: &mut K) {
        self.within(key, |checker| value.visit(checker));
    }

    fn section<S: Section>(&mut self, key: &'static str, value: &mut S, _: bool) {
        self.within(key, |checker| value.visit(checker));
    }

    fn sections<S: Section>(&mut self, key: &'static str, value: &mut Vec<S>) {
        for (number, value) in value.iter_mut().enumerate() {
            self.within(&format!("{key}.{number}"), |checker| value.visit(checker));
        }
    }
}
