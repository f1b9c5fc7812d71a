//! The logs of all ranks of a distributed run, read together as those of one run.
use barograph_store::{Reader, RunState, StoreError, rank_folders};
use barograph_vocab::{Fact, FactKey, Incident, Phase, RankReading, RanksRecord, Record, Role, Scalar, StepRecord};
use std::collections::VecDeque;
use std::path::Path;

/// Ranks that a note names; the rest are counted. Our choice.
const NAMED: usize = 8;

/// Reads the log of the first rank, and beside each of its steps what the other ranks tell of it.
///
/// A rank whose log is missing, damaged or shorter is a note and never an error.
pub(crate) struct RankLogs {
    first: Follower,
    others: Vec<Follower>,
    /// What comes next.
    ready: VecDeque<Record>,
    /// What the first rank tells of its latest step, until the others have told of it.
    open: Option<RankReading>,
    incident_told: bool,
    /// Whether the ranks were found to hold different numbers of weights, so that their checksums say nothing.
    unlike: bool,
    notes: Vec<String>,
}

/// One rank's log.
struct Follower {
    rank: u32,
    reader: Reader,
    /// Its next step, read ahead, so that what the log says about the step before is known.
    next: Option<Told>,
    /// Elements of its weights.
    parameters: Option<f64>,
    world_size: Option<f64>,
    incident: Option<Incident>,
    last_step: Option<u64>,
    trouble: Option<String>,
}

/// What a rank tells of a step.
#[derive(Clone, Copy, Debug)]
struct Told {
    step: u64,
    reading: RankReading,
}

impl RankLogs {
    /// Opens the logs below a folder; `None` where it has no folders of ranks.
    ///
    /// # Errors
    /// When no rank left a log that can be read.
    pub(crate) fn open(folder: &Path) -> Result<Option<Self>, StoreError> {
        let folders = rank_folders(folder);
        let (mut followers, mut notes, mut trouble) = (Vec::new(), Vec::new(), None);
        for (rank, path) in folders {
            match Reader::open(&path) {
                Ok(reader) => followers.push(Follower::new(rank, reader)),
                Err(error) => {
                    notes.push(format!("rank {rank} has no log that can be read: {error}"));
                    trouble = trouble.or(Some(error));
                }
            }
        }
        if followers.is_empty() {
            return trouble.map_or(Ok(None), Err);
        }
        let first = followers.remove(0);
        if first.rank > 0 {
            notes.push(format!("rank 0 left no log: loss, readings and findings are those of rank {}", first.rank));
        }
        followers.iter_mut().for_each(Follower::advance);
        Ok(Some(Self {
            first,
            others: followers,
            ready: VecDeque::new(),
            open: None,
            incident_told: false,
            unlike: false,
            notes,
        }))
    }

