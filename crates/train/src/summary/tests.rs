use super::*;
use crate::recipe::{LossKind, OptimizerSpec, Padding, RecurrentSpec, WeightSpec};
use barograph_burn::{from_slice, to_vec};

fn summary(layers: Vec<LayerSpec>, image: Option<[u64; 3]>, inputs: usize) -> Summary {
    let mut recipe = Recipe { layers, loss: LossKind::Mse.into(), ..Recipe::default() };
    recipe.data.image = image;
    summarize(&recipe, inputs).expect("layers that fit")
}

fn flops(layers: Vec<LayerSpec>, image: Option<[u64; 3]>, inputs: usize) -> Vec<u64> {
    summary(layers, image, inputs).layers.iter().map(|layer| layer.cost.flops).collect()
}

#[test]
fn a_network_of_dense_layers_costs_what_one_counts_by_hand() {
    let layers = vec![LayerSpec::dense(16).with_activation(Activation::Relu), LayerSpec::dense(10).frozen()];
    let mut recipe = Recipe { layers, loss: LossKind::CrossEntropy.into(), batch: 4, ..Recipe::default() };
    recipe.optimizer = OptimizerSpec::from(OptimizerKind::adam());
    let found = summarize(&recipe, 8).unwrap();
    let [hidden, output] = found.layers.as_slice() else { panic!("{found:#?}") };
    assert_eq!((hidden.kind.as_str(), output.kind.as_str()), ("dense, relu", "dense"));
    assert_eq!(hidden.cost, Cost { parameters: 144, trainable: 144, flops: 2 * 8 * 16 + 16 + 16, values: 32 });
    assert_eq!(output.cost, Cost { parameters: 170, trainable: 0, flops: 2 * 16 * 10 + 10, values: 10 });
    assert_eq!(found.total.parameters, 314);
    let memory = Memory { parameters: 4 * 314, gradients: 4 * 144, optimizer: 8 * 144, activations: 16 * (8 + 42) };
    assert_eq!(found.memory, memory);
    assert_eq!(memory.total(), 4 * 314 + 12 * 144 + 800);
    recipe.optimizer = OptimizerSpec::from(OptimizerKind::sgd());
    assert_eq!(summarize(&recipe, 8).unwrap().memory.optimizer, 0);
}

#[test]
fn products_are_counted_where_they_are_made() {
    let image = Some([3, 8, 8]);
    // Each of 4 x 8 x 8 outputs sums 3 x 3 x 3 products and a bias.
    assert_eq!(flops(vec![LayerSpec::conv2d(4)], image, 192), [4 * 64 * (2 * 27 + 1)]);
    let transposed = LayerKind::Conv2dTranspose {
        channels: 2,
        kernel: 3,
        stride: 2,
        padding: Padding::Same,
        activation: Activation::Linear,
        weights: WeightSpec { bias: false, ..WeightSpec::default() },
    };
    // Each of 3 x 8 x 8 inputs adds to 2 x 3 x 3 outputs.
    assert_eq!(flops(vec![transposed.into()], image, 192), [2 * 192 * 18]);
    assert_eq!(flops(vec![LayerSpec::max_pool2d(2)], image, 192), [3 * 16 * 4]);
    // A dense layer of a sequence runs once a time step.
    assert_eq!(flops(vec![LayerSpec::reshape([5, 4]), LayerSpec::dense(3)], None, 20), [0, 5 * 3 * (2 * 4 + 1)]);
    // Four gates, each of 6 + 3 products and a bias; 13 further operations a unit.
    let lstm = |bidirectional| {
        let recurrent = RecurrentSpec { units: 3, bidirectional, ..RecurrentSpec::default() };
        let layer = LayerKind::Lstm { forget_bias: 1.0, recurrent };
        flops(vec![LayerSpec::reshape([5, 6]), layer.into()], None, 30)[1]
    };
    assert_eq!(lstm(false), 5 * 3 * (4 * (2 * 9 + 1) + 13));
    assert_eq!(lstm(true), 2 * lstm(false));
    // Four projections of 6 to 6, queries scaled, 5 x 5 scores of 6 products twice, and a softmax for each of two heads.
    let attention = 4 * (2 * 5 * 36 + 30) + 30 + 2 * 2 * 25 * 6 + 5 * 2 * 25;
    assert_eq!(flops(vec![LayerSpec::reshape([5, 6]), LayerSpec::multi_head_attention(2)], None, 30)[1], attention);
}

#[test]
fn a_block_holds_what_is_inside_of_it() {
    let inside = vec![LayerSpec::dense(6).with_activation(Activation::Relu), LayerSpec::dense(4)];
    let found = summary(vec![LayerSpec::residual(inside), LayerSpec::dense(2)], None, 4);
    let shown: Vec<_> =
        found.layers.iter().map(|layer| (layer.site.as_str(), layer.depth, layer.cost.parameters)).collect();
    let expected = [("residual1", 0, 58), ("residual1.dense1", 1, 30), ("residual1.dense2", 1, 28), ("dense1", 0, 10)];
    assert_eq!(shown, expected);
    let [block, first, second, _] = found.layers.as_slice() else { panic!("{found:#?}") };
    assert_eq!(block.cost.flops, first.cost.flops + second.cost.flops + 4);
    assert_eq!(found.total.parameters, 68);
}

#[test]
fn a_layer_named_like_a_part_of_another_keeps_its_weights() {
    let inside = vec![LayerSpec::dense(4).named("x")];
    let found = summary(vec![LayerSpec::residual(inside).named("a"), LayerSpec::dense(2).named("a.x.y")], None, 4);
    let shown: Vec<_> = found.layers.iter().map(|layer| layer.cost.parameters).collect();
    // The third layer stands outside, whatever its name looks like.
    assert_eq!((shown[1], shown[2]), (20, 10));
}

#[test]
fn every_kind_of_layer_has_a_row_and_outputs_of_its_shape() {
    let mut recipe = Recipe {
        layers: vec![
            LayerSpec::conv2d(4),
            LayerSpec::batch_norm(),
            LayerSpec::avg_pool2d(2),
            LayerKind::GroupNorm { groups: 2, epsilon: 1e-5, trainable: true }.into(),
            LayerSpec::reshape([4, 8]),
            LayerSpec::position_embedding(),
            LayerSpec::transformer_encoder(2),
            LayerSpec::transformer_decoder(4),
            LayerSpec::layer_norm(),
            LayerSpec::gru(3),
            LayerSpec::dropout(0.5),
            LayerKind::Prelu { slope: 0.25, trainable: true }.into(),
            LayerSpec::dense(1),
        ],
        loss: LossKind::Mse.into(),
        ..Recipe::default()
    };
    recipe.data.image = Some([2, 8, 4]);
    let found = summarize(&recipe, 64).unwrap();
    assert_eq!(found.layers.len(), recipe.layers.len());
    assert!(found.layers.iter().all(|layer| layer.cost.trainable == layer.cost.parameters), "{found:#?}");
    let network = Network::from_recipe(&recipe, 64, &cpu(false)).unwrap();
    let mut x = from_slice(vec![0.5; 64], [1, 64], &cpu(false));
    for layer in &found.layers {
        if let Some((site, built)) = network.layers().find(|(site, _)| *site == layer.site) {
            x = built.forward(site, x);
            assert_eq!(to_vec(&x).len() as u64, layer.output.values(), "{site}");
        }
    }
}
