//! Checks the derivatives that autodiff computes against differences of loss values, in double precision.
mod compare;
mod function;

use crate::error::TrainError;
use crate::model::Model;
use crate::progress::{Progress, Tell};
use crate::subject::Subject;
use compare::Comparison;
use function::Function;

/// The step of a central difference that balances its two errors, for arguments of scale 1: the cube root of f64's epsilon.
///
/// Cutting off the Taylor series costs `step^2 f'''/6` and rounding costs `epsilon f / step`; their sum is least near
/// `epsilon^(1/3)` (Press et al., Numerical Recipes, 3rd edition, section 5.7).
pub const GRADCHECK_STEP: f64 = 6.055_454_452_393_343e-6;

/// Largest relative error that passes. Correct derivatives come to 1e-7 and less in double precision, wrong ones to 1e-2 and more
/// (Stanford CS231n, notes on gradient checks); in between lies our choice.
pub const GRADCHECK_TOLERANCE: f64 = 1e-5;

/// Largest distance between the derivatives of single and of double precision that passes (our choice): far above f32's rounding,
/// below any error that is worth the name.
pub const SINGLE_TOLERANCE: f64 = 1e-2;

/// How [`gradcheck`] goes about it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GradCheckOptions {
    /// Elements that are checked of each tensor, each by two evaluations. Default 20.
    pub samples: usize,
    /// Rows of the first batch that are used. Default 8.
    pub rows: usize,
    /// The distance at which the loss is evaluated. Default `6.1e-6 * max(1, |w|)`, see [`GRADCHECK_STEP`].
    pub step: Option<f64>,
    /// Largest relative error that passes, between 0 and 1. Default [`GRADCHECK_TOLERANCE`].
    pub tolerance: f64,
}

impl Default for GradCheckOptions {
    fn default() -> Self {
        Self { samples: 20, rows: 8, step: None, tolerance: GRADCHECK_TOLERANCE }
    }
}

impl GradCheckOptions {
    fn check(&self) -> Result<(), TrainError> {
        let Self { samples, rows, step, tolerance } = *self;
        let problem = if samples < 1 {
            "samples is the number of elements to check of each tensor, 1 or more; not 0".to_owned()
        } else if rows < 1 {
            "rows is the number of rows that the loss is computed of, 1 or more; not 0".to_owned()
        } else if let Some(step) = step.filter(|step| !(*step > 0.0 && step.is_finite())) {
            format!("the step is a distance above 0; not {step}")
        } else if !(0.0 < tolerance && tolerance < 1.0) {
            format!("the tolerance is a relative error between 0 and 1; not {tolerance}")
        } else {
            return Ok(());
        };
        Err(TrainError::Setting(problem))
    }
}

/// The result of [`gradcheck`].
#[derive(Clone, Debug, PartialEq)]
pub struct GradientCheck {
    /// One result for each weight that the optimizer changes, in the order of the model.
    pub tensors: Vec<TensorCheck>,
    /// Largest relative error that passes.
    pub tolerance: f64,
}

impl GradientCheck {
    /// Whether every tensor is right.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.tensors.iter().all(TensorCheck::is_ok)
    }
}

/// How the derivatives of one weight compare.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorCheck {
    /// The weight's site.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Elements that were compared; at a kink nothing is.
    pub checked: usize,
    /// The element with the largest relative error; none if none was compared.
    pub worst: Option<Element>,
    /// Elements at which the loss has a kink or a jump and so no derivative, such as ReLU at 0, and whose derivative is right beside it.
    pub kinks: usize,
    /// Elements of the tensor whose derivative is not finite by autodiff, or, where checked, by differences.
    pub not_finite: usize,
    /// How far the derivatives in single precision, with which training works, are from those in double precision: the largest distance over
    /// the largest derivative of this tensor (or a thousandth of the largest of all, if that is more).
    pub single: f64,
    /// Largest relative error that passes.
    pub tolerance: f64,
}

/// One element of a weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Where it is.
    pub index: Vec<usize>,
    /// Autodiff's derivative.
    pub autodiff: f64,
    /// The central difference.
    pub difference: f64,
    /// The relative error, as [`gradcheck`] defines it; infinite if one of the two is not finite.
    pub error: f64,
}

