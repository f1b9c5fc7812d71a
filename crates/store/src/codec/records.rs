//! The binary form of every record but the step.
use super::reading::{self, get_reading, put_reading};
use super::step::{get_scalars, put_scalars};
use super::wire::{
    Cursor, put_flag, put_float, put_floats, put_optional_float, put_text, put_varint, put_varints, put_varints_u32,
};
use super::{CodecError, kind};
use barograph_vocab::{
    DataReading, EpochRecord, Evidence, Exactness, Fact, FactKey, FactValue, FeatureSummary, Finding, Incident,
    OperationInput, Phase, Provenance, RankReading, RanksRecord, Record, Role, RowsOf, RunEnd, RunStart, Severity,
    Site, SiteId, SourceLine, TargetSummary, Trial,
};

const VALUE_TEXT: u8 = 0;
const VALUE_NUMBER: u8 = 1;
const VALUE_FLAG: u8 = 2;

const EXACT: u8 = 0;
const INEXACT: u8 = 1;
const NOT_REPLAYED: u8 = 2;
const WITNESSED: u8 = 3;

/// Bytes of the shortest evidence: empty text, narrow float, no limit.
const LEAST_EVIDENCE_BYTES: usize = 1 + 5 + 1;
/// Bytes of the shortest account of a rank: its number, flag, checksum, no seconds, phase.
const LEAST_RANK_BYTES: usize = 5;
/// Bytes of the shortest value with a name: empty name, narrow float.
const LEAST_NAMED_BYTES: usize = 1 + 5;
/// Bytes of the shortest input of an operation: empty name, empty shape, reading.
const LEAST_INPUT_BYTES: usize = 2 + reading::LEAST_BYTES;

type Got<T> = Result<T, CodecError>;

pub(super) fn put(record: &Record, out: &mut Vec<u8>) {
    match record {
        Record::Start(start) => put_start(start, out),
        Record::Site(site) => put_site(site, out),
        Record::Fact(fact) => put_fact(fact, out),
        Record::Step(step) => super::encode_step(step, out),
        Record::Epoch(epoch) => put_epoch(epoch, out),
        Record::Data(data) => put_data(data, out),
        Record::Ranks(ranks) => put_ranks(ranks, out),
        Record::Finding(finding) => put_finding(finding, out),
        Record::Incident(incident) => put_incident(incident, out),
        Record::Trial { slug, remedy, trial } => put_trial(slug, remedy, trial, out),
        Record::Dropped { step, count, reason } => {
            out.push(kind::DROPPED);
            put_varint(out, *step);
            put_varint(out, *count);
            put_text(out, reason);
        }
        Record::RuleOff { rule, reason } => {
            out.push(kind::RULE_OFF);
            put_text(out, rule);
            put_text(out, reason);
        }
        Record::Note { step, text } => {
            out.push(kind::NOTE);
            put_varint(out, *step);
            put_text(out, text);
        }
        Record::End { steps, reason } => {
            out.push(kind::END);
            put_varint(out, *steps);
            out.push(*reason as u8);
        }
    }
}

/// The record whose kind was already read, and how many of its parts were left out.
pub(super) fn get(kind: u8, cursor: &mut Cursor<'_>) -> Got<(Record, u32)> {
    let whole = match kind {
        kind::START => Record::Start(get_start(cursor)?),
        kind::SITE => Record::Site(get_site(cursor)?),
        kind::FACT => Record::Fact(get_fact(cursor)?),
        kind::EPOCH => return get_epoch(cursor),
        kind::DATA => Record::Data(get_data(cursor)?),
        kind::RANKS => Record::Ranks(get_ranks(cursor)?),
        kind::FINDING => Record::Finding(get_finding(cursor)?),
        kind::INCIDENT => Record::Incident(get_incident(cursor)?),
        kind::TRIAL => get_trial(cursor)?,
        kind::DROPPED => Record::Dropped { step: cursor.varint()?, count: cursor.varint()?, reason: cursor.text()? },
        kind::RULE_OFF => Record::RuleOff { rule: cursor.text()?, reason: cursor.text()? },
        kind::NOTE => Record::Note { step: cursor.varint()?, text: cursor.text()? },
        kind::END => Record::End { steps: cursor.varint()?, reason: code(cursor, RunEnd::from_code)? },
        unknown => return Err(CodecError::Unknown(unknown)),
    };
    Ok((whole, 0))
}

/// A byte that `from_code` gives a meaning.
fn code<T>(cursor: &mut Cursor<'_>, from_code: fn(u8) -> Option<T>) -> Got<T> {
    let code = cursor.byte()?;
    from_code(code).ok_or(CodecError::Unknown(code))
}

