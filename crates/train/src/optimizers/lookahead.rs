//! Lookahead: slow weights that follow any optimizer's fast ones.
use burn::prelude::*;

/// After each `steps` steps the slow weight goes `alpha` of the way to the fast one, which goes on from there (Zhang et al., 2019).
/// The moments of the optimizer stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lookahead {
    pub(super) steps: u64,
    pub(super) alpha: f64,
}

impl Lookahead {
    /// The fast and the slow weight after the step with this number, which starts at 1.
    pub(super) fn follow<const D: usize>(
        self,
        number: u64,
        fast: Tensor<D>,
        slow: Tensor<D>,
    ) -> (Tensor<D>, Tensor<D>) {
        if !number.is_multiple_of(self.steps) {
            return (fast, slow);
        }
        let slow = slow.clone().add(fast.sub(slow).mul_scalar(self.alpha as f32));
        (slow.clone(), slow)
    }
}
