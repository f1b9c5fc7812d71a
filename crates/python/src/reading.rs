//! The statistics of one tensor, for anybody.
use crate::array::{Array, Memory};
use barograph_stats::{Checksum, ElementsError, Options};
use barograph_vocab::{OperationInput, Reading};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// From so many elements on, other Python threads may run while a tensor is read; below, handing over costs more (our choice).
const WORTH_DETACHING: usize = 16_384;

/// Reads a tensor in one pass over its memory.
pub(crate) fn read(py: Python<'_>, memory: &Memory, options: Options) -> PyResult<Reading> {
    let work = || memory.with(|elements| barograph_stats::read(elements, options));
    let reading = if memory.len() >= WORTH_DETACHING { py.detach(work) } else { work() };
    reading.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The checksum of the bits of tensors, in one pass over each.
pub(crate) fn checksum(py: Python<'_>, memories: &[&Memory]) -> PyResult<u64> {
    let work = || {
        let mut checksum = Checksum::default();
        memories.iter().try_for_each(|memory| memory.with(|elements| checksum.push(elements)))?;
        Ok(checksum.finish())
    };
    let elements: usize = memories.iter().map(|memory| memory.len()).sum();
    let checksum: Result<u64, ElementsError> = if elements >= WORTH_DETACHING { py.detach(work) } else { work() };
    checksum.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The statistics of one tensor, gathered in one pass over its memory.
///
/// Moments, norms and extremes are over the finite elements, counts over all. Without a finite element they are 0.
#[pyclass(frozen, module = "barograph")]
#[derive(Clone)]
pub(crate) struct Statistics {
    pub(crate) input: OperationInput,
}

#[pymethods]
impl Statistics {
    /// Shape of the tensor.
    #[getter]
    fn shape(&self) -> Vec<u32> {
        self.input.shape.clone()
    }

    /// Elements, finite or not.
    #[getter]
    fn count(&self) -> u64 {
        self.input.reading.count
    }

    /// NaN elements.
    #[getter]
    fn nan(&self) -> u64 {
        self.input.reading.nan
    }

    /// Elements that are +Inf.
    #[getter]
    fn pos_inf(&self) -> u64 {
        self.input.reading.pos_inf
    }

    /// Elements that are -Inf.
    #[getter]
    fn neg_inf(&self) -> u64 {
        self.input.reading.neg_inf
    }

    /// NaN and infinite elements.
    #[getter]
    fn non_finite(&self) -> u64 {
        self.input.reading.non_finite()
    }

    /// Elements that are +0 or -0.
    #[getter]
    fn zeros(&self) -> u64 {
        self.input.reading.zeros
    }

    /// Finite elements below zero.
    #[getter]
    fn negatives(&self) -> u64 {
        self.input.reading.negatives
    }

    /// Smallest finite element.
    #[getter]
    fn min(&self) -> f64 {
        self.input.reading.min
    }

    /// Largest finite element.
    #[getter]
    fn max(&self) -> f64 {
        self.input.reading.max
    }

    /// Mean of the finite elements.
    #[getter]
    fn mean(&self) -> f64 {
        self.input.reading.mean
    }

    /// Population standard deviation of the finite elements.
    #[getter]
    fn std(&self) -> f64 {
        self.input.reading.std()
    }

    /// Root mean square of the finite elements.
    #[getter]
    fn rms(&self) -> f64 {
        self.input.reading.rms()
    }

    /// Sum of magnitudes.
    #[getter]
    fn l1(&self) -> f64 {
        self.input.reading.l1
    }

    /// Euclidean norm, accumulated in double precision.
    #[getter]
    fn l2(&self) -> f64 {
        self.input.reading.l2
    }

    /// Largest magnitude.
    #[getter]
    fn abs_max(&self) -> f64 {
        self.input.reading.abs_max
    }

    /// Counts by log2 of the magnitude: bin 0 zeros, bin 1 below 2**-40, bins 2 to 62 one octave each, bin 63 from 2**21 up.
    #[getter]
    fn histogram(&self) -> Vec<u32> {
        self.input.reading.histogram.to_vec()
    }

    fn __repr__(&self) -> String {
        let reading = &self.input.reading;
        format!(
            "Statistics(shape={:?}, min={:.6}, max={:.6}, mean={:.6}, std={:.6}, nan={}, inf={}, zeros={})",
            self.input.shape,
            reading.min,
            reading.max,
            reading.mean,
            reading.std(),
            reading.nan,
            reading.pos_inf + reading.neg_inf,
            reading.zeros
        )
    }
}

/// The statistics of a tensor of torch on the CPU, or of a numpy array, in one pass over its memory.
///
/// Raises TypeError for anything but a dense array of float16, bfloat16, float32 or float64.
#[pyfunction]
#[pyo3(signature = (tensor, name = String::new()))]
pub(crate) fn statistics(py: Python<'_>, tensor: &Bound<'_, PyAny>, name: String) -> PyResult<Statistics> {
    let array = Array::required(tensor)?;
    let reading = read(py, array.memory(), Options { bound: None, histogram: true })?;
    let shape = tensor.getattr("shape")?.extract()?;
    Ok(Statistics { input: OperationInput { name, shape, reading } })
}

/// A reading from its figures, in the order of [`Reading`]'s fields.
pub(crate) fn from_figures(figures: &[f64]) -> Option<Reading> {
    const MOMENTS: usize = 14;
    let (moments, bins) = figures.split_at_checked(MOMENTS)?;
    let bins: [f64; barograph_vocab::BINS] = bins.try_into().ok()?;
    Some(Reading {
        count: moments[0] as u64,
        nan: moments[1] as u64,
        pos_inf: moments[2] as u64,
        neg_inf: moments[3] as u64,
        zeros: moments[4] as u64,
        negatives: moments[5] as u64,
        saturated: moments[6] as u64,
        min: moments[7],
        max: moments[8],
        mean: moments[9],
        m2: moments[10],
        l1: moments[11],
        l2: moments[12],
        abs_max: moments[13],
        histogram: bins.map(|bin| bin as u32),
    })
}
