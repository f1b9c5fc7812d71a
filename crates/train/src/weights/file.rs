//! Reading a safetensors file.
use crate::data::nearby_files;
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::Path;

/// The entry in the header of files that Barograph wrote.
const OWN: &str = "barograph";

/// A tensor of a file, in single precision.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

/// The tensors of a file that hold floating point numbers.
pub(super) struct WeightFile {
    /// Whether Barograph wrote it.
    pub(super) is_own: bool,
    pub(super) tensors: BTreeMap<String, Stored>,
}

impl WeightFile {
    /// Reads a file, or says why it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let name = path.display();
        let bytes = std::fs::read(path).map_err(|error| {
            let hint = if error.kind() == std::io::ErrorKind::NotFound {
                nearby_files(path, &["safetensors"])
            } else {
                String::new()
            };
            format!("{name}: cannot read the weights: {error}{hint}")
        })?;
        let broken = |error: &dyn std::fmt::Display| {
            let advice = match path.extension().and_then(|ending| ending.to_str()) {
                Some("pt" | "pth" | "bin" | "ckpt") => {
                    "; a pickled file of PyTorch is not read, for it may run code: save it with safetensors.torch.save_file(model.state_dict(), \"model.safetensors\")"
                }
                _ => "",
            };
            format!("{name}: not a whole safetensors file: {error}{advice}")
        };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| broken(&error))?;
        let is_own = header.metadata().as_ref().is_some_and(|metadata| metadata.contains_key(OWN));
        let file = SafeTensors::deserialize(&bytes).map_err(|error| broken(&error))?;
        let tensors = file.iter().filter_map(|(name, view)| Some((name.to_owned(), stored(&view)?)));
        let tensors: BTreeMap<_, _> = tensors.collect();
        if tensors.is_empty() {
            return Err(format!("{name}: it holds no tensor of floating point numbers"));
        }
        Ok(Self { is_own, tensors })
    }
}

/// A tensor in single precision; `None` for whole numbers, such as the count of batches that a batch norm of PyTorch keeps.
fn stored(view: &TensorView<'_>) -> Option<Stored> {
    let bytes = view.data();
    let values = match view.dtype() {
        Dtype::F32 => chunks(bytes).map(f32::from_le_bytes).collect(),
        Dtype::F64 => chunks(bytes).map(|bytes| f64::from_le_bytes(bytes) as f32).collect(),
        Dtype::F16 => chunks(bytes).map(|bytes| f16::from_le_bytes(bytes).to_f32()).collect(),
        Dtype::BF16 => chunks(bytes).map(|bytes| bf16::from_le_bytes(bytes).to_f32()).collect(),
        _ => return None,
    };
    Some(Stored { shape: view.shape().to_vec(), values })
}

fn chunks<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks().0.iter().copied()
}
