//! A tensor of torch, or anything that shows numpy's array interface, as elements, without a copy.
use crate::dlpack::Describer;
use barograph_stats::{Elements, ElementsError};
use half::{bf16, f16};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

/// The element types that are read. Integers and booleans only serve as classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    F32,
    F64,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
}

impl Kind {
    /// In the order in which [`set_torch`] is given them.
    const ALL: [Self; 10] =
        [Self::F32, Self::F64, Self::F16, Self::Bf16, Self::I64, Self::I32, Self::I16, Self::I8, Self::U8, Self::Bool];

    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    pub(crate) const fn is_float(self) -> bool {
        matches!(self, Self::F32 | Self::F64 | Self::F16 | Self::Bf16)
    }

    fn of_array_interface(code: &str) -> Option<Self> {
        Some(match code {
            "<f4" => Self::F32,
            "<f8" => Self::F64,
            "<f2" => Self::F16,
            "<i8" => Self::I64,
            "<i4" => Self::I32,
            "<i2" => Self::I16,
            "|i1" => Self::I8,
            "|u1" => Self::U8,
            "|b1" => Self::Bool,
            _ => return None,
        })
    }
}

static TORCH_DTYPES: PyOnceLock<Vec<Py<PyAny>>> = PyOnceLock::new();

static DESCRIBER: PyOnceLock<Option<Describer>> = PyOnceLock::new();

static GRAD_ENABLED: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Tells which objects are torch's dtypes, in this order: float32, float64, float16, bfloat16, int64, int32, int16, int8,
/// uint8, bool; which are its own types of tensors; and its function that says whether gradients are recorded.
#[pyfunction]
pub(crate) fn set_torch(py: Python<'_>, dtypes: Vec<Py<PyAny>>, types: Vec<Py<PyType>>, grad_enabled: Py<PyAny>) {
    let _ = TORCH_DTYPES.set(py, dtypes);
    let _ = DESCRIBER.set(py, Describer::of(types, py));
    let _ = GRAD_ENABLED.set(py, grad_enabled);
}

/// Whether torch records gradients in this thread; false before [`set_torch`].
pub(crate) fn is_grad_enabled(py: Python<'_>) -> PyResult<bool> {
    GRAD_ENABLED.get(py).map_or(Ok(false), |asked| asked.call0(py)?.is_truthy(py))
}

/// Where the elements of a tensor lie: borrowed from Python for the length of one call.
#[derive(Debug)]
pub(crate) struct Array<'py> {
    /// Keeps the memory alive.
    _owner: Bound<'py, PyAny>,
    memory: Memory,
}

/// An address with its layout. It says nothing of who owns the memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    address: usize,
    pub(crate) kind: Kind,
    len: usize,
    /// `None` for elements that lie one after the other.
    layout: Option<(Vec<usize>, Vec<isize>)>,
}

/// Where the elements of one of torch's own tensors on the CPU lie; `None` for everything else.
pub(crate) fn describe(object: &Bound<'_, PyAny>) -> Option<Memory> {
    DESCRIBER.get(object.py())?.as_ref()?.memory(object)
}

impl<'py> Array<'py> {
    /// A torch tensor on the CPU, or an object with `__array_interface__`. `None` for a tensor that lives on an accelerator, is
    /// sparse, or whose elements are of a kind that is not read.
    pub(crate) fn of(object: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let py = object.py();
        let describer = DESCRIBER.get(py).and_then(Option::as_ref);
        if let Some(describer) = describer.filter(|describer| describer.knows(object)) {
            return Ok(describer.memory(object).map(|memory| Self { _owner: object.clone(), memory }));
        }
        let memory = match torch_kind(object)? {
            Some(kind) => of_torch(object, kind)?,
            None => match object.getattr_opt(intern!(py, "__array_interface__"))? {
                Some(interface) => of_numpy(interface.cast::<PyDict>().map_err(PyErr::from)?)?,
                None => None,
            },
        };
        Ok(memory.map(|memory| Self { _owner: object.clone(), memory }))
    }

    /// The floating-point elements of `object`, for functions that must have some.
    pub(crate) fn required(object: &Bound<'py, PyAny>) -> PyResult<Self> {
        let advice = "move a tensor to the CPU first, and convert other arrays with numpy.asarray";
        let array = Self::of(object)?.filter(|array| array.memory.kind.is_float());
        array.ok_or_else(|| {
            let name = object.get_type().name().map_or_else(|_| "this".to_owned(), |name| name.to_string());
            PyTypeError::new_err(format!(
                "cannot read the elements of {name}: it must be a dense tensor of float16, bfloat16, float32 or float64; {advice}"
            ))
        })
    }

