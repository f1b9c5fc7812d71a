//! Limits on gradients.
use crate::recipe::ClipSpec;
use barograph_burn::{GradientNorm, gradient_norms, map_gradients};
use burn::module::Module;
use burn::optim::GradientsParams;

/// What clipping did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clipped {
    /// Nothing: no limit was set, or none was reached.
    Untouched,
    /// Some gradient was made smaller.
    Clipped,
    /// The gradient of this weight (by number) is not finite, and scaling would spread that to all: the step must not be taken.
    Refused(usize),
}

/// Applies the limits of a recipe: by value, then by norm.
///
/// The global norm is that of all gradients together (Pascanu et al., 2013); burn itself clips each tensor apart.
#[must_use]
pub fn clip<M: Module>(spec: &ClipSpec, model: &M, gradients: &mut GradientsParams) -> Clipped {
    if *spec == ClipSpec::default() {
        return Clipped::Untouched;
    }
    let norms = gradient_norms(model, gradients);
    if let Some(bad) = norms.iter().find(|gradient| !gradient.finite) {
        return Clipped::Refused(bad.weight);
    }
    let mut clipped = false;
    if let Some(limit) = spec.value {
        map_gradients(model, gradients, |_, gradient| {
            clipped |= gradient.clone().abs().max().into_scalar::<f32>() > limit as f32;
            Some(gradient.clamp(-limit, limit))
        });
    }
    let norms = if spec.value.is_some() { gradient_norms(model, gradients) } else { norms };
    if let Some(limit) = spec.tensor_norm {
        clipped |= scale(model, gradients, &norms, |norm| limit / norm);
    }
    if let Some(limit) = spec.global_norm {
        let global = norms.iter().map(|gradient| gradient.norm.powi(2)).sum::<f64>().sqrt();
        clipped |= scale(model, gradients, &norms, |_| limit / global);
    }
    if clipped { Clipped::Clipped } else { Clipped::Untouched }
}

/// Multiplies each gradient by its factor where that is below 1. Returns whether any was.
fn scale<M: Module>(
    model: &M,
    gradients: &mut GradientsParams,
    norms: &[GradientNorm],
    factor: impl Fn(f64) -> f64,
) -> bool {
    let mut scaled = false;
    let mut norms = norms.iter();
    map_gradients(model, gradients, |_, gradient| {
        let factor = norms.next().map_or(1.0, |gradient| factor(gradient.norm));
        if factor >= 1.0 {
            return Some(gradient);
        }
        scaled = true;
        Some(gradient.mul_scalar(factor))
    });
    scaled
}