    /// The next record; `None` at the end of what there is.
    ///
    /// # Errors
    /// When the system cannot read the log of the first rank.
    pub(crate) fn next_record(&mut self) -> Result<Option<Record>, StoreError> {
        loop {
            if let Some(record) = self.ready.pop_front() {
                return Ok(Some(record));
            }
            match self.first.reader.next_record()? {
                Some(Record::Step(step)) => {
                    self.close_step();
                    self.catch_up(Some(step.step));
                    self.first.last_step = Some(step.step);
                    self.open = Some(reading(self.first.rank, &step));
                    self.ready.push_back(Record::Step(step));
                }
                // It is told when the others have told of the step: one of them may have broken first.
                Some(Record::Incident(incident)) => _ = self.first.incident.get_or_insert(incident),
                Some(Record::End { steps, reason }) => {
                    self.close_step();
                    self.catch_up(None);
                    self.ready.push_back(Record::End { steps, reason });
                }
                Some(Record::Fact(fact)) => {
                    self.first.learn(&fact);
                    return Ok(Some(Record::Fact(fact)));
                }
                Some(other) => return Ok(Some(other)),
                None => {
                    self.close_step();
                    self.catch_up(None);
                    if self.ready.is_empty() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// The others tell of the latest step of the first rank.
    fn close_step(&mut self) {
        if let (Some(open), Some(step)) = (self.open.take(), self.first.last_step) {
            self.tell(step, Some(open));
        }
    }

    /// The others tell of the steps before `limit` that the first rank's log lacks.
    fn catch_up(&mut self, limit: Option<u64>) {
        loop {
            let next = self.others.iter().filter_map(|other| Some(other.next?.step)).min();
            match next.filter(|next| limit.is_none_or(|limit| *next < limit)) {
                Some(step) => self.tell(step, None),
                None => return,
            }
        }
    }

    /// Puts together what is told of one step, and the incident, if the run broke in it.
    fn tell(&mut self, step: u64, first: Option<RankReading>) {
        let mut ranks: Vec<RankReading> = first.into_iter().collect();
        for other in &mut self.others {
            if let Some(told) = other.next.filter(|told| told.step == step) {
                ranks.push(told.reading);
                other.advance();
            }
        }
        self.compare_sizes();
        for reading in &mut ranks {
            let followers = std::iter::once(&self.first).chain(&self.others);
            let incident = followers.filter(|one| one.rank == reading.rank).find_map(|one| one.incident.as_ref());
            let broke = incident.filter(|incident| incident.step == step).map(|incident| incident.phase);
            reading.broke = reading.broke.into_iter().chain(broke).min_by_key(|phase| *phase as u8);
            reading.checksum = reading.checksum.filter(|_| !self.unlike);
        }
        self.ready.push_back(Record::Ranks(RanksRecord { step, ranks }));
        self.tell_incident();
    }

    /// Of the incidents of the ranks, the first in time is that of the run.
    fn tell_incident(&mut self) {
        if self.incident_told {
            return;
        }
        let followers = std::iter::once(&self.first).chain(&self.others);
        let broken = followers.filter_map(|one| Some((one.rank, one.incident.as_ref()?)));
        let earliest = broken.min_by_key(|(rank, incident)| (incident.step, incident.phase as u8, *rank));
        if let Some((rank, incident)) = earliest {
            self.incident_told = true;
            if rank != self.first.rank {
                self.notes.push(format!("the first bad operation is from the log of rank {rank}"));
            }
            self.ready.push_back(Record::Incident(incident.clone()));
        }
    }

    fn compare_sizes(&mut self) {
        let first = self.first.parameters;
        let differs = |other: &Follower| other.parameters.is_some() && first.is_some() && other.parameters != first;
        if !self.unlike && self.others.iter().any(differs) {
            self.unlike = true;
            self.notes.push(
                "the ranks hold different numbers of parameters, so that their weights were not compared".to_owned(),
            );
        }
    }

    /// What is to be said about the logs, one sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        let mut notes = self.first.reader.notes();
        notes.extend(self.notes.iter().cloned());
        notes.extend(self.missing());
        for other in &self.others {
            let said = other.reader.notes().into_iter().chain(other.trouble.clone());
            notes.extend(said.map(|note| format!("rank {}: {note}", other.rank)));
            notes.extend(self.shorter(other));
        }
        notes
    }

    /// Ranks that took part and left no folder.
    fn missing(&self) -> Option<String> {
        let followers = || std::iter::once(&self.first).chain(&self.others);
        let size = followers().find_map(|one| one.world_size)? as u32;
        let missing: Vec<u32> = (0..size).filter(|rank| followers().all(|one| one.rank != *rank)).collect();
        let named: Vec<String> = missing.iter().take(NAMED).map(u32::to_string).collect();
        let more = missing.len().saturating_sub(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let ranks = if missing.len() == 1 { "rank" } else { "ranks" };
        (!missing.is_empty()).then(|| format!("{ranks} {}{more} of {size} left no log", named.join(", ")))
    }

    /// Whether a rank's log ends elsewhere than that of the first rank. While the run goes on it always may.
    fn shorter(&self, other: &Follower) -> Option<String> {
        let running = [&self.first, other].iter().any(|one| one.reader.state() == RunState::Running);
        let (Some(last), Some(end)) = (other.last_step, self.first.last_step) else { return None };
        (!running && last != end).then(|| {
            format!(
                "rank {}: its log ends with step {last}, that of rank {} with step {end}",
                other.rank, self.first.rank
            )
        })
    }
}

impl Follower {
    const fn new(rank: u32, reader: Reader) -> Self {
        Self {
            rank,
            reader,
            next: None,
            parameters: None,
            world_size: None,
            incident: None,
            last_step: None,
            trouble: None,
        }
    }

    /// Reads on to the next step.
    fn advance(&mut self) {
        self.next = None;
        loop {
            match self.reader.next_record() {
                Ok(Some(Record::Step(step))) => {
                    self.last_step = Some(step.step);
                    self.next = Some(Told { step: step.step, reading: reading(self.rank, &step) });
                    return;
                }
                Ok(Some(Record::Incident(incident))) => _ = self.incident.get_or_insert(incident),
                Ok(Some(Record::Fact(fact))) => self.learn(&fact),
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(error) => {
                    self.trouble = Some(error.to_string());
                    return;
                }
            }
        }
    }

    fn learn(&mut self, fact: &Fact) {
        match fact.key {
            FactKey::Parameters => self.parameters = fact.value.number(),
            FactKey::WorldSize => self.world_size = fact.value.number(),
            _ => {}
        }
    }
}

/// What a record says of a rank's step. Where it stands for several, its numbers belong to none of them in particular.
fn reading(rank: u32, step: &StepRecord) -> RankReading {
    let one = |scalar| step.scalar(scalar).filter(|_| step.stands_for <= 1);
    RankReading {
        rank,
        checksum: one(Scalar::WeightsChecksum).map(|checksum| checksum as u64),
        seconds: one(Scalar::StepSeconds),
        broke: broke(step),
    }
}

/// The first part of a step whose numbers are not finite.
fn broke(step: &StepRecord) -> Option<Phase> {
    let bad = |role| step.readings.iter().any(|entry| entry.role == role && entry.reading.non_finite() > 0);
    if step.scalar(Scalar::Loss).is_some_and(|loss| !loss.is_finite()) {
        return Some(Phase::Forward);
    }
    [(Role::Gradient, Phase::Backward), (Role::Weight, Phase::Update)]
        .into_iter()
        .find_map(|(role, phase)| bad(role).then_some(phase))
}
