//! The layers of a model as a graph.
use super::events::{Graph, Node, Shape as Sizes};
use crate::recipe::{LayerKind, LayerSpec, Recipe, Shape, inner_shapes, layer_names, shapes_inside};
use barograph_vocab::{Role, Sites, StepRecord};

/// The graph of the layers of a recipe for so many input values; `None` where it has no layers.
pub(super) fn of_recipe(recipe: &Recipe, inputs: u64) -> Option<Graph> {
    if recipe.layers.is_empty() {
        return None;
    }
    let shape = recipe.input_shape(inputs).ok()?;
    let mut nodes = vec![Node::new("input".to_owned(), "input", Vec::new()).with_shape(sizes(shape))];
    let names = recipe.layer_names();
    let shapes = recipe.shapes(inputs).ok()?;
    let output = chain(&mut nodes, "", &recipe.layers, &names, "input", shape, &shapes);
    if recipe.outputs.is_empty() {
        nodes.push(Node::new("target".to_owned(), "target", Vec::new()));
        nodes.push(Node::new("loss".to_owned(), recipe.loss.kind.name(), vec![output, "target".to_owned()]));
    } else {
        several_outputs(&mut nodes, recipe, &names, &shapes);
    }
    Some(Graph::new(nodes))
}

/// Adds each output with its layers, its targets and its loss, and the sum of the losses.
fn several_outputs(nodes: &mut Vec<Node>, recipe: &Recipe, names: &[String], shapes: &[Shape]) {
    let mut losses = Vec::new();
    for spec in &recipe.outputs {
        let last = names.len().saturating_sub(1);
        let from = spec.from.as_ref().and_then(|from| names.iter().position(|name| name == from)).unwrap_or(last);
        let outer = format!("{}/", node_name(&spec.name));
        let begin = end_of(&recipe.layers[from], &node_name(&names[from]));
        let inner = inner_shapes(&spec.layers, shapes[from]).unwrap_or_default();
        let end = chain(nodes, &outer, &spec.layers, &layer_names(&spec.layers), &begin, shapes[from], &inner);
        let (target, loss) = (format!("{outer}target"), format!("{outer}loss"));
        nodes.push(Node::new(target.clone(), "target", Vec::new()).with_text("columns", &spec.target.join(", ")));
        nodes.push(Node::new(loss.clone(), spec.loss.kind.name(), vec![end, target]));
        losses.push(loss);
    }
    nodes.push(Node::new("loss".to_owned(), "sum", losses));
}

/// What becomes of the branches of a block.
fn join_of(kind: &LayerKind) -> &'static str {
    match kind {
        LayerKind::Parallel { merge, .. } => merge.name(),
        _ => "decode",
    }
}

/// The node that puts the output of a layer out.
fn end_of(layer: &LayerSpec, name: &str) -> String {
    let Some(inner) = layer.kind.layers() else { return name.to_owned() };
    match &layer.kind {
        LayerKind::Residual { .. } => format!("{name}/add"),
        kind @ (LayerKind::Parallel { .. } | LayerKind::EncoderDecoder { .. }) => format!("{name}/{}", join_of(kind)),
        _ => match inner.iter().zip(layer_names(inner)).next_back() {
            Some((layer, last)) => end_of(layer, &format!("{name}/{}", node_name(&last))),
            None => name.to_owned(),
        },
    }
}

/// The graph of a model that says nothing of itself: the places where activations were seen, in the order in which they came.
pub(super) fn of_sites(sites: &Sites, step: &StepRecord) -> Graph {
    let mut nodes = vec![Node::new("input".to_owned(), "input", Vec::new())];
    let mut before = "input".to_owned();
    for site in sites.in_order() {
        let seen = |role| step.readings.iter().any(|entry| entry.site == *site && entry.role == role);
        let Some(known) = sites.get(*site) else { continue };
        if !seen(Role::Activation) && !seen(Role::PreActivation) {
            continue;
        }
        let name = node_name(&known.path);
        let shape = Sizes::of_batch(known.shape.iter().map(|size| u64::from(*size)));
        let order = "in the order of execution";
        nodes.push(Node::new(name.clone(), "layer", vec![before]).with_shape(shape).with_text("inputs", order));
        before = name;
    }
    nodes.push(Node::new("loss".to_owned(), "loss", vec![before]));
    Graph::new(nodes)
}

/// Adds layers that follow one another. Returns the name of the last.
fn chain(
    nodes: &mut Vec<Node>,
    outer: &str,
    layers: &[LayerSpec],
    names: &[String],
    input: &str,
    mut shape: Shape,
    outputs: &[Shape],
) -> String {
    let mut before = input.to_owned();
    for ((layer, name), &output) in layers.iter().zip(names).zip(outputs) {
        before = add(nodes, &format!("{outer}{}", node_name(name)), layer, &before, [shape, output]);
        shape = output;
    }
    before
}

/// Adds a layer with all that is inside of it. Returns the name of what puts its output out.
fn add(nodes: &mut Vec<Node>, name: &str, layer: &LayerSpec, input: &str, [shape, output]: [Shape; 2]) -> String {
    let Some(inner) = layer.kind.layers() else {
        let node = Node::new(name.to_owned(), layer.kind.name(), vec![input.to_owned()]);
        nodes.push(node.with_shape(sizes(output)));
        return name.to_owned();
    };
    let names = layer_names(inner);
    let outer = format!("{name}/");
    let (join, inputs) = match &layer.kind {
        LayerKind::Parallel { .. } | LayerKind::EncoderDecoder { .. } => {
            let shapes = shapes_inside(&layer.kind, shape).unwrap_or_default();
            let branches = inner.iter().zip(&names).zip(shapes);
            let ends = branches.map(|((layer, name), shapes)| {
                add(nodes, &format!("{outer}{}", node_name(name)), layer, input, shapes)
            });
            (join_of(&layer.kind), ends.collect())
        }
        kind => {
            let shapes = shapes_inside(kind, shape).unwrap_or_default();
            let shapes: Vec<Shape> = shapes.into_iter().map(|[_, output]| output).collect();
            let end = chain(nodes, &outer, inner, &names, input, shape, &shapes);
            match kind {
                LayerKind::Residual { .. } => ("add", vec![input.to_owned(), end]),
                _ => return end,
            }
        }
    };
    let name = format!("{outer}{join}");
    nodes.push(Node::new(name.clone(), join, inputs).with_shape(sizes(output)));
    name
}

