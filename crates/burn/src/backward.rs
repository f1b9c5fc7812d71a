//! Operations with a backward pass of our own: one that shows the gradient on its way back, and those that users write.
use crate::tensor::on_cpu;
use burn::backend::{Backend, DispatchKindConversion, DispatchTensor};
use burn::prelude::*;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn_flex::{Flex, FlexTensor};
use std::fmt;
use std::marker::PhantomData;

/// Someone who sees a gradient.
pub(crate) trait SeeGradient: Clone + Send + 'static {
    /// Shows the gradient of the loss with respect to the tensor that was passed through.
    fn see(self, gradient: &FlexTensor);
}

/// Passes `x` through unchanged and shows its gradient to `seer` during the backward pass; on another device than the CPU a copy of it.
///
/// A tensor without autodiff passes through unseen.
pub(crate) fn on_gradient<const D: usize>(x: Tensor<D>, seer: impl SeeGradient) -> Tensor<D> {
    with_backward(
        x,
        |x| x,
        move |gradient| {
            seer.see(&on_cpu(&gradient));
            gradient
        },
    )
}

/// What `forward` makes of `x` outside of the graph, with a gradient that `backward` makes of the gradient of that. A tensor without
/// autodiff goes through `forward` alone.
///
/// # Panics
/// When either gives a tensor of another device, or one with a graph.
pub(crate) fn with_backward<const D: usize, const E: usize>(
    x: Tensor<D>,
    forward: impl FnOnce(Tensor<D>) -> Tensor<E>,
    backward: impl FnOnce(Tensor<E>) -> Tensor<D> + Clone + Send + 'static,
) -> Tensor<E> {
    if !x.is_autodiff() {
        return forward(x);
    }
    #[cfg(any(feature = "cuda", feature = "wgpu"))]
    if x.clone().try_into_primitive::<Autodiff<burn::backend::Cube>>().is_ok() {
        return on_backend::<burn::backend::Cube, D, E>(x, forward, backward);
    }
    on_backend::<Flex, D, E>(x, forward, backward)
}

fn on_backend<B: Backend, const D: usize, const E: usize>(
    x: Tensor<D>,
    forward: impl FnOnce(Tensor<D>) -> Tensor<E>,
    backward: impl FnOnce(Tensor<E>) -> Tensor<D> + Clone + Send + 'static,
) -> Tensor<E>
where
    DispatchTensor: DispatchKindConversion<B> + DispatchKindConversion<Autodiff<B>>,
{
    let Ok(primitive) = x.try_into_primitive::<Autodiff<B>>() else { panic!("{ELSEWHERE}") };
    let (value, node) = primitive.into_parts();
    let Ok(value) = forward(Tensor::from_primitive::<B>(value)).try_into_primitive::<B>() else {
        panic!("{ELSEWHERE}")
    };
    let operation = Operation(PhantomData);
    let out = match operation.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(State(backward), value),
        OpsKind::UnTracked(prepared) => prepared.finish(value),
    };
    Tensor::from_primitive::<Autodiff<B>>(out)
}

const ELSEWHERE: &str = "an operation with a gradient of its own gave a tensor of another device, or one with a graph";

#[derive(Clone)]
struct State<F>(F);

impl<F> fmt::Debug for State<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a backward pass")
    }
}

struct Operation<F, const D: usize, const E: usize>(PhantomData<fn() -> F>);

impl<F, const D: usize, const E: usize> fmt::Debug for Operation<F, D, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operation")
    }
}

impl<B, F, const D: usize, const E: usize> Backward<B, 1> for Operation<F, D, E>
where
    B: Backend,
    DispatchTensor: DispatchKindConversion<B>,
    F: FnOnce(Tensor<E>) -> Tensor<D> + Clone + Send + 'static,
{
    type State = State<F>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let State(backward) = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
            let gradient = backward(Tensor::from_primitive::<B>(gradient));
            let Ok(gradient) = gradient.try_into_primitive::<B>() else { panic!("{ELSEWHERE}") };
            gradient
        });
    }
}
