//! What an optimizer keeps of each weight, as named tensors and numbers that any file can hold.
use crate::Parameters;
use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn_pack::{Bytes, DType, Reader, Scalar, Tensor, Writer};
use std::collections::BTreeMap;

/// What an optimizer keeps. Names begin with the path of the weight: `dense1.weight.values.0`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimizerState {
    /// Moments and the like, by name.
    pub tensors: BTreeMap<String, KeptTensor>,
    /// Counters, by name.
    pub numbers: BTreeMap<String, u64>,
}

/// A tensor that an optimizer keeps.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptTensor {
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its elements in row-major order.
    pub values: Vec<f32>,
}

/// What an optimizer keeps of the weights of a module.
///
/// # Errors
/// When it keeps something else than single precision tensors and whole numbers, or keeps it of a weight that is not listed.
pub fn optimizer_state(optimizer: &ModuleOptimizer, weights: &Parameters) -> Result<OptimizerState, String> {
    let bytes = optimizer.to_record().into_bytes().map_err(|error| error.to_string())?;
    let reader = Reader::from_bytes(bytes).map_err(|error| error.to_string())?;
    let paths: BTreeMap<String, &str> =
        weights.list().iter().map(|weight| (weight.id.val().to_string(), weight.path.as_str())).collect();
    let name = |name: &str| {
        let (id, rest) = name.split_once('.').unwrap_or((name, ""));
        let path =
            paths.get(id).ok_or_else(|| format!("the optimizer keeps {rest} of a weight that the model lacks"))?;
        Ok::<String, String>(format!("{path}.{rest}"))
    };
    let mut state = OptimizerState::default();
    for (key, value) in reader.scalars() {
        let value = u64::try_from(*value).map_err(|_| format!("the optimizer's {key} is no whole number"))?;
        state.numbers.insert(name(key)?, value);
    }
    for tensor in reader.into_tensors().map_err(|error| error.to_string())? {
        let (key, kind, shape, _, bytes) = tensor.into_parts().map_err(|error| error.to_string())?;
        if kind != DType::F32 {
            return Err(format!("the optimizer's {key} is {kind:?}, and not F32"));
        }
        let values =
            bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect();
        state.tensors.insert(name(&key)?, KeptTensor { shape: shape.to_vec(), values });
    }
    Ok(state)
}

/// The optimizer with what [`optimizer_state`] found in one of its kind.
///
/// # Errors
/// When the state is about a weight that is not listed.
pub fn with_optimizer_state(
    optimizer: ModuleOptimizer,
    weights: &Parameters,
    state: &OptimizerState,
) -> Result<ModuleOptimizer, String> {
    // `dense1.weight` is also the begin of `dense1.weight2`, so that the longest path that fits is meant.
    let find = |name: &str| {
        let fits = |path: &str| name.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
        let weight = weights.list().iter().filter(|weight| fits(&weight.path)).max_by_key(|weight| weight.path.len());
        let weight = weight.ok_or_else(|| format!("it holds \"{name}\", of a weight that the network lacks"))?;
        Ok::<_, String>((weight.id.val(), format!("{}{}", weight.id.val(), &name[weight.path.len()..])))
    };
    let mut tensors = Vec::new();
    for (name, KeptTensor { shape, values }) in &state.tensors {
        let (id, name) = find(name)?;
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensors.push(Tensor::new(name, DType::F32, shape.clone(), Some(id), Bytes::from_bytes_vec(bytes)));
    }
    let mut writer = Writer::new(tensors);
    for (name, &number) in &state.numbers {
        writer = writer.with_scalar(&find(name)?.1, Scalar::UInt(number));
    }
    let bytes = writer.into_bytes().map_err(|error| error.to_string())?;
    let record = OptimizerRecord::from_bytes(bytes).map_err(|error| error.to_string())?;
    Ok(optimizer.load_record(record))
}