impl TensorCheck {
    /// Largest relative error; 0 where nothing was compared.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.worst.as_ref().map_or(0.0, |worst| worst.error)
    }

    /// Whether all derivatives are finite and none is off by more than the tolerance, in double as in single precision.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.not_finite == 0 && self.error() <= self.tolerance && self.single <= SINGLE_TOLERANCE
    }

    /// What there is to say: `ok`, `WRONG`, `NOT FINITE` or `IMPRECISE`, and how many elements lie at a kink.
    #[must_use]
    pub fn remark(&self) -> String {
        let said = if self.not_finite > 0 {
            format!("NOT FINITE: {}", self.not_finite)
        } else if self.error() > self.tolerance {
            "WRONG".to_owned()
        } else if self.is_ok() {
            "ok".to_owned()
        } else {
            format!("IMPRECISE: off by {:.1e} in float32", self.single)
        };
        if self.kinks > 0 { format!("{said}, at a kink: {}", self.kinks) } else { said }
    }
}

/// Compares autodiff's derivatives of the loss with central differences, for each weight that the optimizer changes.
///
/// The loss is that of the first rows of the first batch, in training mode, with the recipe's penalty, as the first step of training would
/// compute it. It is computed in double precision throughout: a copy of the model is given weights of f64, and
/// [`from_slice`](barograph_burn::from_slice) makes tensors of f64 meanwhile. (A few functions of burn go through f32 whatever they are given, such
/// as its `hard_sigmoid`; a custom model that calls them may seem wrong, while those of `barograph_burn::ops` do not.) Dropout masks and all other randomness are the same in all
/// evaluations. What training computes in single precision is held against that in turn, so that a derivative written for f32 alone is checked too.
///
/// Of each tensor, at most `samples` elements are checked: half of them those with the largest derivative, the rest drawn at random, the same
/// ones each time. The relative error of a derivative `a` beside a difference `d` is
///
/// ```text
/// |a - d| / max(|a|, |d|, rounding / tolerance),   rounding = 32 * 2.2e-16 * |loss| / step
/// ```
///
/// that is the one of Stanford's CS231n notes (<https://cs231n.github.io/neural-networks-3/#gradcheck>), with a floor at which a derivative is
/// too small to be told from rounding. An element that does not pass is looked at again with steps that are 10 and 100 times smaller, and one
/// in proportion to a small weight: a kink nearby, such as that of ReLU, or a pole falls out of reach then. Where the one-sided differences
/// stay apart, the kink is at this very place: the element is counted as one at a kink, and passes, if its derivative is right where all weights
/// are moved by a thousandth, off the kink.
///
/// # Errors
/// For a setting out of range; as a training, when model and data do not fit together; if no weight is trainable, if the loss is not the same
/// each time, or if the model or the loss makes tensors of f32 (with burn's own functions instead of `from_slice`).
pub fn gradcheck<M: Model>(subject: &Subject<'_, M>, options: &GradCheckOptions) -> Result<GradientCheck, TrainError> {
    gradcheck_with(subject, options, &mut |_| {})
}

/// As [`gradcheck`]; `tell` hears of each element.
///
/// # Errors
/// As [`gradcheck`].
pub fn gradcheck_with<M: Model>(
    subject: &Subject<'_, M>,
    options: &GradCheckOptions,
    tell: Tell<'_>,
) -> Result<GradientCheck, TrainError> {
    options.check()?;
    subject.with_engine(|engine| {
        let function = Function::new(engine, subject.model, options.rows)?;
        let single = function.single_derivatives();
        let (weights, derivatives) = function.derivatives()?;
        function.must_repeat()?;
        let comparison = Comparison::new(&function, options)?;
        let largest = derivatives.iter().flatten().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let of = weights.iter().map(|weight| comparison.elements(weight)).sum();
        let (mut tensors, mut done) = (Vec::new(), 0);
        for ((number, weight), derivative) in weights.iter().enumerate().zip(&derivatives) {
            let mut tensor = comparison.of(number, weight, derivative, &mut || {
                tell(Progress { done, of, what: &weight.name, loss: None });
                done += 1;
            })?;
            tensor.single = compare::distance(&single[number], derivative, largest);
            tensors.push(tensor);
        }
        Ok(GradientCheck { tensors, tolerance: options.tolerance })
    })
}
