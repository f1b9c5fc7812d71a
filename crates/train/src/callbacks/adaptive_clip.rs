//! Limits on gradients that follow the training.
mod agc;
mod zclip;

use super::Callback;
use crate::gradient_hook::GradientHook;
use crate::recipe::ClipMethod;
use agc::Agc;
use zclip::ZClip;

/// Makes gradients smaller that are out of the ordinary, where a fixed limit (`[clip]`) would have to be known beforehand.
///
/// A gradient that is not finite is left to `[clip]` or [`super::SkipNonFinite`]: no scaling repairs it, and no average takes it in.
#[derive(Clone, Copy, Debug)]
pub struct AdaptiveClip {
    method: ClipMethod,
}

impl AdaptiveClip {
    /// Clips by this method.
    #[must_use]
    pub const fn new(method: ClipMethod) -> Self {
        Self { method }
    }
}

impl Callback for AdaptiveClip {
    fn gradient_hook(&self) -> Option<Box<dyn GradientHook>> {
        Some(match self.method {
            ClipMethod::ZClip { decay, threshold, warmup_steps } => {
                Box::new(ZClip::new(decay, threshold, warmup_steps))
            }
            ClipMethod::Agc { limit, least_norm, output } => Box::new(Agc { limit, least_norm, output }),
        })
    }
}
