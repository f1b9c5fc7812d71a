//! What a rule sees of one step, and of the run around it.
use crate::digest::{Digest, SiteDigest};
use crate::facts::Facts;
use crate::layers::Layers;
use crate::signal::{Signal, update_ratio};
use barograph_vocab::{Reading, Role, Scalar, SiteId, Sites, StepRecord, UnitReading};

const ROLES: usize = Role::ALL.len();

/// Where each reading of a step lies in its record: a flat table, site by role, refilled each step in place.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// Position plus one; 0 is none.
    readings: Vec<u32>,
    units: Vec<u32>,
    first: [u32; ROLES],
    /// Bit sets over the codes of what the step holds.
    pub(crate) roles: u16,
    pub(crate) unit_roles: u16,
    pub(crate) scalars: u32,
    broken: bool,
}

impl Index {
    /// Reads the layout of `step`. Allocates only when a site is seen for the first time.
    pub(crate) fn rebuild(&mut self, step: &StepRecord) {
        self.readings.fill(0);
        self.units.fill(0);
        (self.first, self.roles, self.unit_roles, self.scalars) = ([0; ROLES], 0, 0, 0);
        self.broken = false;
        for (position, entry) in step.readings.iter().enumerate() {
            let Some(bad) = bad_elements(&entry.reading) else { continue };
            set(&mut self.readings, cell(entry.site, entry.role), position);
            let first = &mut self.first[entry.role as usize];
            *first = if *first == 0 { position as u32 + 1 } else { *first };
            self.roles |= 1 << entry.role as u16;
            self.broken |= bad > 0 && matches!(entry.role, Role::Weight | Role::Gradient);
        }
        for (position, units) in step.units.iter().enumerate() {
            set(&mut self.units, cell(units.site, units.role), position);
            self.unit_roles |= 1 << units.role as u16;
        }
        for (scalar, value) in &step.scalars {
            self.scalars |= 1 << *scalar as u32;
            self.broken |= *scalar == Scalar::Loss && !value.is_finite();
        }
    }

    /// Whether the loss, a weight or a gradient is not finite.
    pub(crate) const fn broken(&self) -> bool {
        self.broken
    }

    pub(crate) fn reading<'a>(&self, step: &'a StepRecord, site: SiteId, role: Role) -> Option<&'a Reading> {
        position(&self.readings, cell(site, role)).map(|at| &step.readings[at].reading)
    }
}

/// Elements that are not finite; `None` for the reading of a damaged log, whose derived numbers would be nonsense.
fn bad_elements(reading: &Reading) -> Option<u64> {
    let bad = reading.nan.checked_add(reading.pos_inf)?.checked_add(reading.neg_inf)?;
    (bad <= reading.count).then_some(bad)
}

fn cell(site: SiteId, role: Role) -> usize {
    site.index() * ROLES + role as usize
}

fn set(table: &mut Vec<u32>, cell: usize, position: usize) {
    if table.len() <= cell {
        table.resize(cell + ROLES, 0);
    }
    table[cell] = position as u32 + 1;
}

fn position(table: &[u32], cell: usize) -> Option<usize> {
    (*table.get(cell)? as usize).checked_sub(1)
}

/// The run as far as it was seen.
#[derive(Clone, Copy, Debug)]
pub struct RunView<'a> {
    /// Every site that was announced.
    pub sites: &'a Sites,
    /// Facts that were measured or inferred. Symptoms never see declared ones, so that a symptom is the same whatever a recipe says.
    pub facts: Facts<'a>,
    /// Planned steps, if known.
    pub planned_steps: Option<u64>,
    /// Curves and beginnings of the run so far, this step included.
    pub digest: &'a Digest,
    /// Steps seen so far, with those that thinned records stand for.
    pub steps: u64,
    /// The last step seen.
    pub last_step: u64,
    pub(crate) layers: &'a Layers,
}

impl<'a> RunView<'a> {
    /// What the network puts out, over the run: the output where it was read, else the last activation.
    #[must_use]
    pub fn output(&self) -> Option<(SiteId, &'a SiteDigest)> {
        self.digest.only(Role::Output).or_else(|| {
            let last = self.sites.in_order().iter().rev();
            last.copied().find_map(|site| Some((site, self.digest.site(site, Role::Activation)?)))
        })
    }