fn put_start(start: &RunStart, out: &mut Vec<u8>) {
    out.push(kind::START);
    put_text(out, &start.name);
    put_varint(out, start.started);
    put_text(out, &start.framework);
}

fn get_start(cursor: &mut Cursor<'_>) -> Got<RunStart> {
    Ok(RunStart { name: cursor.text()?, started: cursor.varint()?, framework: cursor.text()? })
}

fn put_site(site: &Site, out: &mut Vec<u8>) {
    out.push(kind::SITE);
    put_text(out, &site.path);
    put_varint(out, u64::from(site.order));
    put_varint(out, u64::from(site.units));
    put_varints_u32(out, &site.shape);
}

fn get_site(cursor: &mut Cursor<'_>) -> Got<Site> {
    Ok(Site {
        path: cursor.text()?,
        order: cursor.varint_u32()?,
        units: cursor.varint_u32()?,
        shape: cursor.varints_u32()?,
    })
}

fn put_fact(fact: &Fact, out: &mut Vec<u8>) {
    out.push(kind::FACT);
    out.push(fact.key as u8);
    out.push(fact.provenance as u8);
    // 0 is the run; sites are shifted by one.
    put_varint(out, fact.site.map_or(0, |site| u64::from(site.0) + 1));
    match &fact.value {
        FactValue::Text(text) => {
            out.push(VALUE_TEXT);
            put_text(out, text);
        }
        FactValue::Number(number) => {
            out.push(VALUE_NUMBER);
            put_float(out, *number);
        }
        FactValue::Flag(flag) => {
            out.push(VALUE_FLAG);
            put_flag(out, *flag);
        }
    }
}

fn get_fact(cursor: &mut Cursor<'_>) -> Got<Fact> {
    let key = code(cursor, FactKey::from_code)?;
    let provenance = code(cursor, Provenance::from_code)?;
    let site = match cursor.varint()?.checked_sub(1) {
        None => None,
        Some(id) => Some(SiteId(u32::try_from(id).map_err(|_| CodecError::Number)?)),
    };
    let value = match cursor.byte()? {
        VALUE_TEXT => FactValue::Text(cursor.text()?),
        VALUE_NUMBER => FactValue::Number(cursor.float()?),
        VALUE_FLAG => FactValue::Flag(cursor.flag()?),
        unknown => return Err(CodecError::Unknown(unknown)),
    };
    Ok(Fact { key, site, value, provenance })
}

fn put_epoch(epoch: &EpochRecord, out: &mut Vec<u8>) {
    out.push(kind::EPOCH);
    put_varint(out, u64::from(epoch.epoch));
    put_varint(out, epoch.steps);
    put_scalars(out, &epoch.scalars);
    if epoch.named.is_empty() {
        return;
    }
    put_varint(out, epoch.named.len() as u64);
    for (name, value) in &epoch.named {
        put_text(out, name);
        put_float(out, *value);
    }
}

fn get_epoch(cursor: &mut Cursor<'_>) -> Got<(Record, u32)> {
    let mut epoch = EpochRecord { epoch: cursor.varint_u32()?, steps: cursor.varint()?, ..EpochRecord::default() };
    let skipped = get_scalars(cursor, &mut epoch.scalars)?;
    // Most epochs have no names, and end here; so do those of older logs.
    if !cursor.is_empty() {
        for _ in 0..cursor.length(LEAST_NAMED_BYTES)? {
            epoch.named.push((cursor.text()?, cursor.float()?));
        }
    }
    Ok((Record::Epoch(epoch), skipped))
}

fn put_data(data: &DataReading, out: &mut Vec<u8>) {
    out.push(kind::DATA);
    put_varint(out, data.rows);
    put_features(&data.features, out);
    put_targets(&data.targets, out);
    put_optional_float(out, data.neighbour_skill);
    put_varint(out, u64::from(data.neighbour_rows));
}

fn get_data(cursor: &mut Cursor<'_>) -> Got<DataReading> {
    Ok(DataReading {
        rows: cursor.varint()?,
        features: get_features(cursor)?,
        targets: get_targets(cursor)?,
        neighbour_skill: cursor.optional_float()?,
        neighbour_rows: cursor.varint_u32()?,
    })
}

fn put_ranks(ranks: &RanksRecord, out: &mut Vec<u8>) {
    out.push(kind::RANKS);
    put_varint(out, ranks.step);
    put_varint(out, ranks.ranks.len() as u64);
    for rank in &ranks.ranks {
        put_varint(out, u64::from(rank.rank));
        put_flag(out, rank.checksum.is_some());
        put_varint(out, rank.checksum.unwrap_or_default());
        put_optional_float(out, rank.seconds);
        // 0 is a finite step; phases are shifted by one.
        out.push(rank.broke.map_or(0, |phase| phase as u8 + 1));
    }
}

