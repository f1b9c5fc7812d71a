//! Places in a model, and what a tensor is there.
use std::collections::HashMap;

/// An interned site: an index into the run's [`Sites`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SiteId(pub u32);

impl SiteId {
    /// The site as an index into per-site tables.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a tensor is at its site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Role {
    /// A trainable parameter.
    Weight = 0,
    /// The gradient of the loss with respect to a weight.
    Gradient = 1,
    /// What a layer computed before its activation function.
    PreActivation = 2,
    /// What a layer put out.
    Activation = 3,
    /// The gradient of the loss with respect to an activation (or pre-activation).
    ActivationGradient = 4,
    /// New weight minus old weight of one step.
    Update = 5,
    /// A moment or momentum buffer of the optimizer.
    OptimizerState = 6,
    /// What the network is given.
    Input = 7,
    /// What the network should answer.
    Target = 8,
    /// What the network answers: the last activation, as the loss sees it.
    Output = 9,
    /// The loss of one of several outputs, before its weight: a single number, at the site that has the name of the output.
    Loss = 10,
}

impl Role {
    /// Every role, in the order of their codes.
    pub const ALL: [Self; 11] = [
        Self::Weight,
        Self::Gradient,
        Self::PreActivation,
        Self::Activation,
        Self::ActivationGradient,
        Self::Update,
        Self::OptimizerState,
        Self::Input,
        Self::Target,
        Self::Output,
        Self::Loss,
    ];

    /// The name used in logs, reports and traces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Gradient => "gradient",
            Self::PreActivation => "pre_activation",
            Self::Activation => "activation",
            Self::ActivationGradient => "activation_gradient",
            Self::Update => "update",
            Self::OptimizerState => "optimizer_state",
            Self::Input => "input",
            Self::Target => "target",
            Self::Output => "output",
            Self::Loss => "loss",
        }
    }

    /// The role with this code, as written in a log.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }

    /// The role with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// A place in the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The module's dotted path, `blocks.3.attn.qkv`; untrusted text wherever it is shown.
    pub path: String,
    /// Position in the first forward execution; weights and gradients inherit their layer's.
    pub order: u32,
    /// Units (channels) of the tensors here, 0 when unknown.
    pub units: u32,
    /// Elements of one example (or of the weight), by axis, without the batch axis. Empty when unknown.
    pub shape: Vec<u32>,
}

/// Every site of a run, by number and by path.
#[derive(Clone, Debug, Default)]
pub struct Sites {
    sites: Vec<Site>,
    by_path: HashMap<String, SiteId>,
    by_order: Vec<SiteId>,
}

impl Sites {
    /// The id of `path`, interned on first sight with the next order.
    pub fn intern(&mut self, path: &str) -> SiteId {
        if let Some(&id) = self.by_path.get(path) {
            return id;
        }
        let order = self.sites.len() as u32;
        self.insert(Site { path: path.to_owned(), order, units: 0, shape: Vec::new() })
    }

    /// Adds a site as a log gives it, or replaces the one of the same path; ids count up from 0 in order of first insertion.
    pub fn insert(&mut self, site: Site) -> SiteId {
        let id = match self.by_path.get(&site.path) {
            Some(&id) => {
                self.sites[id.index()] = site;
                id
            }
            None => {
                let id = SiteId(self.sites.len() as u32);
                self.by_path.insert(site.path.clone(), id);
                self.sites.push(site);
                self.by_order.push(id);
                id
            }
        };
        let sites = &self.sites;
        self.by_order.sort_by_key(|id| (sites[id.index()].order, *id));
        id
    }

    /// The site with this id.
    #[must_use]
    pub fn get(&self, id: SiteId) -> Option<&Site> {
        self.sites.get(id.index())
    }

    /// The dotted path of a site; `?` for an id that was never announced.
    #[must_use]
    pub fn path(&self, id: SiteId) -> &str {
        self.get(id).map_or("?", |site| site.path.as_str())
    }

    /// The id of a path, if it was seen.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<SiteId> {
        self.by_path.get(path).copied()
    }

    /// Ids in execution order.
    #[must_use]
    pub fn in_order(&self) -> &[SiteId] {
        &self.by_order
    }

    /// How many sites there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sites.len()
    }

    /// Whether no site was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }
}
