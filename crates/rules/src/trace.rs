//! The trace language: a run in a few lines of text, so that a rule's example is also its test.
//!
//! A trace is read from top to bottom, each line making records in that order:
//!
//! ```text
//! facts: steps=60 fc1.activation=relu        facts, measured; what comes before the last dot is a site's path
//! declared: classes=10                       facts that a recipe declares
//! sites: fc1 fc2 shape=fc1:64x32             execution order; otherwise that of first appearance
//! step     loss      fc1/gradient.l2  fc2/activation.dead
//! 0..9     2.3       1e-3             0
//! 10..59   2.3->0.1  1e-3=>10         -
//! data: rows=900 features.bad_rows=3         inputs and targets over an epoch
//! incident: operation=log site=head input.min=0 input.zeros=3
//! finding at 29 fc1
//! ```
//!
//! A header starts with `step` (or `epoch`) and names the columns: a scalar, or `site/role.field` with a field of a reading
//! (`l2 rms mean std min max abs_max zero_share negative_share saturated_share nan inf neg_inf count`) or of a unit reading
//! (`dead constant duplicates bad_units`, of 64 units, or of as many as a column `units` says). A row holds one value per column for a
//! range of steps: a number, `NaN`, `inf`, `-` for none, a line `2.3->0.1`, a geometric ramp `1e-3=>10`, or two values that take turns
//! `0.9|1.1`. Fields that are not given follow from those that are.
//!
//! A column `rank=2.field` is what one rank of a distributed run tells of a step: `checksum` of its weights, `seconds`, and `loss`,
//! `gradient` or `weight`, of which only matters whether it is finite. A rank takes part in the steps that give it a value.
//!
//! The last lines say what must come out: `finding at STEP [SITE]` (several lines for several findings, `end` for the last step), or
//! `healthy` for none. In the example of a cause: `cause` if it must come first with at least 0.5, and `no cause` if it must stay below.
use barograph_vocab::{
    DataReading, EpochRecord, Exactness, Fact, FactKey, FactValue, Incident, OperationInput, Phase, Provenance,
    RankReading, RanksRecord, Reading, Record, Role, RowsOf, RunEnd, Scalar, Site, SiteId, SiteReading, Sites,
    StepRecord, UnitReading,
};
use std::collections::BTreeMap;

/// Elements of a tensor in a trace.
const COUNT: u64 = 10_000;

/// Units of a tensor in a trace.
const UNITS: u32 = 64;

/// How the name of a column of a rank begins.
const RANK: &str = "rank=";

/// What an example claims.
#[derive(Debug, PartialEq)]
pub(crate) enum Claim {
    Findings(Vec<(u64, Option<String>)>),
    Cause,
    NoCause,
}

/// A parsed example.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) records: Vec<Record>,
    pub(crate) claim: Claim,
}

/// The traces of one section.
pub(crate) fn examples(markdown: &str) -> Vec<Example> {
    markdown.split("```trace\n").skip(1).map(|rest| parse(rest.split("```").next().unwrap())).collect()
}

#[derive(Default)]
struct Parser {
    sites: Sites,
    shapes: BTreeMap<String, Vec<u32>>,
    records: Vec<Record>,
    header: Vec<String>,
    last_step: u64,
}

fn parse(text: &str) -> Example {
    let mut parser = Parser::default();
    let mut claim = None;
    let mut findings = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["facts:", ref facts @ ..] => parser.facts(facts, Provenance::Measured),
            ["declared:", ref facts @ ..] => parser.facts(facts, Provenance::Declared),
            ["sites:", ref sites @ ..] => parser.declare_sites(sites),
            ["data:", ref pairs @ ..] => parser.data(pairs),
            ["incident:", ref pairs @ ..] => parser.incident(pairs),
            ["step" | "epoch", ..] => parser.header = words.iter().map(|&word| word.to_owned()).collect(),
            ["healthy"] => claim = Some(Claim::Findings(Vec::new())),
            ["cause"] => claim = Some(Claim::Cause),
            ["no", "cause"] => claim = Some(Claim::NoCause),
            ["finding", "at", step, ref site @ ..] => {
                let step = if step == "end" { parser.last_step } else { step.parse().expect("a step") };
                findings.push((step, site.first().map(|&site| site.to_owned())));
            }
            [range, ref cells @ ..] => parser.rows(range, cells),
            [] => {}
        }
    }
    parser.records.push(Record::End { steps: parser.last_step + 1, reason: RunEnd::Completed });
    let claim = claim.unwrap_or(Claim::Findings(findings));
    Example { records: parser.records, claim }
}