fn sizes(shape: Shape) -> Sizes {
    match shape {
        Shape::Row(values) => Sizes::of_batch([values]),
        Shape::Sequence(sizes) => Sizes::of_batch(sizes),
        Shape::Image(sizes) => Sizes::of_batch(sizes),
    }
}

/// A dotted path as TensorBoard names nodes: layers inside of others after a slash, and no other signs than it takes.
pub(super) fn node_name(path: &str) -> String {
    let plain = |part: &str| -> String {
        let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '_' };
        let name: String = part.chars().map(safe).collect();
        // A name begins with a letter or a digit.
        if name.starts_with(|c: char| c.is_ascii_alphanumeric()) { name } else { format!("n{name}") }
    };
    path.split('.').map(plain).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::{node_name, of_recipe};
    use crate::recipe::{LayerSpec, LossKind, OutputSpec, Recipe};

    fn edges(layers: Vec<LayerSpec>) -> Vec<(String, Vec<String>)> {
        let recipe = Recipe { layers, loss: LossKind::Mse.into(), ..Recipe::default() };
        of_recipe(&recipe, 4).unwrap().node.into_iter().map(|node| (node.name, node.input)).collect()
    }

    fn edge(name: &str, inputs: &[&str]) -> (String, Vec<String>) {
        (name.to_owned(), inputs.iter().map(|input| (*input).to_owned()).collect())
    }

    #[test]
    fn layers_take_what_the_layer_before_them_puts_out() {
        assert_eq!(
            edges(vec![LayerSpec::dense(8).named("first"), LayerSpec::dense(1)]),
            [
                edge("input", &[]),
                edge("first", &["input"]),
                edge("dense1", &["first"]),
                edge("target", &[]),
                edge("loss", &["dense1", "target"]),
            ]
        );
    }

    #[test]
    fn a_residual_adds_its_input_and_branches_begin_together() {
        let layers = vec![
            LayerSpec::residual([LayerSpec::dense(4)]),
            LayerSpec::parallel([LayerSpec::dense(2), LayerSpec::dense(3)]),
            LayerSpec::dense(1),
        ];
        let edges = edges(layers);
        assert!(edges.contains(&edge("residual1/dense1", &["input"])));
        assert!(edges.contains(&edge("residual1/add", &["input", "residual1/dense1"])));
        assert!(edges.contains(&edge("parallel1/dense2", &["residual1/add"])));
        assert!(edges.contains(&edge("parallel1/concat", &["parallel1/dense1", "parallel1/dense2"])));
        assert!(edges.contains(&edge("dense1", &["parallel1/concat"])));
    }

    #[test]
    fn a_decoder_comes_together_with_its_encoder() {
        let encoder = LayerSpec::embedding(9, 4);
        let decoder = LayerSpec::sequential([LayerSpec::embedding(9, 4), LayerSpec::transformer_decoder(2)]);
        let edges = edges(vec![LayerSpec::encoder_decoder(3, encoder, decoder), LayerSpec::dense(1)]);
        let (inside, join) = ("encoder_decoder1/sequential1", "encoder_decoder1/decode");
        assert!(edges.contains(&edge("encoder_decoder1/embedding1", &["input"])), "{edges:?}");
        assert!(edges.contains(&edge(&format!("{inside}/embedding1"), &["input"])), "{edges:?}");
        assert!(
            edges.contains(&edge(join, &["encoder_decoder1/embedding1", &format!("{inside}/decoder1")])),
            "{edges:?}"
        );
        assert!(edges.contains(&edge("dense1", &[join])), "{edges:?}");
    }

    #[test]
    fn each_of_several_outputs_hangs_where_it_starts() {
        let layers = vec![LayerSpec::residual([LayerSpec::dense(4)]).named("block"), LayerSpec::dense(3).named("last")];
        let early = OutputSpec { from: Some("block".to_owned()), ..OutputSpec::new("early", "a", LossKind::Mse, []) };
        let late = OutputSpec::new("late", "b", LossKind::Mse, [LayerSpec::dense(1)]);
        let recipe = Recipe { layers, outputs: vec![early, late], ..Recipe::default() };
        let nodes = of_recipe(&recipe, 4).unwrap().node;
        let edges: Vec<_> = nodes.into_iter().map(|node| (node.name, node.input)).collect();
        assert!(edges.contains(&edge("early/loss", &["block/add", "early/target"])), "{edges:?}");
        assert!(edges.contains(&edge("late/dense1", &["last"])));
        assert!(edges.contains(&edge("late/loss", &["late/dense1", "late/target"])));
        assert!(edges.contains(&edge("loss", &["early/loss", "late/loss"])));
    }

    #[test]
    fn names_have_no_signs_that_tensorboard_refuses() {
        assert_eq!(node_name("blocks.3.attn"), "blocks/3/attn");
        assert_eq!(node_name("a b/c.<x>"), "a_b_c/n_x_");
    }
}