    /// The layer that a parameter belongs to: `fc1` for `fc1.weight`. A layer belongs to itself.
    #[must_use]
    pub fn layer_of(&self, site: SiteId) -> SiteId {
        self.layers.of(site)
    }

    /// Whether the parameter here may have two or more axes: a weight and not a bias.
    #[must_use]
    pub fn is_matrix(&self, site: SiteId) -> bool {
        self.layers.is_matrix(site)
    }
}

/// One step of a run, by site, role and signal. Every question is answered in nanoseconds and without allocation.
#[derive(Clone, Copy, Debug)]
pub struct StepView<'a> {
    /// The run around the step.
    pub run: RunView<'a>,
    record: &'a StepRecord,
    index: &'a Index,
}

impl<'a> std::ops::Deref for StepView<'a> {
    type Target = RunView<'a>;

    fn deref(&self) -> &Self::Target {
        &self.run
    }
}

impl<'a> StepView<'a> {
    pub(crate) const fn new(run: RunView<'a>, record: &'a StepRecord, index: &'a Index) -> Self {
        Self { run, record, index }
    }

    /// The step, from 0.
    #[must_use]
    pub const fn step(&self) -> u64 {
        self.record.step
    }

    /// The epoch, from 0.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.record.epoch
    }

    /// How many steps the record stands for: more than 1 where the log was thinned.
    #[must_use]
    pub const fn stands_for(&self) -> u32 {
        self.record.stands_for
    }

    /// Whether the loss, a weight or a gradient is not finite at this step.
    #[must_use]
    pub const fn broken(&self) -> bool {
        self.index.broken
    }

    /// A scalar of the step.
    #[must_use]
    pub fn scalar(&self, scalar: Scalar) -> Option<f64> {
        self.record.scalar(scalar)
    }

    /// The reading of a tensor.
    #[must_use]
    pub fn reading(&self, site: SiteId, role: Role) -> Option<&'a Reading> {
        self.index.reading(self.record, site, role)
    }

    /// One number of the reading of a tensor.
    #[must_use]
    pub fn get(&self, site: SiteId, role: Role, signal: Signal) -> Option<f64> {
        self.reading(site, role).map(|reading| signal.of(reading))
    }

    /// The reading per unit of a tensor, where it was due.
    #[must_use]
    pub fn units(&self, site: SiteId, role: Role) -> Option<&'a UnitReading> {
        position(&self.index.units, cell(site, role)).map(|at| &self.record.units[at])
    }

    /// The first reading of a role that has one site in most networks: input, target, output.
    #[must_use]
    pub fn only(&self, role: Role) -> Option<(SiteId, &'a Reading)> {
        let at = (self.index.first[role as usize] as usize).checked_sub(1)?;
        let entry = &self.record.readings[at];
        Some((entry.site, &entry.reading))
    }

    /// Site and role of what the network puts out at this step: the output where it was read, else the last activation.
    #[must_use]
    pub fn output(&self) -> Option<(SiteId, Role)> {
        let output = self.only(Role::Output).map(|(site, _)| (site, Role::Output));
        output.or_else(|| Some((self.each(Role::Activation).next_back()?.0, Role::Activation)))
    }

    /// The readings of a role, in execution order.
    #[must_use]
    pub fn each(&self, role: Role) -> impl DoubleEndedIterator<Item = (SiteId, &'a Reading)> + use<'a> {
        let view = *self;
        view.run.sites.in_order().iter().filter_map(move |&site| Some((site, view.reading(site, role)?)))
    }

    /// The global gradient norm: the scalar where there is one, else over the gradients that were read.
    #[must_use]
    pub fn gradient_norm(&self) -> Option<f64> {
        self.scalar(Scalar::GradientNorm).or_else(|| {
            let gradients = self.record.readings.iter().filter(|entry| entry.role == Role::Gradient);
            let squares: f64 = gradients.map(|entry| entry.reading.l2 * entry.reading.l2).sum();
            (self.index.roles & (1 << Role::Gradient as u16) != 0).then(|| squares.sqrt())
        })
    }

    /// How far this step moved the weight at `site`: rms of the update over rms of the weight.
    #[must_use]
    pub fn update_ratio(&self, site: SiteId) -> Option<f64> {
        update_ratio(self.reading(site, Role::Update)?, self.reading(site, Role::Weight)?)
    }
}
