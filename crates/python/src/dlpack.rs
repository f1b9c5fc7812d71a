//! torch's table of C functions that describe a tensor in one call, without a copy and without a reference: the exchange table of
//! `DLPack` 1.2, which torch has since 2.10. Asking a tensor for its five properties through Python takes longer than to read a
//! small one.
use crate::array::{Kind, Memory};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyCapsuleMethods, PyType};
use std::ffi::{c_int, c_void};
use std::ptr;

const CPU: i32 = 1;
const MAJOR: u32 = 1;

#[repr(C)]
struct Described {
    data: *mut c_void,
    device: i32,
    device_id: i32,
    dimensions: i32,
    code: u8,
    bits: u8,
    lanes: u16,
    shape: *const i64,
    strides: *const i64,
    byte_offset: u64,
}

/// The layout of the table as `DLPack` fixes it; the functions that are not called here are addresses only.
#[repr(C)]
struct Table {
    major: u32,
    minor: u32,
    older: *const c_void,
    allocate: *const c_void,
    from_object: *const c_void,
    to_object: *const c_void,
    describe: Option<unsafe extern "C" fn(*mut c_void, *mut Described) -> c_int>,
}

/// What describes tensors of some exact types.
pub(crate) struct Describer {
    describe: unsafe extern "C" fn(*mut c_void, *mut Described) -> c_int,
    types: Vec<Py<PyType>>,
}

impl Describer {
    /// The describer of torch's own types, if this torch has a table that is understood. Types that are derived from them may
    /// mean something else by their memory, and are not described here.
    pub(crate) fn of(types: Vec<Py<PyType>>, py: Python<'_>) -> Option<Self> {
        let table = types.first()?.bind(py).getattr_opt("__dlpack_c_exchange_api__").ok()??;
        let capsule = table.cast::<PyCapsule>().ok()?;
        let table = capsule.pointer_checked(Some(c"dlpack_exchange_api")).ok()?.cast::<Table>();
        // SAFETY: a capsule of this name holds the table of `DLPack`, which lives as long as the process; the major version says
        // whether it is laid out as here.
        let table = unsafe { table.as_ref() };
        let describe = table.describe.filter(|_| table.major == MAJOR)?;
        Some(Self { describe, types })
    }

    /// Whether an object is a tensor of a type that is described here.
    pub(crate) fn knows(&self, object: &Bound<'_, PyAny>) -> bool {
        let kind = object.get_type_ptr();
        self.types.iter().any(|known| ptr::eq(known.as_ptr(), kind.cast()))
    }

    /// Where the elements of a tensor lie; `None` for other objects, and for tensors whose elements cannot be read here, as on an
    /// accelerator.
    pub(crate) fn memory(&self, object: &Bound<'_, PyAny>) -> Option<Memory> {
        if !self.knows(object) {
            return None;
        }
        let mut described = Described {
            data: ptr::null_mut(),
            device: 0,
            device_id: 0,
            dimensions: 0,
            code: 0,
            bits: 0,
            lanes: 0,
            shape: ptr::null(),
            strides: ptr::null(),
            byte_offset: 0,
        };
        // SAFETY: the object is a tensor of the library whose function this is, Python is held, and the result is laid out as
        // the version of the table says.
        if unsafe { (self.describe)(object.as_ptr().cast(), &raw mut described) } != 0 {
            // SAFETY: Python is held. A tensor without memory of its own, as a sparse one, is no error here.
            unsafe { ffi::PyErr_Clear() };
            return None;
        }
        described.memory()
    }
}

impl Described {
    fn memory(&self) -> Option<Memory> {
        let kind = self.kind()?;
        let (shape, strides) = (self.numbers(self.shape)?, self.numbers(self.strides)?);
        let len = shape.iter().map(|&size| size as usize).product();
        let address = (self.data as usize).checked_add(usize::try_from(self.byte_offset).ok()?)?;
        if self.device != CPU || (address == 0 && len > 0) || !address.is_multiple_of(kind.bytes()) {
            return None;
        }
        let layout = (!contiguous(shape, strides)).then(|| {
            (shape.iter().map(|&size| size as usize).collect(), strides.iter().map(|&stride| stride as isize).collect())
        });
        Some(Memory::new(address, kind, len, layout))
    }

    fn kind(&self) -> Option<Kind> {
        (self.lanes == 1).then_some(())?;
        Some(match (self.code, self.bits) {
            (2, 16) => Kind::F16,
            (2, 32) => Kind::F32,
            (2, 64) => Kind::F64,
            (4, 16) => Kind::Bf16,
            (0, 8) => Kind::I8,
            (0, 16) => Kind::I16,
            (0, 32) => Kind::I32,
            (0, 64) => Kind::I64,
            (1, 8) => Kind::U8,
            (6, 8) => Kind::Bool,
            _ => return None,
        })
    }

    /// The sizes or strides, one a dimension.
    fn numbers(&self, first: *const i64) -> Option<&[i64]> {
        match usize::try_from(self.dimensions).ok()? {
            0 => Some(&[]),
            _ if first.is_null() => None,
            // SAFETY: both point to as many numbers as there are dimensions, and belong to the tensor, which is borrowed.
            count => Some(unsafe { std::slice::from_raw_parts(first, count) }),
        }
    }
}

/// Whether elements lie one after the other, the last dimension first; dimensions of one element may have any stride.
fn contiguous(shape: &[i64], strides: &[i64]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(&size, &stride)| {
        let fits = size == 1 || stride == expected;
        expected *= size.max(1);
        fits
    }) || shape.contains(&0)
}
