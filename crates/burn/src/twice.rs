//! First and second derivatives of a function of one variable, element by element.
use burn::backend::ops::FloatTensorOps;
use burn::backend::{AutodiffBackend, BackendTypes};
use burn::tensor::TensorData;
use burn_autodiff::Autodiff;
use burn_flex::{Flex, FlexDevice, FlexTensor};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// burn's tensors are differentiated once; nested, its backends are twice.
type Once = Autodiff<Flex>;
type Both = Autodiff<Once>;
type Primitive = <Both as BackendTypes>::FloatTensorPrimitive;

/// A value at each point with its derivatives, see [`derivatives`].
#[derive(Clone, Debug, PartialEq)]
pub struct Derivatives {
    /// `f(x)`.
    pub value: Vec<f32>,
    /// `f'(x)`.
    pub first: Vec<f32>,
    /// `f''(x)`.
    pub second: Vec<f32>,
}

/// A variable that can be differentiated twice. It has the arithmetic of numbers, by element.
#[derive(Clone)]
pub struct Variable(Primitive);

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Variable")
    }
}

/// The value, the slope and the curvature of `function` at each of the points, by differentiating the derivative: exact to rounding, with
/// no step size to choose. Each result must depend on its own point alone, which the operations of [`Variable`] see to.
///
/// It runs on the CPU in single precision, outside of any training.
///
/// ```
/// use barograph_burn::derivatives;
/// let cube = derivatives(&[2.0], |x| x.clone() * x.clone() * x);
/// assert_eq!((cube.value[0], cube.first[0], cube.second[0]), (8.0, 12.0, 12.0));
/// ```
#[must_use]
pub fn derivatives(points: &[f32], function: impl FnOnce(Variable) -> Variable) -> Derivatives {
    let data = TensorData::new(points.to_vec(), [points.len()]);
    let inner = Once::float_set_require_grad(Once::float_from_data(data, &FlexDevice), true);
    let outer = Both::float_set_require_grad(<Both as AutodiffBackend>::from_inner(inner.clone()), true);
    let Variable(result) = function(Variable(outer.clone()));
    let value = numbers(&<Once as AutodiffBackend>::inner(<Both as AutodiffBackend>::inner(result.clone())));
    let zeros = || vec![0.0; points.len()];
    // A function that does not depend on its variable has no gradient, which is 0.
    let slopes = <Both as AutodiffBackend>::backward(Both::float_sum(result));
    let Some(first) = <Both as AutodiffBackend>::grad(&outer, &slopes) else {
        return Derivatives { value, first: zeros(), second: zeros() };
    };
    let slope = numbers(&<Once as AutodiffBackend>::inner(first.clone()));
    let curvatures = <Once as AutodiffBackend>::backward(Once::float_sum(first));
    let second = <Once as AutodiffBackend>::grad(&inner, &curvatures);
    Derivatives { value, first: slope, second: second.map_or_else(zeros, |second| numbers(&second)) }
}

fn numbers(tensor: &FlexTensor) -> Vec<f32> {
    let tensor = tensor.to_contiguous();
    tensor.as_slice::<f32>().unwrap_or_default().to_vec()
}

impl Variable {
    /// `e^x`.
    #[must_use]
    pub fn exp(self) -> Self {
        Self(Both::float_exp(self.0))
    }

    /// The natural logarithm.
    #[must_use]
    pub fn ln(self) -> Self {
        Self(Both::float_log(self.0))
    }

    /// The sine.
    #[must_use]
    pub fn sin(self) -> Self {
        Self(Both::float_sin(self.0))
    }

    /// The cosine.
    #[must_use]
    pub fn cos(self) -> Self {
        Self(Both::float_cos(self.0))
    }

    /// The hyperbolic tangent.
    #[must_use]
    pub fn tanh(self) -> Self {
        Self(Both::float_tanh(self.0))
    }

    /// The square root.
    #[must_use]
    pub fn sqrt(self) -> Self {
        Self(Both::float_sqrt(self.0))
    }
}

impl Neg for Variable {
    type Output = Self;

    fn neg(self) -> Self {
        Self(Both::float_neg(self.0))
    }
}

macro_rules! arithmetic {
    ($($Trait:ident $method:ident $tensor:ident $scalar:ident),+) => {$(
        impl $Trait for Variable {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                Self(Both::$tensor(self.0, other.0))
            }
        }

        impl $Trait<f32> for Variable {
            type Output = Self;

            fn $method(self, number: f32) -> Self {
                Self(Both::$scalar(self.0, number.into()))
            }
        }
    )+};
}

arithmetic! {
    Add add float_add float_add_scalar,
    Sub sub float_sub float_sub_scalar,
    Mul mul float_mul float_mul_scalar,
    Div div float_div float_div_scalar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_derivatives_are_those_of_the_closed_form() {
        let points = [-2.0_f32, -0.3, 0.0, 0.7, 3.0];
        let found = derivatives(&points, |x| (x.clone() * 2.0).sin() * x.exp());
        for (place, x) in points.iter().map(|&x| f64::from(x)).enumerate() {
            let (sine, cosine, growth) = ((2.0 * x).sin(), (2.0 * x).cos(), x.exp());
            let expected = [sine * growth, (sine + 2.0 * cosine) * growth, (4.0 * cosine - 3.0 * sine) * growth];
            let found = [found.value[place], found.first[place], found.second[place]].map(f64::from);
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{x}: {found} {expected}");
            }
        }
    }

    #[test]
    fn a_constant_and_a_line_have_no_curvature() {
        let line = derivatives(&[1.0, 2.0], |x| x * 3.0 + 1.0);
        assert_eq!((line.first, line.second), (vec![3.0, 3.0], vec![0.0, 0.0]));
        let none = derivatives(&[], |x| x);
        assert_eq!(none.value, Vec::<f32>::new());
    }
}
