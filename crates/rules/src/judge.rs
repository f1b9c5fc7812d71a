//! The engine: it is fed a run and answers with findings and a diagnosis.
use crate::diagnose::{Evidences, TriedRemedy, diagnose, remedies};
use crate::digest::Digest;
use crate::facts::{EvidenceMode, FactTable};
use crate::layers::Layers;
use crate::rule::{Need, Rule};
use crate::runner::{Found, Runner};
use crate::symptoms::SYMPTOMS;
use crate::view::{Index, RunView, StepView};
use barograph_vocab::{
    DataReading, Diagnosis, EpochRecord, Finding, Incident, NotChecked, RanksRecord, Record, Remedy, RunEnd, Scalar,
    Sites, StepRecord,
};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a rule on something that the run does not have is not checked.
const APART: &str = "does not apply to this run";

/// How the framework of our own trainer begins.
const OURS: &str = "barograph ";

/// What the rules see.
#[derive(Debug, Default)]
struct Context {
    sites: Sites,
    layers: Layers,
    facts: FactTable,
    index: Index,
    digest: Digest,
    steps: u64,
    last_step: u64,
}

impl Context {
    /// Whether the network puts out more than one number for an example.
    fn puts_out_several(&self) -> bool {
        self.sites.find("output").and_then(|site| self.sites.get(site)).is_some_and(|output| output.units > 1)
    }

    fn run(&self) -> RunView<'_> {
        RunView {
            sites: &self.sites,
            facts: self.facts.view(EvidenceMode::Measured),
            planned_steps: self.facts.planned_steps(),
            digest: &self.digest,
            steps: self.steps,
            last_step: self.last_step,
            layers: &self.layers,
        }
    }
}

/// Which needs of the rules the run has met so far, as bit sets over the codes of roles and scalars.
#[derive(Debug, Default)]
struct Met {
    roles: u16,
    units: u16,
    scalars: u32,
    epoch_scalars: u32,
    data: bool,
    ranks: bool,
}

/// What the log says about itself.
#[derive(Debug, Default)]
struct Account {
    name: String,
    /// Whether another framework trains, so that there is no recipe to edit.
    foreign: bool,
    recorded: Vec<Finding>,
    incident: Option<Incident>,
    trials: Vec<TriedRemedy>,
    notes: Vec<String>,
    dropped: u64,
    thinned: bool,
    end: Option<RunEnd>,
}

/// Judges one run. Live and on a log it is fed the same records and gives the same answers.
///
/// A finding is latched: each rule reports once per site. A rule that panics is switched off and named among the rules not checked.
pub struct Judge {
    context: Context,
    runners: Vec<Runner>,
    met: Met,
    account: Account,
    found: Vec<Found>,
    fresh: Vec<Finding>,
    finished: bool,
}

impl Default for Judge {
    fn default() -> Self {
        Self::new()
    }
}

impl Judge {
    /// A judge that applies every symptom rule of the catalogue.
    #[must_use]
    pub fn new() -> Self {
        Self::with_rules(SYMPTOMS)
    }