impl Parser {
    fn site(&mut self, path: &str) -> SiteId {
        if let Some(id) = self.sites.find(path) {
            return id;
        }
        let order = self.sites.len() as u32;
        let shape = self.shapes.get(path).cloned().unwrap_or_default();
        let site = Site { path: path.to_owned(), order, units: 0, shape };
        self.records.push(Record::Site(site.clone()));
        self.sites.insert(site)
    }

    fn declare_sites(&mut self, words: &[&str]) {
        for (path, shape) in words.iter().filter_map(|word| word.strip_prefix("shape=")?.split_once(':')) {
            let shape = shape.split('x').map(|axis| axis.parse().expect("a number")).collect();
            self.shapes.insert(path.to_owned(), shape);
        }
        for path in words.iter().filter(|word| !word.contains('=')) {
            self.site(path);
        }
    }

    fn facts(&mut self, words: &[&str], provenance: Provenance) {
        for (name, value) in pairs(words) {
            let (site, key) = if let Some(key) = FactKey::from_name(name) {
                (None, key)
            } else {
                let (path, key) = name.rsplit_once('.').unwrap_or_else(|| panic!("unknown fact {name}"));
                (Some(self.site(path)), FactKey::from_name(key).expect("a known fact"))
            };
            let value = match (value.parse(), value.parse()) {
                (Ok(number), _) => FactValue::Number(number),
                (_, Ok(flag)) => FactValue::Flag(flag),
                _ => FactValue::Text(value.to_owned()),
            };
            self.records.push(Record::Fact(Fact { key, site, value, provenance }));
        }
    }

    fn rows(&mut self, range: &str, cells: &[&str]) {
        let (from, to) = range.split_once("..").unwrap_or((range, range));
        let (from, to): (u64, u64) = (from.parse().expect("a step"), to.parse().expect("a step"));
        assert_eq!(cells.len() + 1, self.header.len(), "one cell per column: {range} {cells:?}");
        for at in from..=to {
            let values: Vec<_> = cells.iter().map(|cell| value(cell, from, at, to)).collect();
            let record = if self.header[0] == "step" { self.step(at, &values) } else { self.epoch(at, &values) };
            self.records.push(record);
            self.records.extend(self.ranks(at, &values));
        }
    }

    /// What the ranks tell of a step, if there are columns of theirs.
    fn ranks(&self, step: u64, values: &[Option<f64>]) -> Option<Record> {
        let mut ranks: BTreeMap<u32, RankReading> = BTreeMap::new();
        for (name, value) in self.header[1..].iter().zip(values) {
            let (Some(column), Some(value)) = (name.strip_prefix(RANK), *value) else { continue };
            let (rank, field) = column.split_once('.').expect("rank=NUMBER.field");
            let rank = rank.parse().expect("the number of a rank");
            let none = RankReading { rank, checksum: None, seconds: None, broke: None };
            let reading = ranks.entry(rank).or_insert(none);
            let broken = |phase| if value.is_finite() { None } else { Some(phase) };
            match field {
                "checksum" => reading.checksum = Some(value as u64),
                "seconds" => reading.seconds = Some(value),
                "loss" => reading.broke = broken(Phase::Forward),
                "gradient" => reading.broke = reading.broke.or(broken(Phase::Backward)),
                "weight" => reading.broke = reading.broke.or(broken(Phase::Update)),
                _ => panic!("unknown field {field} of a rank"),
            }
        }
        (!ranks.is_empty()).then(|| Record::Ranks(RanksRecord { step, ranks: ranks.into_values().collect() }))
    }

    fn epoch(&self, epoch: u64, values: &[Option<f64>]) -> Record {
        let named = self.header[1..].iter().zip(values);
        let scalars = named.filter_map(|(name, value)| Some((scalar(name), (*value)?))).collect();
        Record::Epoch(EpochRecord { epoch: epoch as u32, steps: self.last_step + 1, scalars, named: Vec::new() })
    }

    fn step(&mut self, step: u64, values: &[Option<f64>]) -> Record {
        self.last_step = step;
        let mut record = StepRecord { step, stands_for: 1, ..StepRecord::default() };
        let mut tensors: Vec<((SiteId, Role), BTreeMap<String, f64>)> = Vec::new();
        for (name, value) in self.header.clone()[1..].iter().zip(values) {
            let Some(value) = *value else { continue };
            if name.starts_with(RANK) {
                continue;
            }
            let Some((path, tensor)) = name.rsplit_once('/') else {
                record.scalars.push((scalar(name), value));
                continue;
            };
            let (role, field) = tensor.split_once('.').expect("role.field");
            let key = (self.site(path), Role::from_name(role).unwrap_or_else(|| panic!("unknown role {role}")));
            match tensors.iter_mut().find(|(other, _)| *other == key) {
                Some((_, fields)) => _ = fields.insert(field.to_owned(), value),
                None => tensors.push((key, BTreeMap::from([(field.to_owned(), value)]))),
            }
        }
        for ((site, role), fields) in tensors {
            let (units, rest): (BTreeMap<_, _>, _) = fields.into_iter().partition(|(name, _)| is_unit_field(name));
            record.readings.push(SiteReading { site, role, reading: reading(&rest) });
            if !units.is_empty() {
                record.units.push(unit_reading(site, role, &units));
            }
        }
        Record::Step(record)
    }