fn get_ranks(cursor: &mut Cursor<'_>) -> Got<RanksRecord> {
    let step = cursor.varint()?;
    let ranks = (0..cursor.length(LEAST_RANK_BYTES)?).map(|_| {
        let rank = cursor.varint_u32()?;
        let (known, checksum) = (cursor.flag()?, cursor.varint()?);
        let seconds = cursor.optional_float()?;
        let broke = match cursor.byte()? {
            0 => None,
            code => Some(Phase::from_code(code - 1).ok_or(CodecError::Unknown(code))?),
        };
        Ok(RankReading { rank, checksum: known.then_some(checksum), seconds, broke })
    });
    Ok(RanksRecord { step, ranks: ranks.collect::<Got<_>>()? })
}

fn put_features(features: &FeatureSummary, out: &mut Vec<u8>) {
    put_varint(out, u64::from(features.features));
    put_varint(out, features.bad_rows);
    put_varints(out, &features.bad_row_examples);
    put_varint(out, u64::from(features.bad_columns));
    put_varints_u32(out, &features.bad_column_examples);
    put_varint(out, u64::from(features.constant));
    put_floats(out, &features.means);
    put_floats(out, &features.scales);
    for value in [
        features.scale_min,
        features.scale_median,
        features.scale_max,
        features.mean_abs_max,
        features.abs_max,
        features.rms,
    ] {
        put_float(out, value);
    }
}

fn get_features(cursor: &mut Cursor<'_>) -> Got<FeatureSummary> {
    Ok(FeatureSummary {
        features: cursor.varint_u32()?,
        bad_rows: cursor.varint()?,
        bad_row_examples: cursor.varints()?,
        bad_columns: cursor.varint_u32()?,
        bad_column_examples: cursor.varints_u32()?,
        constant: cursor.varint_u32()?,
        means: cursor.floats()?,
        scales: cursor.floats()?,
        scale_min: cursor.float()?,
        scale_median: cursor.float()?,
        scale_max: cursor.float()?,
        mean_abs_max: cursor.float()?,
        abs_max: cursor.float()?,
        rms: cursor.float()?,
    })
}

fn put_targets(targets: &TargetSummary, out: &mut Vec<u8>) {
    put_varint(out, u64::from(targets.columns));
    put_flag(out, targets.integer);
    put_flag(out, targets.whole);
    put_varint(out, u64::from(targets.distinct));
    put_varint(out, targets.bad_rows);
    put_varints(out, &targets.bad_row_examples);
    put_varint(out, targets.out_of_range);
    put_varints(out, &targets.out_of_range_examples);
    for value in [targets.min, targets.max, targets.mean, targets.std] {
        put_float(out, value);
    }
    put_varints(out, &targets.class_counts);
    put_float(out, targets.repeated);
    put_float(out, targets.repeated_expected);
}

fn get_targets(cursor: &mut Cursor<'_>) -> Got<TargetSummary> {
    Ok(TargetSummary {
        columns: cursor.varint_u32()?,
        integer: cursor.flag()?,
        whole: cursor.flag()?,
        distinct: cursor.varint_u32()?,
        bad_rows: cursor.varint()?,
        bad_row_examples: cursor.varints()?,
        out_of_range: cursor.varint()?,
        out_of_range_examples: cursor.varints()?,
        min: cursor.float()?,
        max: cursor.float()?,
        mean: cursor.float()?,
        std: cursor.float()?,
        class_counts: cursor.varints()?,
        repeated: cursor.float()?,
        repeated_expected: cursor.float()?,
    })
}

fn put_optional_text(out: &mut Vec<u8>, text: Option<&str>) {
    put_flag(out, text.is_some());
    if let Some(text) = text {
        put_text(out, text);
    }
}

fn get_optional_text(cursor: &mut Cursor<'_>) -> Got<Option<String>> {
    if cursor.flag()? { cursor.text().map(Some) } else { Ok(None) }
}

fn put_finding(finding: &Finding, out: &mut Vec<u8>) {
    out.push(kind::FINDING);
    put_text(out, &finding.code);
    put_text(out, &finding.name);
    out.push(finding.severity as u8);
    put_varint(out, finding.step);
    put_optional_text(out, finding.site.as_deref());
    // 0 is no role; roles are shifted by one.
    out.push(finding.role.map_or(0, |role| role as u8 + 1));
    put_text(out, &finding.message);
    put_varint(out, finding.evidence.len() as u64);
    for evidence in &finding.evidence {
        put_text(out, &evidence.text);
        put_float(out, evidence.value);
        put_optional_float(out, evidence.limit);
    }
}