    /// A judge that applies only these symptom rules.
    #[must_use]
    pub fn with_rules(rules: &[&'static Rule]) -> Self {
        Self {
            context: Context::default(),
            runners: rules.iter().copied().map(Runner::new).collect(),
            met: Met::default(),
            account: Account::default(),
            found: Vec::new(),
            fresh: Vec::new(),
            finished: false,
        }
    }

    /// Takes in one record and returns the findings that are new with it, in execution order.
    pub fn see(&mut self, record: &Record) -> &[Finding] {
        self.fresh.clear();
        match record {
            Record::Start(start) => {
                self.account.name.clone_from(&start.name);
                self.account.foreign = !start.framework.is_empty() && !start.framework.starts_with(OURS);
            }
            Record::Site(site) => {
                self.context.sites.insert(site.clone());
                self.context.layers.rebuild(&self.context.sites);
            }
            Record::Fact(fact) => self.context.facts.insert(fact),
            Record::Step(step) => self.judge_step(step),
            Record::Epoch(epoch) => self.judge_epoch(epoch),
            Record::Data(data) => self.judge_data(data),
            Record::Ranks(ranks) => self.judge_ranks(ranks),
            Record::Finding(finding) => self.account.recorded.push(finding.clone()),
            Record::Incident(incident) => self.judge_incident(incident),
            Record::Trial { slug, remedy, trial } => {
                let (slug, remedy, trial) = (slug.clone(), remedy.clone(), trial.clone());
                self.account.trials.push(TriedRemedy { slug, remedy, trial });
            }
            Record::Dropped { count, .. } => self.account.dropped = self.account.dropped.saturating_add(*count),
            Record::RuleOff { rule, reason } => self.switch_off(rule, reason),
            Record::Note { step, text } => self.account.notes.push(format!("step {step}: {text}")),
            Record::End { reason, .. } => self.account.end = Some(*reason),
        }
        &self.fresh
    }

    /// Takes in one step and returns the findings that are new with it, in execution order. The hot path: nothing is allocated while
    /// all is well.
    pub fn see_step(&mut self, step: &StepRecord) -> &[Finding] {
        self.fresh.clear();
        self.judge_step(step);
        &self.fresh
    }

    /// The run is over: asks the rules for what only the whole of it shows. The second call does nothing.
    pub fn finish(&mut self) -> &[Finding] {
        self.fresh.clear();
        if !std::mem::replace(&mut self.finished, true) {
            self.ask(|runner, context, out| runner.ask_all(out, |watch, site| watch.finish(&context.run(), site)));
        }
        &self.fresh
    }

    /// The diagnosis as of now. Complete after [`Judge::finish`]; before, it lacks what only the whole run shows.
    #[must_use]
    pub fn diagnosis(&self, mode: EvidenceMode) -> Diagnosis {
        diagnose(self.evidences(mode))
    }

    /// Every remedy of one cause for this run, the most promising first: what a fixer tries in turn. Empty for an unknown slug.
    #[must_use]
    pub fn remedies(&self, slug: &str, mode: EvidenceMode) -> Vec<Remedy> {
        remedies(&self.evidences(mode), slug)
    }

    /// What the run's curves and readings come down to.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.context.digest
    }

    /// The sites seen so far.
    #[must_use]
    pub const fn sites(&self) -> &Sites {
        &self.context.sites
    }

    fn judge_step(&mut self, step: &StepRecord) {
        let context = &mut self.context;
        context.index.rebuild(step);
        context.steps = context.steps.saturating_add(u64::from(step.stands_for.max(1)));
        context.last_step = step.step;
        self.account.thinned |= step.stands_for > 1;
        self.met.roles |= context.index.roles;
        self.met.units |= context.index.unit_roles;
        self.met.scalars |= context.index.scalars;
        context.digest.see_step(step, &context.index);
        self.ask(|runner, context, out| runner.see(&StepView::new(context.run(), step, &context.index), out));
    }

    fn judge_epoch(&mut self, epoch: &EpochRecord) {
        for (scalar, _) in &epoch.scalars {
            self.met.epoch_scalars |= 1 << *scalar as u32;
        }
        self.context.digest.see_epoch(epoch);
        self.ask(|runner, context, out| runner.ask_run(out, |watch| watch.epoch(&context.run(), epoch)));
    }

    fn judge_data(&mut self, data: &DataReading) {
        self.met.data = true;
        self.context.digest.see_data(data);
        self.ask(|runner, context, out| runner.ask_run(out, |watch| watch.data(&context.run(), data)));
    }

    fn judge_ranks(&mut self, ranks: &RanksRecord) {
        self.met.ranks |= ranks.ranks.len() > 1;
        self.ask(|runner, context, out| runner.ask_run(out, |watch| watch.ranks(&context.run(), ranks)));
    }

    fn judge_incident(&mut self, incident: &Incident) {
        self.ask(|runner, context, out| runner.ask_run(out, |watch| watch.incident(&context.run(), incident)));
        self.account.incident.get_or_insert_with(|| incident.clone());
    }

