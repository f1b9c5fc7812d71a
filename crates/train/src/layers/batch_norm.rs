//! Normalization over the batch.
use super::{masking, tap_as};
use crate::recipe::Shape;
use barograph_burn::{Scope, from_slice, ops, to_vec};
use barograph_vocab::Role;
use burn::module::{Module, Param};
use burn::prelude::*;
use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

thread_local! {
    static MEASURED_SHARE: Cell<Option<f64>> = const { Cell::new(None) };
}

/// Runs a forward pass in evaluation mode in which every batch norm on this thread normalizes by the batch all the same, and takes the
/// batch's statistics into its running ones with this share in place of its momentum.
pub(crate) fn measuring<R>(share: f64, work: impl FnOnce() -> R) -> R {
    MEASURED_SHARE.set(Some(share));
    let result = work();
    MEASURED_SHARE.set(None);
    result
}

/// Each channel to mean 0 and variance 1 over the batch (and the pixels of an image, or the time of a sequence), then a learned scale and shift
/// (Ioffe and Szegedy, 2015). In evaluation the running statistics stand in for the batch's. Time steps that only fill up are normalized too, and
/// do not count in the statistics, as in Keras.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// `[channels]`.
    pub scale: Param<Tensor<1>>,
    /// `[channels]`.
    pub shift: Param<Tensor<1>>,
    #[module(skip)]
    running: Running,
    #[module(skip)]
    input: Shape,
    momentum: f64,
    epsilon: f64,
}

/// Running mean and variance per channel. A clone is a copy, so that a snapshot of the model does not change with it.
#[derive(Debug)]
struct Running(Mutex<Statistics>);

/// Mean and variance per channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// `[channels]`.
    pub mean: Vec<f32>,
    /// `[channels]`, without Bessel's correction in the batch, with it in the running value, as in torch.
    pub variance: Vec<f32>,
}

impl Clone for Running {
    fn clone(&self) -> Self {
        Self(Mutex::new(self.get()))
    }
}

impl Running {
    fn get(&self) -> Statistics {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, statistics: Statistics) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = statistics;
    }

    fn blend(&self, batch: &Statistics, momentum: f32, correction: f32) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (old, new) in running.mean.iter_mut().zip(&batch.mean) {
            *old += momentum * (new - *old);
        }
        for (old, new) in running.variance.iter_mut().zip(&batch.variance) {
            *old += momentum * (new * correction - *old);
        }
    }
}

impl BatchNorm {
    /// Scale 1, shift 0, running mean 0 and variance 1. `momentum` is the weight of the new batch.
    #[must_use]
    pub fn new(input: Shape, momentum: f64, epsilon: f64, trainable: bool, device: &Device) -> Self {
        let channels = input.channels();
        let filled = |value| {
            Param::from_tensor(from_slice(vec![value; channels], [channels], device)).set_require_grad(trainable)
        };
        let running = Statistics { mean: vec![0.0; channels], variance: vec![1.0; channels] };
        Self { scale: filled(1.0), shift: filled(0.0), running: Running(Mutex::new(running)), input, momentum, epsilon }
    }

    /// The running statistics.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.running.get()
    }

    /// Sets the running statistics.
    pub fn set_statistics(&self, statistics: Statistics) {
        self.running.set(statistics);
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let [batch, features] = x.dims();
        // Each time step of a sequence counts as an example.
        let [time, channels, pixels] = self.input.view();
        let x = ops::reshape(x, [batch * time, channels, pixels]);
        let measured = MEASURED_SHARE.get();
        let (mean, variance) = if Scope::is_training() || measured.is_some() {
            let counted = self.counted(batch, batch * time * pixels);
            let mean = counted.mean(x.clone());
            let variance = counted.mean(ops::square(ops::sub(x.clone(), mean.clone())));
            self.remember(&mean, &variance, counted.values, measured.unwrap_or(self.momentum));
            (mean, variance)
        } else {
            let Statistics { mean, variance } = self.running.get();
            let device = x.device();
            (from_slice(mean, [1, channels, 1], &device), from_slice(variance, [1, channels, 1], &device))
        };
        let deviation = ops::sqrt(ops::add_scalar(variance, self.epsilon));
        let normalized = ops::div(ops::sub(x, mean), deviation);
        let scaled = ops::mul(normalized, self.scale.val().reshape([1, channels, 1]));
        let shifted = ops::add(scaled, self.shift.val().reshape([1, channels, 1]));
        tap_as(site, Role::Activation, ops::reshape(shifted, [batch, features]), self.input)
    }

    /// What the statistics of a batch are of, given how many values of each channel it has with those that fill up.
    fn counted(&self, batch: usize, values: usize) -> Counted {
        let Shape::Sequence([time, _]) = self.input else { return Counted { mask: None, values } };
        let mask = masking::of_steps(batch, time as usize);
        let values = mask.as_ref().map_or(values, |mask| to_vec(mask).iter().sum::<f32>() as usize);
        Counted { mask: mask.map(|mask| ops::reshape(mask, [batch * time as usize, 1, 1])), values }
    }

    fn remember(&self, mean: &Tensor<3>, variance: &Tensor<3>, count: usize, momentum: f64) {
        if count == 0 {
            return;
        }
        let batch = Statistics { mean: to_vec(mean), variance: to_vec(variance) };
        let correction = count as f32 / (count as f32 - 1.0).max(1.0);
        self.running.blend(&batch, momentum as f32, correction);
    }
}

/// The examples that statistics are of.
struct Counted {
    /// 1 for an example that counts, `[examples, 1, 1]`; `None` where all do.
    mask: Option<Tensor<3>>,
    /// Values of each channel.
    values: usize,
}

impl Counted {
    /// The mean of each channel, `[examples, channels, pixels]` to `[1, channels, 1]`; 0 where nothing counts.
    fn mean(&self, x: Tensor<3>) -> Tensor<3> {
        match &self.mask {
            None => ops::mean_dim(ops::mean_dim(x, 2), 0),
            Some(mask) => {
                let sum = ops::sum_dim(ops::mul(x, mask.clone()), 0);
                ops::mul_scalar(sum, 1.0 / self.values.max(1) as f64)
            }
        }
    }
}
