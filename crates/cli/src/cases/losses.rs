//! The losses of the cases: those of the library, and naive ones as people write them by hand.
use anyhow::{Result, bail};
use barograph_burn::ops;
use barograph_train::recipe::{LossKind, LossSpec, Reduction};
use barograph_train::{Loss, LossFacts, TargetTensor};
use burn::prelude::*;

/// What keeps a hand-written logarithm from zero.
const EPSILON: f64 = 1e-7;

/// The loss of this name in a file of cases.
pub(super) enum CaseLoss {
    /// Of the library.
    Library(LossSpec),
    /// Written by hand: it says nothing of itself.
    Naive(fn(Tensor<2>, &TargetTensor) -> Tensor<1>),
}

impl CaseLoss {
    pub(super) fn named(name: &str) -> Result<Self> {
        let library = |kind: LossKind| Self::Library(kind.into());
        Ok(match name {
            "ce_logits" => library(LossKind::CrossEntropy),
            "bce" => library(LossKind::BinaryCrossEntropy),
            "cce" => library(LossKind::CategoricalCrossEntropy),
            "scce" => library(LossKind::SparseCategoricalCrossEntropy),
            "mse" => library(LossKind::Mse),
            "half_mse" => library(LossKind::HalfMse),
            "mae" => library(LossKind::Mae),
            "sse" => Self::Library(LossSpec { reduction: Reduction::Sum, ..LossSpec::from(LossKind::Mse) }),
            "mse_broadcast" => Self::Naive(mse_broadcast),
            "ce_naive_sum" => Self::Naive(ce_naive_sum),
            "ce_naive_mean" => Self::Naive(ce_naive_mean),
            "bce_on_logits_naive" => Self::Naive(bce_on_logits_naive),
            "ce_sum_axis0" => Self::Naive(ce_sum_axis0),
            "ce_reg" => Self::Naive(ce_reg),
            other => bail!("unknown loss {other:?}"),
        })
    }
}

impl Loss for CaseLoss {
    fn loss(&self, outputs: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
        match self {
            Self::Library(spec) => spec.loss(outputs, targets),
            Self::Naive(loss) => loss(outputs, targets),
        }
    }

    fn describe(&self) -> LossFacts {
        match self {
            Self::Library(spec) => spec.describe(),
            Self::Naive(_) => LossFacts::default(),
        }
    }
}

fn mse_broadcast(p: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
    let target = targets.like(&p);
    let [rows, columns] = target.dims();
    let target = if columns == 1 { ops::reshape(target, [1, rows]) } else { target };
    ops::mean(ops::square(ops::sub(p, target)))
}

fn ce_naive_sum(p: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
    ops::neg(ops::sum(ops::mul(targets.like(&p), ops::log(p))))
}

fn ce_naive_mean(p: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
    ops::neg(ops::mean(ops::sum_dim(ops::mul(targets.like(&p), ops::log(p)), 1)))
}

fn bce_on_logits_naive(p: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
    let target = targets.like(&p);
    let one_minus = |x| ops::add_scalar(ops::neg(x), 1.0);
    let yes = ops::mul(target.clone(), ops::log(p.clone()));
    let no = ops::mul(one_minus(target), ops::log(one_minus(p)));
    ops::mean(ops::sum_dim(ops::sub(ops::neg(yes), no), 1))
}

fn ce_sum_axis0(p: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
    let terms = ops::mul(targets.like(&p), ops::log_softmax(p, 1));
    ops::neg(ops::sum(ops::mean_dim(terms, 1)))
}

fn ce_reg(p: Tensor<2>, targets: &TargetTensor) -> Tensor<1> {
    let target = targets.like(&p);
    let probabilities = ops::softmax(p, 1);
    ops::neg(ops::mean(ops::mul(target, ops::log(ops::add_scalar(probabilities, EPSILON)))))
}