fn get_finding(cursor: &mut Cursor<'_>) -> Got<Finding> {
    Ok(Finding {
        code: cursor.text()?,
        name: cursor.text()?,
        severity: code(cursor, Severity::from_code)?,
        step: cursor.varint()?,
        site: get_optional_text(cursor)?,
        role: get_optional_role(cursor)?,
        message: cursor.text()?,
        evidence: get_evidence(cursor)?,
    })
}

fn get_optional_role(cursor: &mut Cursor<'_>) -> Got<Option<Role>> {
    match cursor.byte()? {
        0 => Ok(None),
        shifted => Role::from_code(shifted - 1).map(Some).ok_or(CodecError::Unknown(shifted)),
    }
}

fn get_evidence(cursor: &mut Cursor<'_>) -> Got<Vec<Evidence>> {
    (0..cursor.length(LEAST_EVIDENCE_BYTES)?)
        .map(|_| Ok(Evidence { text: cursor.text()?, value: cursor.float()?, limit: cursor.optional_float()? }))
        .collect()
}

fn put_incident(incident: &Incident, out: &mut Vec<u8>) {
    out.push(kind::INCIDENT);
    put_varint(out, incident.step);
    out.push(incident.phase as u8);
    put_text(out, &incident.operation);
    put_text(out, &incident.site);
    put_flag(out, incident.source.is_some());
    if let Some(source) = &incident.source {
        put_text(out, &source.file);
        put_varint(out, u64::from(source.line));
        put_text(out, &source.text);
    }
    put_varints(out, &incident.rows);
    out.push(incident.rows_of as u8);
    put_varint(out, incident.row_count);
    put_varint(out, incident.inputs.len() as u64);
    for input in &incident.inputs {
        put_text(out, &input.name);
        put_varints_u32(out, &input.shape);
        put_reading(out, &input.reading);
    }
    put_varint(out, u64::from(incident.victims));
    match &incident.exactness {
        Exactness::Exact => out.push(EXACT),
        Exactness::Inexact { step } => {
            out.push(INEXACT);
            put_varint(out, *step);
        }
        Exactness::NotReplayed { reason } => {
            out.push(NOT_REPLAYED);
            put_text(out, reason);
        }
        Exactness::Witnessed => out.push(WITNESSED),
    }
}

fn get_incident(cursor: &mut Cursor<'_>) -> Got<Incident> {
    Ok(Incident {
        step: cursor.varint()?,
        phase: code(cursor, Phase::from_code)?,
        operation: cursor.text()?,
        site: cursor.text()?,
        source: get_source(cursor)?,
        rows: cursor.varints()?,
        rows_of: code(cursor, RowsOf::from_code)?,
        row_count: cursor.varint()?,
        inputs: get_inputs(cursor)?,
        victims: cursor.varint_u32()?,
        exactness: get_exactness(cursor)?,
    })
}

fn get_source(cursor: &mut Cursor<'_>) -> Got<Option<SourceLine>> {
    if !cursor.flag()? {
        return Ok(None);
    }
    Ok(Some(SourceLine { file: cursor.text()?, line: cursor.varint_u32()?, text: cursor.text()? }))
}

fn get_inputs(cursor: &mut Cursor<'_>) -> Got<Vec<OperationInput>> {
    (0..cursor.length(LEAST_INPUT_BYTES)?)
        .map(|_| {
            Ok(OperationInput { name: cursor.text()?, shape: cursor.varints_u32()?, reading: get_reading(cursor)? })
        })
        .collect()
}

fn get_exactness(cursor: &mut Cursor<'_>) -> Got<Exactness> {
    match cursor.byte()? {
        EXACT => Ok(Exactness::Exact),
        INEXACT => Ok(Exactness::Inexact { step: cursor.varint()? }),
        NOT_REPLAYED => Ok(Exactness::NotReplayed { reason: cursor.text()? }),
        WITNESSED => Ok(Exactness::Witnessed),
        unknown => Err(CodecError::Unknown(unknown)),
    }
}

fn put_trial(slug: &str, remedy: &str, trial: &Trial, out: &mut Vec<u8>) {
    out.push(kind::TRIAL);
    put_text(out, slug);
    put_text(out, remedy);
    put_varint(out, trial.from_step);
    put_varint(out, trial.steps);
    put_flag(out, trial.finite);
    put_float(out, trial.loss_first);
    put_float(out, trial.loss_last);
    put_float(out, trial.loss_without);
    put_flag(out, trial.works);
}

fn get_trial(cursor: &mut Cursor<'_>) -> Got<Record> {
    Ok(Record::Trial {
        slug: cursor.text()?,
        remedy: cursor.text()?,
        trial: Trial {
            from_step: cursor.varint()?,
            steps: cursor.varint()?,
            finite: cursor.flag()?,
            loss_first: cursor.float()?,
            loss_last: cursor.float()?,
            loss_without: cursor.float()?,
            works: cursor.flag()?,
        },
    })
}