    /// Puts one question to every rule. A rule that panics is switched off, and the rules after it are still asked.
    fn ask(&mut self, question: impl Fn(&mut Runner, &Context, &mut Vec<Found>)) {
        let (context, runners, found) = (&self.context, &mut self.runners, &mut self.found);
        let already = found.len();
        let at = Cell::new(0);
        while at.get() < runners.len() {
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                while let Some(runner) = runners.get_mut(at.get()) {
                    question(runner, context, found);
                    at.set(at.get() + 1);
                }
            }));
            if outcome.is_err() {
                runners[at.get()].off = Some("switched off: it panicked".to_owned());
                at.set(at.get() + 1);
            }
        }
        let order = |found: &Found| found.site.and_then(|site| context.sites.get(site)).map(|site| site.order);
        found[already..].sort_by_key(order);
        self.fresh.extend(found[already..].iter().map(|found| found.finding.clone()));
    }

    fn switch_off(&mut self, rule: &str, reason: &str) {
        for runner in self.runners.iter_mut().filter(|runner| runner.rule.name == rule) {
            runner.off = Some(reason.to_owned());
        }
    }

    fn evidences(&self, mode: EvidenceMode) -> Evidences<'_> {
        let (checked, not_checked) = self.coverage();
        Evidences {
            name: &self.account.name,
            has_recipe: !self.account.foreign,
            sites: &self.context.sites,
            layers: &self.context.layers,
            facts: self.context.facts.view(mode),
            planned_steps: self.context.facts.planned_steps(),
            digest: &self.context.digest,
            findings: self.findings(),
            incident: self.account.incident.as_ref(),
            trials: &self.account.trials,
            steps: self.context.steps,
            dropped: self.account.dropped,
            notes: self.account.notes(),
            checked,
            not_checked,
        }
    }

    /// Findings in order of step and graph. Where steps were thinned, recorded findings stand in for what can no longer be derived.
    fn findings(&self) -> Vec<Finding> {
        let mut all: Vec<_> = self.found.iter().map(|found| found.finding.clone()).collect();
        if self.account.thinned {
            let known = |finding: &Finding| {
                let same = |other: &Finding| other.code == finding.code && other.site == finding.site;
                self.found.iter().any(|found| same(&found.finding))
            };
            all.extend(self.account.recorded.iter().filter(|finding| !known(finding)).cloned());
        }
        let order = |path: &Option<String>| {
            let site = path.as_deref().and_then(|path| self.context.sites.find(path));
            site.and_then(|site| self.context.sites.get(site)).map(|site| site.order)
        };
        all.sort_by_key(|finding| (finding.step, order(&finding.site)));
        all
    }

    fn coverage(&self) -> (Vec<String>, Vec<NotChecked>) {
        let (mut checked, mut not_checked) = (Vec::new(), Vec::new());
        for runner in &self.runners {
            let rule = runner.rule.name.to_owned();
            match self.why_not(runner) {
                Some(reason) => not_checked.push(NotChecked { rule, reason }),
                None => checked.push(rule),
            }
        }
        // What might have been checked comes first.
        not_checked.sort_by_key(|rule| rule.reason == APART);
        (checked, not_checked)
    }

    fn why_not(&self, runner: &Runner) -> Option<String> {
        if runner.off.is_some() {
            return runner.off.clone();
        }
        if runner.decided {
            return None;
        }
        let missing = || runner.rule.needs.iter().copied().filter(|need| !self.is_met(*need));
        // Shapes are compared before our own trainer computes a loss, and rows of several outputs are not spread over each other.
        let rows_match = !self.account.foreign || self.context.puts_out_several();
        let cannot_be =
            |need: Need| need.is_of_some_runs() || (rows_match && need == Need::Scalar(Scalar::LossRowsCompared));
        if missing().any(cannot_be) {
            return Some(APART.to_owned());
        }
        let missing: Vec<_> = missing().map(Need::describe).collect();
        Some(if missing.is_empty() { "too early".to_owned() } else { format!("needs {}", missing.join(" and ")) })
    }

    fn is_met(&self, need: Need) -> bool {
        match need {
            Need::Reading(role) => self.met.roles & (1 << role as u16) != 0,
            Need::Units(role) => self.met.units & (1 << role as u16) != 0,
            Need::Scalar(scalar) => self.met.scalars & (1 << scalar as u32) != 0,
            Need::Epoch(scalar) => self.met.epoch_scalars & (1 << scalar as u32) != 0,
            Need::Data => self.met.data,
            Need::Ranks => self.met.ranks,
            Need::Fact(key) => self.context.run().facts.get(key, None).is_some(),
        }
    }
}

impl Account {
    /// One sentence per limitation of the log, after what callbacks and people noted.
    fn notes(&self) -> Vec<String> {
        let mut notes = self.notes.clone();
        if self.thinned {
            notes.push("the middle of the log was thinned; findings recorded there while it ran stand in".to_owned());
        }
        let end = match self.end {
            None => "the log has no end: the run goes on, or it was killed",
            Some(RunEnd::Completed) => return notes,
            Some(RunEnd::Stopped) => "a callback stopped the run",
            Some(RunEnd::Interrupted) => "the run was interrupted",
            Some(RunEnd::Failed) => "the training ended with an error",
        };
        notes.push(end.to_owned());
        notes
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
