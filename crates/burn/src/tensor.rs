//! Tensors as slices and back, without a copy where the backend allows it.
use barograph_stats::Elements;
use burn::prelude::*;
use burn::tensor::{DType, TensorData};
use burn_autodiff::Autodiff;
use burn_flex::{Flex, FlexTensor};
use std::cell::Cell;

thread_local! {
    /// What [`from_slice`] makes on this thread.
    static FLOAT: Cell<DType> = const { Cell::new(DType::F32) };
}

/// The CPU device, with or without autodiff.
#[must_use]
pub fn cpu(autodiff: bool) -> Device {
    if autodiff { Device::flex().autodiff() } else { Device::flex() }
}

/// A tensor of this shape that takes the values over without a copy. Within [`in_double_precision`] its elements are f64, else f32.
///
/// # Panics
/// When the number of values is not the product of the shape.
#[must_use]
pub fn from_slice<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (device, FLOAT.get()))
}

/// A tensor of f64 elements, whatever the surroundings.
///
/// # Panics
/// When the number of values is not the product of the shape.
#[must_use]
pub fn from_doubles<const D: usize>(values: Vec<f64>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), (device, DType::F64))
}

/// Runs `work` with [`from_slice`] making tensors of f64 on this thread, so that a model whose weights are f64 computes in f64
/// throughout: burn's operations refuse to mix the two.
pub fn in_double_precision<R>(work: impl FnOnce() -> R) -> R {
    /// Brings back what was before, also when `work` panics.
    struct Before(DType);
    impl Drop for Before {
        fn drop(&mut self) {
            FLOAT.set(self.0);
        }
    }
    let _before = Before(FLOAT.replace(DType::F64));
    work()
}

/// The values in row-major order, copied.
#[must_use]
pub fn to_vec<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    let data = tensor.clone().into_data().convert::<f32>();
    data.try_into_vec().unwrap_or_default()
}

/// The values in row-major order as f64, copied.
#[must_use]
pub fn to_doubles<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    let data = tensor.clone().into_data().convert::<f64>();
    data.try_into_vec().unwrap_or_default()
}

/// Whether the elements are f64.
#[must_use]
pub fn is_double<const D: usize>(tensor: &Tensor<D>) -> bool {
    tensor.dtype() == DType::F64
}

/// A slice as the kernels see it.
#[must_use]
pub fn elements(values: &[f32]) -> Elements<'_> {
    Elements::contiguous(values)
}

/// The tensor as the CPU backend holds it: a reference to the same memory. `None` on another backend.
pub(crate) fn flex<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    if tensor.is_autodiff() {
        Some(tensor.clone().try_into_primitive::<Autodiff<Flex>>().ok()?.into_parts().0)
    } else {
        tensor.clone().try_into_primitive::<Flex>().ok()
    }
}

/// The tensor on the CPU: the same memory where it lives there, else a copy that is waited for.
pub(crate) fn on_cpu<const D: usize>(tensor: &Tensor<D>) -> FlexTensor {
    flex(tensor).unwrap_or_else(|| FlexTensor::from_data(tensor.to_data()))
}

/// Shows the elements of a tensor to `see`, in place if it lives on the CPU, else through a copy.
///
/// `None` when the tensor holds no floating point numbers.
pub fn with_elements<const D: usize, R>(tensor: &Tensor<D>, see: impl FnOnce(Elements<'_>) -> R) -> Option<R> {
    match flex(tensor) {
        Some(tensor) => with_flex(&tensor, see),
        None => Some(see(Elements::contiguous(&to_vec(tensor)))),
    }
}

/// Shows the elements of a CPU tensor to `see`, contiguous or strided.
pub(crate) fn with_flex<R>(tensor: &FlexTensor, see: impl FnOnce(Elements<'_>) -> R) -> Option<R> {
    macro_rules! show {
        ($float:ty) => {{
            if let Some(slice) = tensor.as_slice::<$float>() {
                return Some(see(Elements::contiguous(slice)));
            }
            let layout = tensor.layout();
            let shape: Vec<usize> = layout.shape().iter().copied().collect();
            let storage = tensor.storage::<$float>();
            let view = Elements::strided(storage, &shape, layout.strides(), layout.start_offset()).ok()?;
            Some(see(view))
        }};
    }
    match tensor.dtype() {
        DType::F32 => show!(f32),
        DType::F64 => show!(f64),
        DType::F16 => show!(burn::tensor::f16),
        DType::BF16 => show!(burn::tensor::bf16),
        _ => None,
    }
}

/// Whether every element is finite; a tensor without floating point numbers is.
#[must_use]
pub fn is_finite<const D: usize>(tensor: &Tensor<D>) -> bool {
    with_elements(tensor, |elements| {
        barograph_stats::read(elements, barograph_stats::Options::default()).non_finite() == 0
    })
    .unwrap_or(true)
}
