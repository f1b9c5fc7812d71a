//! First weights that code asks for, by their site.
use crate::error::TrainError;
use crate::layers::{Fans, Initialize};
use crate::model::Model;
use crate::random::{Purpose, Random};
use crate::weight_rules::find;
use barograph_burn::{Parameters, from_slice};
use burn::module::{ModuleMapper, Param};
use burn::prelude::*;

/// An initializer of the weight at a site.
pub(crate) type AskedInitializer = (String, Box<dyn Initialize>);

/// The model with the weights that were asked for drawn anew from the seed; the others stay.
pub(crate) fn draw<M: Model>(model: M, seed: u64, asked: &[AskedInitializer]) -> Result<M, TrainError> {
    if asked.is_empty() {
        return Ok(model);
    }
    let parameters = Parameters::of(&model).renamed(|path| model.site_of(path));
    let mut drawn = vec![None; parameters.list().len()];
    for (site, initializer) in asked {
        let (number, _) = find(&parameters, site)?;
        let shape = &parameters.list()[number].shape;
        let mut random = Random::new(seed, Purpose::Custom, 0, number as u32);
        let values = initializer.draw(shape, Fans::of(shape), &mut random);
        let count: usize = shape.iter().product();
        if values.len() != count {
            let found = values.len();
            return Err(TrainError::Mismatch(format!(
                "the initializer of {site:?} drew {found} numbers, and the weight has {count}"
            )));
        }
        drawn[number] = Some(values);
    }
    Ok(model.map(&mut Filler { drawn: drawn.into_iter() }))
}

/// Goes over the weights in the order of the module's fields.
struct Filler {
    drawn: std::vec::IntoIter<Option<Vec<f32>>>,
}

impl ModuleMapper for Filler {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(values) = self.drawn.next().flatten() else { return param };
        let (id, old, mapper) = param.consume();
        let new = from_slice(values, old.dims(), &old.device()).set_require_grad(old.is_require_grad());
        Param::from_mapped_value(id, new, mapper)
    }
}