    pub(crate) const fn memory(&self) -> &Memory {
        &self.memory
    }
}

/// The tensor in one piece, and of float32 where it is of some float: a copy, where it is otherwise.
pub(crate) fn plain<'py>(tensor: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = tensor.py();
    let Some(array) = Array::of(tensor)? else { return Ok(tensor.clone()) };
    let is_other_float = array.memory.kind.is_float() && array.memory.kind != Kind::F32;
    if array.memory.is_contiguous() && !is_other_float {
        return Ok(tensor.clone());
    }
    let mut tensor = tensor.call_method0(intern!(py, "detach"))?;
    if is_other_float {
        tensor = tensor.call_method0(intern!(py, "float"))?;
    }
    tensor.call_method0(intern!(py, "contiguous"))
}

/// Which kind of torch's the elements are, if the object is a torch tensor on the CPU.
fn torch_kind(object: &Bound<'_, PyAny>) -> PyResult<Option<Kind>> {
    let py = object.py();
    let Some(known) = TORCH_DTYPES.get(py) else { return Ok(None) };
    let Some(dtype) = object.getattr_opt(intern!(py, "dtype"))? else { return Ok(None) };
    let kind = known.iter().position(|known| known.is(&dtype)).map(|at| Kind::ALL[at]);
    match kind {
        Some(kind) if object.getattr(intern!(py, "is_cpu"))?.is_truthy()? => Ok(Some(kind)),
        _ => Ok(None),
    }
}

fn of_torch(tensor: &Bound<'_, PyAny>, kind: Kind) -> PyResult<Option<Memory>> {
    let py = tensor.py();
    let len: usize = tensor.call_method0(intern!(py, "numel"))?.extract()?;
    let address: usize = match tensor.call_method0(intern!(py, "data_ptr")) {
        Ok(address) => address.extract()?,
        // Sparse tensors and those of function transforms have no memory of their own.
        Err(_) => return Ok(None),
    };
    if address == 0 && len > 0 {
        return Ok(None);
    }
    let layout = match tensor.call_method0(intern!(py, "is_contiguous"))?.is_truthy()? {
        true => None,
        false => Some((
            tensor.getattr(intern!(py, "shape"))?.extract()?,
            tensor.call_method0(intern!(py, "stride"))?.extract()?,
        )),
    };
    Ok(Some(Memory { address, kind, len, layout }))
}

fn of_numpy(interface: &Bound<'_, PyDict>) -> PyResult<Option<Memory>> {
    let py = interface.py();
    let get = |name| interface.get_item(name)?.ok_or_else(|| PyValueError::new_err("an incomplete array interface"));
    let code: String = get(intern!(py, "typestr"))?.extract()?;
    let Some(kind) = Kind::of_array_interface(&code) else { return Ok(None) };
    let shape: Vec<usize> = get(intern!(py, "shape"))?.extract()?;
    let (address, _): (usize, bool) = get(intern!(py, "data"))?.extract()?;
    let len = shape.iter().product();
    let strides: Option<Vec<isize>> = match interface.get_item(intern!(py, "strides"))? {
        Some(strides) => strides.extract()?,
        None => None,
    };
    let size = kind.bytes().cast_signed();
    let layout = match strides {
        None => None,
        // A field of a record: its elements lie at no whole multiple of their size.
        Some(strides) if strides.iter().any(|stride| stride % size != 0) => return Ok(None),
        Some(strides) => Some((shape, strides.into_iter().map(|stride| stride / size).collect())),
    };
    Ok((address % kind.bytes() == 0).then_some(Memory { address, kind, len, layout }))
}