    fn data(&mut self, words: &[&str]) {
        let mut data = DataReading { rows: 1000, ..DataReading::default() };
        for (name, text) in pairs(words) {
            set_data(&mut data, name, text);
        }
        self.records.push(Record::Data(data));
    }

    fn incident(&mut self, words: &[&str]) {
        let mut input = BTreeMap::new();
        let mut incident = Incident {
            step: self.last_step,
            phase: Phase::Forward,
            operation: String::new(),
            site: String::new(),
            source: None,
            rows: Vec::new(),
            rows_of: RowsOf::DataSet,
            row_count: 0,
            inputs: Vec::new(),
            victims: 1,
            exactness: Exactness::Exact,
        };
        for (name, text) in pairs(words) {
            match name {
                "operation" => text.clone_into(&mut incident.operation),
                "site" => text.clone_into(&mut incident.site),
                "rows" => incident.rows = text.split(',').map(|row| row.parse().expect("a row")).collect(),
                "phase" => {
                    let phases = [Phase::Data, Phase::Forward, Phase::Backward, Phase::Update];
                    incident.phase = phases.into_iter().find(|phase| phase.name() == text).expect("a phase");
                }
                "inexact" => {
                    incident.exactness = Exactness::Inexact { step: text.parse().expect("a step") };
                }
                "victims" => incident.victims = text.parse().expect("a count"),
                _ => {
                    let field = name.strip_prefix("input.").unwrap_or_else(|| panic!("unknown {name}"));
                    input.insert(field.to_owned(), text.parse().expect("a number"));
                }
            }
        }
        incident.row_count = incident.rows.len() as u64;
        let input = OperationInput { name: "input 0".to_owned(), shape: vec![64, 10], reading: reading(&input) };
        incident.inputs.push(input);
        self.records.push(Record::Incident(incident));
    }
}

fn pairs<'a>(words: &[&'a str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    words.iter().map(|word| word.split_once('=').unwrap_or_else(|| panic!("name=value: {word}")))
}

fn scalar(name: &str) -> Scalar {
    Scalar::from_name(name).unwrap_or_else(|| panic!("unknown scalar {name}"))
}

fn value(cell: &str, from: u64, at: u64, to: u64) -> Option<f64> {
    let number = |text: &str| text.parse::<f64>().unwrap_or_else(|_| panic!("not a number: {text}"));
    let share = if to > from { (at - from) as f64 / (to - from) as f64 } else { 1.0 };
    if cell == "-" {
        None
    } else if let Some((start, end)) = cell.split_once("->") {
        Some(number(start) + share * (number(end) - number(start)))
    } else if let Some((start, end)) = cell.split_once("=>") {
        Some(number(start) * (number(end) / number(start)).powf(share))
    } else if let Some((even, odd)) = cell.split_once('|') {
        Some(number(if at.is_multiple_of(2) { even } else { odd }))
    } else {
        Some(number(cell))
    }
}

fn is_unit_field(name: &str) -> bool {
    ["units", "dead", "constant", "duplicates", "bad_units"].contains(&name)
}

fn unit_reading(site: SiteId, role: Role, fields: &BTreeMap<String, f64>) -> UnitReading {
    let get = |name: &str, default: u32| fields.get(name).map_or(default, |value| *value as u32);
    let dead = get("dead", 0);
    UnitReading {
        site,
        role,
        units: get("units", UNITS),
        dead,
        constant: get("constant", dead),
        duplicates: get("duplicates", 0),
        non_finite: get("bad_units", 0),
        worst: [u32::MAX; 4],
    }
}

const FIELDS: &str =
    "count l2 rms mean std min max abs_max zero_share negative_share saturated_share nan inf neg_inf zeros";

