//! An encoder, and a decoder that attends to what it puts out.
use super::{Embedding, Layer, masking};
use crate::recipe::Shape;
use barograph_burn::{Scope, ops};
use burn::module::Module;
use burn::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

thread_local! {
    static MEMORY: RefCell<Option<Memory>> = const { RefCell::new(None) };
}

/// What the decoders that run on this thread attend to besides their own sequence.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    /// `[batch, time, features]`.
    pub(super) steps: Tensor<3>,
    /// `[batch, time]`, 1 for a step and 0 for one that only fills up; `None` where all count.
    pub(super) mask: Option<Tensor<2>>,
}

impl Memory {
    /// That of the innermost encoder whose decoder runs on this thread.
    pub(super) fn now() -> Option<Self> {
        MEMORY.with_borrow(Clone::clone)
    }

    /// Runs a decoder.
    fn during<R>(self, decode: impl FnOnce() -> R) -> R {
        /// Brings back what was before, also when `decode` panics.
        struct Before(Option<Memory>);
        impl Drop for Before {
            fn drop(&mut self) {
                MEMORY.set(self.0.take());
            }
        }
        let _before = Before(MEMORY.replace(Some(self)));
        decode()
    }
}

/// The first branch reads the first part of its input; the second reads the rest, and its transformer blocks attend to what the first puts out
/// (Sutskever et al., 2014, with the attention of Vaswani et al., 2017). What comes out is what the second puts out.
#[derive(Module, Debug)]
pub struct EncoderDecoder {
    /// The branches that compute something.
    pub layers: Vec<Layer>,
    /// The name of each within this one.
    names: Vec<String>,
    /// The place of each branch among the layers, if it computes something.
    #[module(skip)]
    places: [Option<usize>; 2],
    /// What each branch takes.
    #[module(skip)]
    inputs: [Shape; 2],
    #[module(skip)]
    encoded: Shape,
}

impl EncoderDecoder {
    /// Branches made of these layers, which have these names and places: what each takes, and what the encoder puts out.
    #[must_use]
    pub fn new(
        layers: Vec<Layer>,
        names: Vec<String>,
        places: [Option<usize>; 2],
        inputs: [Shape; 2],
        encoded: Shape,
    ) -> Self {
        Self { layers, names, places, inputs, encoded }
    }

    pub(super) fn forward(&self, site: &str, x: Tensor<2>) -> Tensor<2> {
        let (batch, mask) = (x.dims()[0], Scope::mask());
        let [source, target] = self.inputs.map(|shape| shape.values() as usize);
        let steps = self.inputs.map(|shape| shape.sequence()[0]);
        // Of a row, no value fills up before it was looked up.
        let mask_of = |start: usize, length: usize| {
            let mask = mask.clone().filter(|mask| mask.dims()[1] == steps[0] + steps[1])?;
            Some(ops::narrow(mask, 1, start, length))
        };
        Scope::set_mask(mask_of(0, steps[0]));
        let encoded = self.run(0, site, ops::narrow(x.clone(), 1, 0, source));
        let [time, features] = self.encoded.sequence();
        let memory =
            Memory { steps: ops::reshape(encoded, [batch, time, features]), mask: masking::of_steps(batch, time) };
        Scope::set_mask(mask_of(steps[0], steps[1]));
        memory.during(|| self.run(1, site, ops::narrow(x, 1, source, target)))
    }

    fn run(&self, branch: usize, site: &str, x: Tensor<2>) -> Tensor<2> {
        match self.places[branch] {
            Some(place) => self.layers[place].inside(site, &self.names[place], x),
            None => x,
        }
    }

    pub(super) fn inner(&self) -> (&[String], &[Layer]) {
        (&self.names, &self.layers)
    }

    /// The columns of each branch, and the branch.
    fn branches(&self, site: &str, columns: &Range<usize>) -> [(String, Option<&Layer>, Range<usize>); 2] {
        let cut = columns.start + self.inputs[0].values() as usize;
        let named = |branch: usize, columns| match self.places[branch] {
            Some(place) => (format!("{site}.{}", self.names[place]), self.layers.get(place), columns),
            None => (site.to_owned(), None, columns),
        };
        [named(0, columns.start..cut), named(1, cut..columns.end)]
    }
}

impl Layer {
    /// The layers that take the columns of the data, given that this one takes `columns`: their sites, what they are if they look numbers up, and
    /// the columns of each.
    pub(crate) fn entries(&self, site: &str, columns: Range<usize>) -> Vec<(String, Option<&Embedding>, Range<usize>)> {
        match self {
            Self::Embedding(embedding) => vec![(site.to_owned(), Some(embedding), columns)],
            Self::Sequential(block) => match block.inner() {
                ([name, ..], [first, ..]) => first.entries(&format!("{site}.{name}"), columns),
                _ => Vec::new(),
            },
            Self::EncoderDecoder(block) => {
                let branches = block.branches(site, &columns).into_iter();
                branches
                    .flat_map(|(site, layer, columns)| match layer {
                        Some(layer) => layer.entries(&site, columns),
                        None => vec![(site, None, columns)],
                    })
                    .collect()
            }
            _ => vec![(site.to_owned(), None, columns)],
        }
    }
}
