//! Reading safetensors: named arrays behind a header, which are read where they lie.
use super::DataError;
use super::arrays::{self, ArrayFile};
use super::error::open;
use super::npy::Array;
use super::number::NumberKind;
use super::raw::Raw;
use super::stored::{Source, Stored};
use crate::recipe::Recipe;
use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Longest header that is read, in bytes; the format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

/// Reads the tensors that a recipe names: `x` and `y` if it names none.
pub(crate) fn read(path: &Path, recipe: &Recipe) -> Result<Raw, DataError> {
    arrays::read(path, recipe, &mut Tensors::open(path)?)
}

/// A file, behind its header.
struct Tensors {
    name: String,
    metadata: Metadata,
    /// Where the first tensor begins, and how many bytes of tensors there are.
    data: (u64, u64),
    source: Arc<Source>,
}

impl Tensors {
    fn open(path: &Path) -> Result<Self, DataError> {
        let name = path.display().to_string();
        let mut file = open(path)?;
        let unreadable = |source| DataError::Unreadable { path: path.to_owned(), source };
        let whole = file.metadata().map_err(unreadable)?.len();
        let broken = |text: String| {
            DataError::broken(&*name, format!("this is no safetensors file, or it is damaged ({text}); save it again"))
        };
        let (metadata, begin) = header(&mut file, whole).map_err(broken)?;
        let end = metadata.tensors().into_values().map(|tensor| tensor.data_offsets.1 as u64).max().unwrap_or(0);
        if end > whole - begin {
            return Err(broken(format!("it is cut short: {} of {end} bytes of tensors are there", whole - begin)));
        }
        Ok(Self { name, metadata, data: (begin, whole - begin), source: Source::new(path, file) })
    }

    fn broken(&self, tensor: &str, text: &str) -> DataError {
        DataError::broken(&*self.name, format!("tensor {tensor:?} {text}"))
    }
}

/// The header, and where what follows it begins.
fn header(file: &mut File, whole: u64) -> Result<(Metadata, u64), String> {
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|_| "it has no header".to_owned())?;
    let length = u64::from_le_bytes(length);
    let begin = length.checked_add(8).filter(|begin| *begin <= whole && length <= LONGEST_HEADER);
    let begin = begin.ok_or_else(|| format!("it claims a header of {length} bytes"))?;
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text).map_err(|error| error.to_string())?;
    let metadata = serde_json::from_slice(&text).map_err(|error| format!("its header: {error}"))?;
    Ok((metadata, begin))
}

/// What numbers of this type are made of, if we read them.
const fn kind(dtype: Dtype) -> Option<NumberKind> {
    Some(match dtype {
        Dtype::BOOL => NumberKind::Flag,
        Dtype::U8 => NumberKind::Unsigned(1),
        Dtype::U16 => NumberKind::Unsigned(2),
        Dtype::U32 => NumberKind::Unsigned(4),
        Dtype::U64 => NumberKind::Unsigned(8),
        Dtype::I8 => NumberKind::Signed(1),
        Dtype::I16 => NumberKind::Signed(2),
        Dtype::I32 => NumberKind::Signed(4),
        Dtype::I64 => NumberKind::Signed(8),
        Dtype::F16 => NumberKind::Float(2),
        Dtype::F32 => NumberKind::Float(4),
        Dtype::F64 => NumberKind::Float(8),
        Dtype::BF16 => NumberKind::Bfloat16,
        _ => return None,
    })
}

impl ArrayFile for Tensors {
    fn names(&self) -> Vec<String> {
        self.metadata.tensors().into_keys().collect()
    }

    fn array(&mut self, name: &str) -> Result<Array, DataError> {
        let stored = self.stored(name)?;
        let mut values = Vec::with_capacity(stored.shape.iter().product());
        stored.each(|_, _, value| values.push(value))?;
        Ok(Array { integer: stored.kind.is_integer(), shape: stored.shape, values })
    }

    fn stored(&mut self, name: &str) -> Result<Stored, DataError> {
        let Some(TensorInfo { dtype, shape, data_offsets: (from, to) }) = self.metadata.info(name) else {
            return Err(self.broken(name, "is not there"));
        };
        let kind = kind(*dtype).ok_or_else(|| {
            let text = format!(
                "is of type {dtype:?}; supported are BOOL, I8 to I64, U8 to U64, F16, BF16, F32 and F64, so save it as one of these"
            );
            self.broken(name, &text)
        })?;
        let bytes = shape.iter().try_fold(kind.width(), |bytes, &axis| bytes.checked_mul(axis));
        if bytes.is_none() || bytes != to.checked_sub(*from) || *to as u64 > self.data.1 {
            return Err(self.broken(name, "does not fit its place in the file, which is damaged; save it again"));
        }
        Ok(Stored::new(self.source.clone(), self.data.0 + *from as u64, shape.clone(), kind, false))
    }
}
