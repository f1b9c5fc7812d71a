//! `tap`: reads an activation where it is made, and its gradient where that comes by.
use crate::backward::{SeeGradient, on_gradient};
use crate::tensor::{with_elements, with_flex};
use crate::{Numerics, Observer, Scope, scope};
use barograph_vocab::{Role, SiteId};
use burn::prelude::*;
use burn_flex::FlexTensor;

/// Reads the activation `x` at the site `path`, and its gradient during the backward pass; returns `x` unchanged.
///
/// The batch is the first axis. Units are the channels of a tensor of rank 4 and up `[batch, channels, ...]`, else the last axis.
/// Outside of an observed training step this is free.
///
/// ```
/// use barograph_burn::{cpu, from_slice, tap};
/// let x = from_slice(vec![1.0, -2.0], [1, 2], &cpu(false));
/// let h = tap("fc1", burn::tensor::activation::relu(x));
/// assert_eq!(h.dims(), [1, 2]);
/// ```
#[must_use]
pub fn tap<const D: usize>(path: &str, x: Tensor<D>) -> Tensor<D> {
    let dims = x.dims();
    let channels = if D >= 4 { dims[1] } else { dims[D - 1] };
    tap_channels(path, Role::Activation, x, channels)
}

/// [`tap`] for a tensor `[batch, channels * inner]` or `[batch, channels, ...]` whose number of channels is known, in a given
/// role (pre-activation or activation).
#[must_use]
pub fn tap_channels<const D: usize>(path: &str, role: Role, x: Tensor<D>, channels: usize) -> Tensor<D> {
    let x = match scope::trace() {
        Some(trace) => trace.reached(path, x),
        None => x,
    };
    let x = match scope::observer() {
        Some(observer) => read(observer, path, role, x, channels),
        None => x,
    };
    if role == Role::Activation
        && let Some(kept) = Scope::kept()
    {
        kept.offer(path, &x);
    }
    x
}

/// Reads the gradient alone that comes back to `x`, at the site `path`; returns `x` unchanged.
#[must_use]
pub fn tap_gradient<const D: usize>(path: &str, x: Tensor<D>) -> Tensor<D> {
    let Some(observer) = scope::observer() else { return x };
    let dims = x.dims();
    let site = observer.with(|session| session.site(path, 0, &dims[1.min(D - 1)..]));
    if Numerics::now().loss_factor != 1.0 {
        // What comes back is multiplied, and would be taken for an explosion.
        return x;
    }
    on_gradient(x, GradientReader { observer, site })
}

fn read<const D: usize>(observer: Observer, path: &str, role: Role, x: Tensor<D>, channels: usize) -> Tensor<D> {
    let dims = x.dims();
    let elements: usize = dims.iter().product();
    // In [batch, time, features] every time step counts as an example.
    let batch = if D == 3 { dims[0] * dims[1] } else { dims[0] };
    let channels = channels.max(1);
    let inner = (elements / batch.max(1) / channels).max(1);
    let site = observer.with(|session| {
        let site = session.site(path, channels, &dims[1.min(D - 1)..]);
        with_elements(&x, |elements| {
            session.read(site, role, elements);
            if session.units_due() {
                session.read_units(site, role, elements, [batch, channels, inner]);
            }
        });
        site
    });
    on_gradient(x, GradientReader { observer, site })
}

#[derive(Clone)]
struct GradientReader {
    observer: Observer,
    site: SiteId,
}

impl SeeGradient for GradientReader {
    fn see(self, gradient: &FlexTensor) {
        self.observer.with(|session| {
            with_flex(gradient, |elements| session.read(self.site, Role::ActivationGradient, elements));
        });
    }
}
