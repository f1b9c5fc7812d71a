//! How an operation with a derivative of its own enters burn's graph.
use crate::numerics::is_mixed;
use burn::prelude::*;
use burn::tensor::{DType, TensorData};
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn_flex::{Flex, FlexTensor};
use std::fmt;

/// The derivative of an operation of `N` inputs.
pub(super) trait Derivative<const N: usize>: Clone + Send + 'static {
    /// The gradient of each input that is wanted, given that of the output.
    fn backward(self, gradient: FlexTensor, wanted: [bool; N]) -> [Option<FlexTensor>; N];
}

/// An input on its way into an operation.
pub(super) struct Input {
    pub(super) value: FlexTensor,
    node: Option<NodeGuard>,
}

/// The inputs of an operation, which all are of single precision on the CPU.
pub(super) type Inputs<const N: usize> = [Input; N];

impl Input {
    /// The tensor, or nothing where the operation must be done by others.
    pub(super) fn new<const D: usize>(tensor: &Tensor<D>) -> Option<Self> {
        if is_mixed() || tensor.dtype() != DType::F32 {
            return None;
        }
        if tensor.is_autodiff() {
            let (value, node) = tensor.clone().try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts();
            return Some(Self { value, node: Some(node) });
        }
        Some(Self { value: tensor.clone().try_into_primitive::<Flex>().ok()?, node: None })
    }

    /// The elements in order.
    pub(super) fn contiguous(&mut self) -> &[f32] {
        if !self.value.is_contiguous() {
            self.value = self.value.to_contiguous();
        }
        values(&self.value)
    }
}

/// The elements of a tensor that lies in order.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice::<f32>().unwrap_or_default()
}

/// The tensor with its elements in order and nothing else in its memory, to be changed.
pub(super) fn owned(tensor: FlexTensor) -> FlexTensor {
    let is_whole = tensor.as_slice::<f32>().is_some_and(|values| values.len() == tensor.storage::<f32>().len());
    if is_whole {
        return tensor;
    }
    let ordered = tensor.to_contiguous();
    FlexTensor::from_data(TensorData::new(values(&ordered).to_vec(), tensor.layout().shape().clone()))
}

/// A tensor that takes the values over.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Enters an operation of these inputs with its result into the graph, if the inputs are in one.
pub(super) fn finish<const N: usize, const D: usize>(
    inputs: Inputs<N>,
    result: FlexTensor,
    derivative: impl Derivative<N>,
) -> Tensor<D> {
    let nodes: Vec<NodeGuard> = inputs.into_iter().filter_map(|input| input.node).collect();
    let Ok(nodes) = <[NodeGuard; N]>::try_from(nodes) else { return Tensor::from_primitive::<Flex>(result) };
    let step = Step(std::marker::PhantomData).prepare::<NoCheckpointing>(nodes).compute_bound();
    Tensor::from_primitive::<Autodiff<Flex>>(match step.stateful() {
        OpsKind::Tracked(step) => step.finish(State(derivative), result),
        OpsKind::UnTracked(step) => step.finish(result),
    })
}

#[derive(Clone)]
struct State<S>(S);

impl<S> fmt::Debug for State<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what a fused operation keeps")
    }
}

struct Step<S>(std::marker::PhantomData<fn() -> S>);

impl<S> fmt::Debug for Step<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a fused operation")
    }
}

impl<S: Derivative<N>, const N: usize> Backward<Flex, N> for Step<S> {
    type State = State<S>;

    fn backward(self, ops: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let State(derivative) = ops.state;
        let gradient = gradients.consume::<Flex>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let found = derivative.backward(gradient, wanted);
        for (parent, gradient) in ops.parents.into_iter().zip(found) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                gradients.register::<Flex>(parent.id, gradient);
            }
        }
    }
}
