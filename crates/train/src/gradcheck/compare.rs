//! Derivatives beside differences, element by element.
use super::function::{Function, Weight};
use super::{Element, GRADCHECK_STEP, GradCheckOptions, TensorCheck};
use crate::error::TrainError;
use crate::model::Model;
use crate::random::{Purpose, Random};
use std::cell::OnceCell;

/// Steps that are tried, as shares of the first: a smaller one does not reach to a kink nearby (our choice).
const SHARES: [f64; 3] = [1.0, 0.1, 0.01];

/// Where a loss is smooth, its one-sided differences draw together in proportion to the step, ten times between two of ours. Where they keep
/// more than this share of their distance, it has a kink (our choice).
const SHRINKS: f64 = 0.5;

/// Share of the largest derivative of all below which a tensor's own are not asked to agree between precisions (our choice): where terms
/// cancel, as in the bias before a batch norm, nothing but rounding is left of them.
const SMALL: f64 = 1e-3;

/// How far weights are moved off a kink, in parts of their magnitude or of 1, whichever is more (our choice): many steps, and too little
/// to make another network of it.
const SHIFT: f64 = 1e-3;

/// How far derivatives in single precision are from those in double precision, as [`TensorCheck::single`] says.
pub(super) fn distance(single: &[f64], double: &[f64], largest: f64) -> f64 {
    let own = double.iter().fold(0.0_f64, |own, value| own.max(value.abs()));
    let apart = single.iter().zip(double).fold(0.0, |apart: f64, (a, b)| apart.max((a - b).abs()));
    let size = own.max(SMALL * largest);
    // What is not finite in double precision is counted elsewhere.
    if size > 0.0 && size.is_finite() { apart / size } else { 0.0 }
}

/// Compares derivatives with differences.
pub(super) struct Comparison<'a, M> {
    function: &'a Function<'a, M>,
    options: &'a GradCheckOptions,
    here: f64,
    /// The same at a place nearby, made where there is a kink here.
    nearby: OnceCell<Result<Nearby<'a, M>, TrainError>>,
}

/// The loss around weights that are all moved a little.
struct Nearby<'a, M> {
    function: Function<'a, M>,
    weights: Vec<Weight>,
    derivatives: Vec<Vec<f64>>,
    here: f64,
}

/// What is seen around one element at one step.
struct Differences {
    left: f64,
    central: f64,
    right: f64,
    /// What rounding can make of the central difference.
    rounding: f64,
}

impl Differences {
    fn gap(&self) -> f64 {
        (self.right - self.left).abs()
    }
}

impl<'a, M: Model> Comparison<'a, M> {
    pub(super) fn new(function: &'a Function<'a, M>, options: &'a GradCheckOptions) -> Result<Self, TrainError> {
        Ok(Self { function, options, here: function.here()?, nearby: OnceCell::new() })
    }

    /// The result for one weight.
    pub(super) fn of(
        &self,
        number: usize,
        weight: &Weight,
        derivative: &[f64],
        mut begin_element: impl FnMut(),
    ) -> Result<TensorCheck, TrainError> {
        let mut not_finite = derivative.iter().filter(|value| !value.is_finite()).count();
        let (mut kinks, mut checked) = (0, 0);
        let mut worst: Option<Element> = None;
        for element in self.chosen(number, derivative) {
            begin_element();
            let (found, seen) = self.element((self.function, self.here), weight, element, derivative[element])?;
            not_finite += usize::from(found.autodiff.is_finite() && !found.error.is_finite());
            if found.error > self.options.tolerance && has_kink(&seen) && self.is_right_nearby(number, element)? {
                kinks += 1;
                continue;
            }
            checked += 1;
            if worst.as_ref().is_none_or(|worst| found.error > worst.error) {
                worst = Some(found);
            }
        }
        let (name, shape) = (weight.name.clone(), weight.shape.clone());
        let tolerance = self.options.tolerance;
        Ok(TensorCheck { name, shape, checked, worst, kinks, not_finite, single: 0.0, tolerance })
    }

    /// How many elements of a weight are looked at.
    pub(super) fn elements(&self, weight: &Weight) -> u64 {
        weight.shape.iter().product::<usize>().min(self.options.samples) as u64
    }

