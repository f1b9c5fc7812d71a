//! An identity operation that shows the gradient on its way back.
use burn::prelude::*;
use burn_autodiff::Autodiff;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind, unary};
use burn_flex::{Flex, FlexTensor};
use std::fmt;

/// Someone who sees a gradient.
pub(crate) trait SeeGradient: Clone + Send + 'static {
    /// Shows the gradient of the loss with respect to the tensor that was passed through.
    fn see(self, gradient: &FlexTensor);
}

#[derive(Clone)]
struct State<S>(S);

impl<S> fmt::Debug for State<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tap")
    }
}

struct Identity<S>(std::marker::PhantomData<fn() -> S>);

impl<S> fmt::Debug for Identity<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity")
    }
}

impl<S: SeeGradient> Backward<Flex, 1> for Identity<S> {
    type State = State<S>;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let State(seer) = ops.state;
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| {
            seer.see(&gradient);
            gradient
        });
    }
}

/// Passes `x` through unchanged and shows its gradient to `seer` during the backward pass.
///
/// A tensor without autodiff, or of another backend than the CPU's, passes through unseen.
pub(crate) fn on_gradient<const D: usize>(x: Tensor<D>, seer: impl SeeGradient) -> Tensor<D> {
    if !x.is_autodiff() {
        return x;
    }
    let Ok(primitive) = x.clone().try_into_primitive::<Autodiff<Flex>>() else { return x };
    drop(x);
    let (value, node) = primitive.into_parts();
    let identity = Identity(std::marker::PhantomData);
    let out = match identity.prepare::<NoCheckpointing>([node]).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(State(seer), value),
        OpsKind::UnTracked(prepared) => prepared.finish(value),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(out)
}