/// A reading that has the given fields, the others following from them.
fn reading(fields: &BTreeMap<String, f64>) -> Reading {
    let known = |name: &String| FIELDS.split(' ').any(|field| field == name);
    assert!(fields.keys().all(known), "unknown field of a reading in {:?}", fields.keys());
    let get = |name: &str| fields.get(name).copied();
    let count = get("count").map_or(COUNT, |count| count as u64);
    let part = |share: Option<f64>| (share.unwrap_or(0.0) * count as f64).round() as u64;
    let size = get("rms").or(get("l2").map(|l2| l2 / (count as f64).sqrt()));
    let mean = get("mean").unwrap_or(0.0);
    let std = get("std").or(size.map(|rms| (rms * rms - mean * mean).max(0.0).sqrt())).unwrap_or(0.0);
    let rms = size.unwrap_or_else(|| mean.hypot(std));
    let (min, max) = (get("min").unwrap_or(mean - 3.0 * std), get("max").unwrap_or(mean + 3.0 * std));
    Reading {
        count,
        nan: get("nan").unwrap_or(0.0) as u64,
        pos_inf: get("inf").unwrap_or(0.0) as u64,
        neg_inf: get("neg_inf").unwrap_or(0.0) as u64,
        zeros: get("zeros").map_or_else(|| part(get("zero_share")), |zeros| zeros as u64),
        negatives: part(get("negative_share")),
        saturated: part(get("saturated_share")),
        min,
        max,
        mean,
        m2: std * std * count as f64,
        l1: rms * count as f64,
        l2: rms * (count as f64).sqrt(),
        abs_max: get("abs_max").unwrap_or(min.abs().max(max.abs())),
        ..Reading::EMPTY
    }
}

fn set_data(data: &mut DataReading, name: &str, text: &str) {
    let number = || text.parse::<f64>().unwrap_or_else(|_| panic!("not a number: {text}"));
    let list = || text.split(',').map(|item| item.parse().expect("a number")).collect::<Vec<f64>>();
    let (features, targets) = (&mut data.features, &mut data.targets);
    if name.starts_with("features.") {
        features.features = features.features.max(1);
    }
    match name {
        "rows" => data.rows = number() as u64,
        "neighbour_skill" => (data.neighbour_skill, data.neighbour_rows) = (Some(number()), 1000),
        "features" => features.features = number() as u32,
        "features.bad_rows" => features.bad_rows = number() as u64,
        "features.bad_columns" => features.bad_columns = number() as u32,
        "features.constant" => features.constant = number() as u32,
        "features.means" => features.means = list(),
        "features.scales" => features.scales = list(),
        "features.scale_min" => features.scale_min = number(),
        "features.scale_median" => features.scale_median = number(),
        "features.scale_max" => features.scale_max = number(),
        "features.mean_abs_max" => features.mean_abs_max = number(),
        "features.abs_max" => features.abs_max = number(),
        "features.rms" => features.rms = number(),
        "targets" => targets.columns = number() as u32,
        "targets.integer" => targets.integer = text == "true",
        "targets.whole" => targets.whole = text == "true",
        "targets.distinct" => targets.distinct = number() as u32,
        "targets.bad_rows" => targets.bad_rows = number() as u64,
        "targets.out_of_range" => targets.out_of_range = number() as u64,
        "targets.min" => targets.min = number(),
        "targets.max" => targets.max = number(),
        "targets.mean" => targets.mean = number(),
        "targets.std" => targets.std = number(),
        "targets.class_counts" => targets.class_counts = list().into_iter().map(|count| count as u64).collect(),
        "targets.repeated" => targets.repeated = number(),
        "targets.repeated_expected" => targets.repeated_expected = number(),
        _ => panic!("unknown `{name}` of the data"),
    }
}

mod tests {
    use super::*;

    #[test]
    fn rows_become_steps() {
        let text = "```trace\nfacts: steps=3\nstep loss a/weight.l2\n0..1 2->1 -\n2 NaN 3\nfinding at end a\n```";
        let example = &examples(text)[0];
        assert_eq!(example.claim, Claim::Findings(vec![(2, Some("a".to_owned()))]));
        let steps = example.records.iter().filter_map(|record| match record {
            Record::Step(step) => Some((step.step, step.scalar(Scalar::Loss)?.to_string(), step.readings.len())),
            _ => None,
        });
        let steps: Vec<_> = steps.collect();
        assert_eq!(steps, [(0, "2".to_owned(), 0), (1, "1".to_owned(), 0), (2, "NaN".to_owned(), 1)]);
    }

    #[test]
    fn a_ramp_may_be_geometric() {
        assert_eq!([0, 1, 2].map(|at| value("1=>100", 0, at, 2).unwrap().round()), [1.0, 10.0, 100.0]);
    }

    #[test]
    fn the_rest_of_a_reading_follows() {
        let given = reading(&BTreeMap::from([("l2".to_owned(), 200.0)]));
        assert_eq!((given.rms(), given.std(), given.max), (2.0, 2.0, 6.0));
    }
}
