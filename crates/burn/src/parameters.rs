//! The weights of a module by dotted name, with their gradients.
use crate::ModulePath;
use crate::tensor::with_elements;
use barograph_monitor::Session;
use barograph_vocab::{Role, SiteId};
use burn::module::{ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::prelude::*;

/// One weight of a module.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its dotted path: fields and indices, without the names of enum variants.
    pub path: String,
    /// burn's id.
    pub id: ParamId,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Whether it takes part in training.
    pub trainable: bool,
}

/// The weights of a module in the order of its fields.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    list: Vec<Parameter>,
    sites: Vec<SiteId>,
}

impl Parameters {
    /// Lists the weights of a module.
    #[must_use]
    pub fn of<M: Module>(module: &M) -> Self {
        let mut lister = Lister { path: ModulePath::default(), list: Vec::new() };
        module.visit(&mut lister);
        Self { list: lister.list, sites: Vec::new() }
    }

    /// Gives the weights other paths: `rename` maps what the module's fields say to what the reader should see.
    #[must_use]
    pub fn renamed(mut self, rename: impl Fn(&str) -> String) -> Self {
        for parameter in &mut self.list {
            parameter.path = rename(&parameter.path);
        }
        self
    }

    /// The weights, in the order of the module's fields.
    #[must_use]
    pub fn list(&self) -> &[Parameter] {
        &self.list
    }

    /// Elements of all trainable weights together.
    #[must_use]
    pub fn elements(&self) -> usize {
        self.list.iter().filter(|p| p.trainable).map(|p| p.shape.iter().product::<usize>()).sum()
    }

    /// Announces the sites of the weights, in execution order if the layers were announced before.
    pub fn announce(&mut self, session: &mut Session) {
        self.sites = self
            .list
            .iter()
            .map(|parameter| {
                let units = units_of(&parameter.shape).map_or(1, |layout| layout.units);
                session.site(&parameter.path, units, &parameter.shape)
            })
            .collect();
    }

    /// Whether the sites were announced.
    #[must_use]
    pub fn is_announced(&self) -> bool {
        self.sites.len() == self.list.len()
    }

    /// Reads every weight and its gradient. Returns the global gradient norm, NaN when an element is not finite.
    pub fn read<M: Module>(&self, module: &M, gradients: &GradientsParams, session: &mut Session) -> f64 {
        let mut reader = Reader { parameters: self, next: 0, gradients, session, squares: 0.0 };
        module.visit(&mut reader);
        reader.squares.sqrt()
    }

    /// Reads the updates: `new` minus `old`, weight by weight, in one pass over both.
    pub fn read_updates<M: Module>(&self, old: &M, new: &M, session: &mut Session) {
        let mut collector = Collector::default();
        old.visit(&mut collector);
        let mut reader = UpdateReader { parameters: self, next: 0, old: &collector.values, session };
        new.visit(&mut reader);
    }

    /// The first weight with a non-finite element.
    #[must_use]
    pub fn first_non_finite<M: Module>(&self, module: &M) -> Option<&Parameter> {
        let mut finder = NonFinite { next: 0, found: None };
        module.visit(&mut finder);
        finder.found.and_then(|index| self.list.get(index))
    }
}

/// How the units of a weight lie: burn's dense weights are `[inputs, units]`, those of convolutions `[units, inputs, ...]`.
struct UnitLayout {
    units: usize,
    columns: bool,
}

fn units_of(shape: &[usize]) -> Option<UnitLayout> {
    match shape {
        [] | [_] => None,
        [_, units] => Some(UnitLayout { units: *units, columns: true }),
        [units, ..] => Some(UnitLayout { units: *units, columns: false }),
    }
}

struct Lister {
    path: ModulePath,
    list: Vec<Parameter>,
}

impl ModuleVisitor for Lister {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.leave();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        self.list.push(Parameter {
            path: self.path.dotted(),
            id: param.id,
            shape: value.dims().to_vec(),
            trainable: value.is_require_grad(),
        });
    }
}

struct Reader<'a> {
    parameters: &'a Parameters,
    next: usize,
    gradients: &'a GradientsParams,
    session: &'a mut Session,
    squares: f64,
}

impl ModuleVisitor for Reader<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(&site) = self.parameters.sites.get(self.next) else { return };
        let layout = units_of(&self.parameters.list[self.next].shape);
        self.next += 1;
        let value = param.val();
        with_elements(&value, |elements| {
            self.session.read(site, Role::Weight, elements);
            if let Some(layout) = layout.filter(|_| self.session.units_due()) {
                self.session.read_weight_units(site, elements, layout.units, layout.columns);
            }
        });
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
        let norm = with_elements(&gradient, |elements| {
            let reading = self.session.read(site, Role::Gradient, elements);
            if reading.non_finite() == 0 { reading.l2 } else { f64::NAN }
        });
        self.squares += norm.unwrap_or(0.0).powi(2);
    }
}

/// The values of all weights, shared, not copied.
#[derive(Default)]
struct Collector {
    values: Vec<burn_flex::FlexTensor>,
}

impl ModuleVisitor for Collector {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values.push(crate::tensor::on_cpu(&param.val()));
    }
}

struct UpdateReader<'a> {
    parameters: &'a Parameters,
    next: usize,
    old: &'a [burn_flex::FlexTensor],
    session: &'a mut Session,
}

impl ModuleVisitor for UpdateReader<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let (index, session) = (self.next, &mut *self.session);
        self.next += 1;
        let (Some(&site), Some(old)) = (self.parameters.sites.get(index), self.old.get(index)) else { return };
        with_elements(&param.val(), |new| {
            crate::tensor::with_flex(old, |old| session.read_update(site, new, old));
        });
    }
}

struct NonFinite {
    next: usize,
    found: Option<usize>,
}

impl ModuleVisitor for NonFinite {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.found.is_none() && !crate::tensor::is_finite(&param.val()) {
            self.found = Some(self.next);
        }
        self.next += 1;
    }
}
