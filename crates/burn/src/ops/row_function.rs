//! Functions with a derivative that is written by hand.
use super::unary;
use burn::prelude::*;
use burn::tensor::TensorData;
use std::panic::Location;

/// What a function makes of `[rows, columns]` values.
#[derive(Clone, Debug, PartialEq)]
pub struct RowValues {
    /// One number a row: `[rows]`.
    pub values: Vec<f64>,
    /// The derivative of each row's number with respect to that row: `[rows, columns]`.
    pub derivatives: Vec<f64>,
}

/// One number for each row of `x` `[rows, columns]`, by a function that computes its own derivative outside of the graph, in double precision:
/// `[rows, 1]`. For algorithms, such as dynamic programming over a sequence, whose graph would be large or whose automatic derivative is unstable.
///
/// The derivative is right to first order; a second derivative through it is 0.
///
/// # Panics
/// When `run` gives back another number of values or derivatives than there are rows and elements.
#[must_use]
#[track_caller]
pub fn row_function(name: &'static str, x: Tensor<2>, run: impl FnOnce(&[f64], [usize; 2]) -> RowValues) -> Tensor<2> {
    unary(name, Location::caller(), x, |x| {
        let (shape, kind) = (x.dims(), (&x.device(), x.dtype()));
        let inputs: Vec<f64> = x.clone().into_data().convert::<f64>().try_into_vec().unwrap_or_default();
        let RowValues { values, derivatives } = run(&inputs, shape);
        let values = Tensor::from_data(TensorData::new(values, [shape[0], 1]), kind);
        if !x.is_autodiff() {
            return values;
        }
        // A zero that has the derivative: x less itself, outside of the graph, times the derivative.
        let zero = (x.clone() - x.clone().detach()) * Tensor::from_data(TensorData::new(derivatives, shape), kind);
        values + zero.sum_dim(1)
    })
}