    /// Elements to look at: all of them, or half with the largest derivatives and half drawn at random, the same each time.
    fn chosen(&self, number: usize, derivative: &[f64]) -> Vec<usize> {
        let (count, samples) = (derivative.len(), self.options.samples);
        if count <= samples {
            return (0..count).collect();
        }
        // What is not finite is counted anyway; it must not take the places of those that can be compared.
        let size = |element: usize| if derivative[element].is_finite() { derivative[element].abs() } else { 0.0 };
        let mut largest: Vec<usize> = (0..count).collect();
        largest.sort_by(|&a, &b| size(b).total_cmp(&size(a)));
        largest.truncate(samples.div_ceil(2));
        let mut random = Random::new(0, Purpose::GradientCheck, 0, number as u32);
        while largest.len() < samples {
            let drawn = random.below(count as u64) as usize;
            if !largest.contains(&drawn) {
                largest.push(drawn);
            }
        }
        largest.sort_unstable();
        largest
    }

    /// How one element compares, and what was seen of it at each step that was tried.
    fn element(
        &self,
        around: (&Function<'_, M>, f64),
        weight: &Weight,
        element: usize,
        autodiff: f64,
    ) -> Result<(Element, Vec<Differences>), TrainError> {
        let size = weight.values[element].abs();
        let mut shares = SHARES.to_vec();
        // For a small weight, the last one is in proportion to it, as near `log(0)`.
        if self.options.step.is_none() && size > 0.0 && size < SHARES[2] {
            shares.push(size);
        }
        let index = unravelled(element, &weight.shape);
        let mut seen: Vec<Differences> = Vec::new();
        let mut best = Element { index, autodiff, difference: f64::NAN, error: f64::INFINITY };
        for share in shares {
            let found = self.differences(around, weight, element, share)?;
            // Rounding must not excuse more and more as the step shrinks, or every derivative would pass in the end.
            let first = seen.first().map_or(found.rounding, |first| first.rounding);
            let error = self.error(autodiff, found.central, found.rounding.min(first / SHARES[2]));
            // The first is as good as the next ones, and has the most digits.
            if seen.is_empty() || error < best.error {
                best = Element { difference: found.central, error, ..best };
            }
            seen.push(found);
            if error <= self.options.tolerance {
                break;
            }
        }
        Ok((best, seen))
    }

    fn differences(
        &self,
        (function, here): (&Function<'_, M>, f64),
        weight: &Weight,
        element: usize,
        share: f64,
    ) -> Result<Differences, TrainError> {
        let at = weight.values[element];
        let step = share * self.options.step.unwrap_or(GRADCHECK_STEP * at.abs().max(1.0));
        // The step is rounded when it is added; what counts is where the loss was computed.
        let (above, below) = (at + step, at - step);
        let upper = function.at(weight, element, above)?;
        let lower = function.at(weight, element, below)?;
        Ok(Differences {
            left: (here - lower) / (at - below),
            central: (upper - lower) / (above - below),
            right: (upper - here) / (above - at),
            rounding: Function::<M>::rounding(upper.abs().max(lower.abs()), step),
        })
    }

    /// Whether autodiff's derivative by this element is right where all weights are moved a little, off the kink.
    fn is_right_nearby(&self, number: usize, element: usize) -> Result<bool, TrainError> {
        let make = || {
            let function = self.function.nearby(SHIFT);
            let (weights, derivatives) = function.derivatives()?;
            Ok(Nearby { here: function.here()?, function, weights, derivatives })
        };
        // What cannot be computed nearby excuses nothing.
        let Ok(nearby) = self.nearby.get_or_init(make) else { return Ok(false) };
        let Nearby { function, weights, derivatives, here } = nearby;
        let (found, _) = self.element((function, *here), &weights[number], element, derivatives[number][element])?;
        Ok(found.error <= self.options.tolerance)
    }

    fn error(&self, autodiff: f64, difference: f64, rounding: f64) -> f64 {
        let apart = (autodiff - difference).abs();
        let size = autodiff.abs().max(difference.abs()).max(rounding / self.options.tolerance);
        if !apart.is_finite() {
            return f64::INFINITY;
        }
        if size > 0.0 { apart / size } else { 0.0 }
    }
}

/// Whether the one-sided differences stay apart as the step shrinks.
fn has_kink(seen: &[Differences]) -> bool {
    let (Some(first), Some(last)) = (seen.first(), seen.get(SHARES.len() - 1)) else { return false };
    let is_finite = first.gap().is_finite() && last.gap().is_finite();
    is_finite && last.gap() > SHRINKS * first.gap() && last.gap() > 2.0 * last.rounding
}

fn unravelled(element: usize, shape: &[usize]) -> Vec<usize> {
    let mut rest = element;
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let place = rest % size.max(1);
            rest /= size.max(1);
            place
        })
        .collect();
    index.reverse();
    index
}
