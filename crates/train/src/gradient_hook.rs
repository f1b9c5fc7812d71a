//! What stands between the backward pass and the optimizer.
use barograph_burn::with_elements;
use burn::prelude::*;

/// Changes gradients: noise, surgery, limits. Gradients come flattened, with the number of their weight in the order of the model's
/// fields; `None` leaves the weight as it is.
///
/// A hook is part of the training: what it keeps is in every snapshot, so that a replay repeats what it did. Of a step that is refused
/// it forgets what it learned.
pub trait GradientHook: Send {
    /// What takes the place of a gradient as the backward pass left it. It is read after this.
    fn after_backward(&mut self, _weight: usize, gradient: Tensor<1>) -> Option<Tensor<1>> {
        Some(gradient)
    }

    /// Looks at all gradients of a step together, after they were read and before the recipe's limits: may change them, or refuse the
    /// step.
    fn review(&mut self, _step: &mut StepGradients) -> Review {
        Review::Kept
    }

    /// What the optimizer gets, after the gradient was read and clipped.
    fn before_update(&mut self, _weight: usize, gradient: Tensor<1>) -> Option<Tensor<1>> {
        Some(gradient)
    }

    /// What the loss is multiplied with before the backward pass; `None` for a hook that does not scale. Then it must divide the gradients
    /// again in [`GradientHook::after_backward`].
    fn loss_factor(&self) -> Option<f64> {
        None
    }

    /// The step was refused, by whomever, and what it learned of it is forgotten; `finite` is whether all gradients were.
    fn refused(&mut self, _finite: bool) {}

    /// A copy with all that it keeps.
    fn copy(&self) -> Box<dyn GradientHook>;

    /// What it keeps, as a text of its own form: a checkpoint holds it, so that a resumed training goes on as if it had not been
    /// interrupted.
    fn state(&self) -> String {
        String::new()
    }

    /// Takes back what [`GradientHook::state`] gave.
    ///
    /// # Errors
    /// What is wrong with the text.
    fn restore(&mut self, _state: &str) -> Result<(), String> {
        Ok(())
    }
}

impl Clone for Box<dyn GradientHook> {
    fn clone(&self) -> Self {
        self.copy()
    }
}

/// All gradients of a step.
#[derive(Clone, Debug)]
pub struct StepGradients {
    /// The loss, penalties included.
    pub loss: f64,
    /// The weights that have a gradient, in the order of the model's fields.
    pub weights: Vec<WeightGradient>,
}

/// A weight and its gradient.
#[derive(Clone, Debug)]
pub struct WeightGradient {
    /// Number of the weight in the order of the model's fields.
    pub number: usize,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The weight, flattened.
    pub weight: Tensor<1>,
    /// Its gradient, flattened.
    pub gradient: Tensor<1>,
}

impl WeightGradient {
    /// The L2 norm of the gradient over its finite elements, and whether all are finite.
    #[must_use]
    pub fn gradient_norm(&self) -> (f64, bool) {
        let options = barograph_stats::Options::default();
        let reading = with_elements(&self.gradient, |elements| barograph_stats::read(elements, options));
        reading.map_or((0.0, true), |reading| (reading.l2, reading.non_finite() == 0))
    }
}

impl StepGradients {
    /// The L2 norm of all gradients together; NaN when an element is not finite.
    #[must_use]
    pub fn global_norm(&self) -> f64 {
        let square = |(norm, finite): (f64, bool)| if finite { norm * norm } else { f64::NAN };
        self.weights.iter().map(|weight| square(weight.gradient_norm())).sum::<f64>().sqrt()
    }

    /// Multiplies every gradient.
    pub fn scale(&mut self, factor: f64) {
        for weight in &mut self.weights {
            weight.gradient = weight.gradient.clone().mul_scalar(factor);
        }
    }
}

/// What a hook makes of the gradients of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Review {
    /// The step is taken with the gradients as they are now.
    Kept,
    /// The same, and some gradient was made smaller.
    Clipped,
    /// The step is not taken: nothing changes.
    Refused {
        /// The number of the weight that it is about, if it is about one.
        weight: Option<usize>,
        /// Why: `a gradient is not finite`.
        reason: String,
    },
}
