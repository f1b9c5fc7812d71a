//! What stands between the backward pass and the optimizer.
use burn::prelude::*;

/// Changes gradients: accumulation, noise, surgery. Gradients come flattened, with the number of their weight in the order of the
/// model's fields; `None` leaves the weight as it is.
///
/// A hook is part of the training: what it keeps is in every snapshot, so that a replay repeats what it did.
pub trait GradientHook: Send {
    /// What takes the place of a gradient as the backward pass left it. It is read after this.
    fn after_backward(&mut self, _weight: usize, gradient: Tensor<1>) -> Option<Tensor<1>> {
        Some(gradient)
    }

    /// What the optimizer gets, after the gradient was read and clipped.
    fn before_update(&mut self, _weight: usize, gradient: Tensor<1>) -> Option<Tensor<1>> {
        Some(gradient)
    }

    /// A copy with all that it keeps.
    fn copy(&self) -> Box<dyn GradientHook>;
}

impl Clone for Box<dyn GradientHook> {
    fn clone(&self) -> Self {
        self.copy()
    }
}