impl Memory {
    /// `layout` is `None` for elements that lie one after the other.
    pub(crate) const fn new(address: usize, kind: Kind, len: usize, layout: Option<(Vec<usize>, Vec<isize>)>) -> Self {
        Self { address, kind, len, layout }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_contiguous(&self) -> bool {
        self.layout.is_none()
    }

    /// Runs `work` over the elements, which must be of a floating-point kind.
    ///
    /// The memory must be alive: call it only while the [`Array`] that it came from is.
    pub(crate) fn with<R>(&self, work: impl FnOnce(Elements<'_>) -> R) -> Result<R, ElementsError> {
        match self.kind {
            Kind::F64 => self.view::<f64>().map(work),
            Kind::F16 => self.view::<f16>().map(work),
            Kind::Bf16 => self.view::<bf16>().map(work),
            _ => self.view::<f32>().map(work),
        }
    }

    fn view<T: barograph_stats::Element>(&self) -> Result<Elements<'_>, ElementsError> {
        let Some((shape, strides)) = &self.layout else {
            return Ok(Elements::contiguous(self.slice::<T>(0, self.len)));
        };
        if self.len == 0 {
            return Ok(Elements::contiguous(self.slice::<T>(0, 0)));
        }
        let reach = |sign: isize| -> isize {
            let steps = shape.iter().zip(strides).filter(|(_, stride)| **stride * sign > 0);
            steps.map(|(size, stride)| (size.cast_signed() - 1) * stride).sum()
        };
        let (below, above) = (reach(-1), reach(1));
        let buffer = self.slice::<T>(below, (above - below + 1).cast_unsigned());
        Elements::strided(buffer, shape, strides, below.unsigned_abs())
    }

    /// The elements of a contiguous `float32` tensor.
    pub(crate) fn f32(&self) -> Option<&[f32]> {
        (self.kind == Kind::F32 && self.is_contiguous()).then(|| self.slice(0, self.len))
    }

    /// The elements of a contiguous tensor of whole numbers.
    pub(crate) fn classes(&self) -> Option<Vec<i64>> {
        if !self.is_contiguous() {
            return None;
        }
        Some(match self.kind {
            Kind::I64 => self.slice::<i64>(0, self.len).to_vec(),
            Kind::I32 => self.slice::<i32>(0, self.len).iter().map(|&class| i64::from(class)).collect(),
            Kind::I16 => self.slice::<i16>(0, self.len).iter().map(|&class| i64::from(class)).collect(),
            Kind::I8 => self.slice::<i8>(0, self.len).iter().map(|&class| i64::from(class)).collect(),
            // A boolean of torch or numpy is a byte, 0 or 1.
            Kind::U8 | Kind::Bool => self.slice::<u8>(0, self.len).iter().map(|&class| i64::from(class)).collect(),
            _ => return None,
        })
    }

    fn slice<T>(&self, from: isize, len: usize) -> &[T] {
        if len == 0 {
            return &[];
        }
        let start = self.address.wrapping_add_signed(from * size_of::<T>().cast_signed()) as *const T;
        // SAFETY: the owner of the memory says that elements of this kind lie at these addresses, from the lowest to the highest
        // that its shape and strides reach, and it is kept alive by the `Array` that lent this `Memory`. It may be written to by
        // another thread of the training meanwhile, as under any other reader of a tensor; then a statistic is off, no more.
        unsafe { std::slice::from_raw_parts(start, len) }
    }
}

/// Whether every element of a tensor is finite. `True` for what cannot be read: a tensor of integers, or on an accelerator.
#[pyfunction]
pub(crate) fn is_finite(py: Python<'_>, tensor: &Bound<'_, PyAny>) -> PyResult<bool> {
    let Some(array) = Array::of(tensor)?.filter(|array| array.memory.kind.is_float()) else { return Ok(true) };
    let reading = crate::reading::read(py, array.memory(), barograph_stats::Options::default())?;
    Ok(reading.non_finite() == 0)
}

/// The rows of a tensor `[rows, ...]` that hold a non-finite element: the first 16, and how many there are.
#[pyfunction]
pub(crate) fn bad_rows(tensor: &Bound<'_, PyAny>, rows: usize) -> PyResult<(Vec<u64>, u64)> {
    const LISTED: usize = 16;
    let Some(array) = Array::of(tensor)?.filter(|array| array.memory.kind.is_float()) else { return Ok((vec![], 0)) };
    let width = array.memory().len().checked_div(rows).unwrap_or(0);
    let find = |elements: Elements<'_>| -> Vec<u64> {
        let bad = |row: usize| (0..width).any(|column| !elements.get(row * width + column).is_finite());
        (0..rows).filter(|&row| bad(row)).map(|row| row as u64).collect()
    };
    let mut bad = array.memory().with(find).map_err(|error| PyValueError::new_err(error.to_string()))?;
    let count = bad.len() as u64;
    bad.truncate(LISTED);
    Ok((bad, count))
}
