//! Records for tests.
#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(unreachable_pub, reason = "each test binary includes this module")]

use barograph_store::{Options, Reader, Writer};
use barograph_vocab::{
    BINS, DataReading, EpochRecord, Evidence, Exactness, Fact, FactKey, FactValue, FeatureSummary, Finding, Incident,
    OperationInput, Phase, Provenance, RankReading, RanksRecord, Reading, Record, Role, RowsOf, RunEnd, RunStart,
    Scalar, Severity, Site, SiteId, SiteReading, SourceLine, StepRecord, TargetSummary, Trial, UnitReading,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::path::Path;

/// A reading as a healthy tensor gives it: 25 bins in use; its sums are f32 numbers, so that it comes back as it was.
pub fn usual_reading(seed: u32) -> Reading {
    let mut histogram = [0; BINS];
    for (bin, count) in histogram.iter_mut().enumerate().skip(15).take(25) {
        *count = (seed % 97 + 1) * (bin as u32 * 37 % 211 + 1);
    }
    let scale = (seed % 31 + 1) as f32 / 7.0;
    let min = -0.731 * (seed % 3 + 1) as f32;
    let max = 0.822_f32;
    Reading {
        count: 65_536,
        zeros: 3,
        negatives: 32_801,
        min: f64::from(min),
        max: f64::from(max),
        mean: f64::from(1.234_567_9e-4 * scale),
        m2: f64::from(651.234_6 * scale),
        l1: f64::from(4_801.123 * scale),
        l2: f64::from(25.519_28 * scale),
        abs_max: f64::from(min.abs().max(max)),
        histogram,
        ..Reading::EMPTY
    }
}

/// A step with this many readings.
pub fn usual_step(step: u64, readings: u32) -> StepRecord {
    let reading = |site| SiteReading {
        site: SiteId(site / 2),
        role: if site % 2 == 0 { Role::Gradient } else { Role::Weight },
        reading: usual_reading(site + step as u32 % 1000),
    };
    StepRecord {
        step,
        epoch: (step / 1000) as u32,
        scalars: vec![
            (Scalar::Loss, f64::from(2.0_f32 / (1.0 + step as f32))),
            (Scalar::LearningRate, 0.001),
            (Scalar::GradientNorm, 1.5),
        ],
        readings: (0..readings).map(reading).collect(),
        units: Vec::new(),
        stands_for: 1,
    }
}

/// A record of text only.
pub fn note(step: u64) -> Record {
    Record::Note { step, text: format!("note at {step}") }
}

/// Writes a whole run of these records.
pub fn write_run(dir: &Path, options: Options, records: &[Record]) {
    let mut writer = Writer::create(dir, options).unwrap();
    for record in records {
        writer.append(record).unwrap();
    }
    writer.close().unwrap();
}

/// A run of `steps` steps with a beginning and an end.
pub fn usual_run(steps: u64) -> Vec<Record> {
    let start = RunStart { name: "a run".to_owned(), started: 1, framework: "barograph 0.1.0".to_owned() };
    let middle = (0..steps).map(|step| Record::Step(usual_step(step, 2)));
    std::iter::once(Record::Start(start))
        .chain(middle)
        .chain([Record::End { steps, reason: RunEnd::Completed }])
        .collect()
}

/// Every record of a run, and the reader at its end.
pub fn read_run(dir: &Path) -> (Vec<Record>, Reader) {
    let mut reader = Reader::open(dir).unwrap();
    let records = reader.by_ref().map(Result::unwrap).collect();
    (records, reader)
}

/// The numbers of all steps in a log.
pub fn steps_of(records: &[Record]) -> Vec<u64> {
    records.iter().filter_map(|record| if let Record::Step(step) = record { Some(step.step) } else { None }).collect()
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[ -~]{0,12}", "\\PC{0,8}"]
}

/// Any float, special and f32 ones often.
pub fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        any::<f32>().prop_map(f64::from),
        Just(0.0),
        Just(-0.0),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(1e300),
        Just(1e-42),
    ]
}

fn id() -> impl Strategy<Value = SiteId> {
    prop_oneof![0..200_u32, any::<u32>()].prop_map(SiteId)
}

fn role() -> impl Strategy<Value = Role> {
    proptest::sample::select(&Role::ALL[..])
}

fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, any::<u64>()]
}

fn small() -> impl Strategy<Value = u32> {
    prop_oneof![0..300_u32, any::<u32>()]
}

prop_compose! {
    /// Any valid reading: no more non-finite elements than elements.
    pub fn reading()(
        (nan, pos_inf, neg_inf, rest) in (0..1_u64 << 40, 0..9_u64, 0..9_u64, 0..1_u64 << 50),
        (zeros, negatives, saturated) in (number(), number(), number()),
        floats in proptest::array::uniform7(float()),
        bins in vec((0..BINS, small()), 0..9),
    ) -> Reading {
        let [min, max, mean, m2, l1, l2, abs_max] = floats;
        let mut histogram = [0; BINS];
        for (bin, count) in bins {
            histogram[bin] = count;
        }
        let count = nan + pos_inf + neg_inf + rest;
        Reading { count, nan, pos_inf, neg_inf, zeros, negatives, saturated, min, max, mean, m2, l1, l2, abs_max, histogram }
    }
}

fn scalars() -> impl Strategy<Value = Vec<(Scalar, f64)>> {
    vec((proptest::sample::select(Scalar::ALL), float()), 0..6)
}

prop_compose! {
    fn unit()(
        (site, role) in (id(), role()),
        counts in proptest::array::uniform5(small()),
        worst in proptest::array::uniform4(prop_oneof![small(), Just(u32::MAX)]),
    ) -> UnitReading {
        let [units, dead, constant, duplicates, non_finite] = counts;
        UnitReading { site, role, units, dead, constant, duplicates, non_finite, worst }
    }
}

prop_compose! {
    /// Any step.
    pub fn step()(
        (step, epoch, stands_for) in (number(), small(), small()),
        scalars in scalars(),
        readings in vec((id(), role(), reading()), 0..4),
        units in vec(unit(), 0..3),
    ) -> StepRecord {
        let readings =
            readings.into_iter().map(|(site, role, reading)| SiteReading { site, role, reading }).collect();
        StepRecord { step, epoch, scalars, readings, units, stands_for }
    }
}

fn fact() -> impl Strategy<Value = Fact> {
    let value = prop_oneof![
        text().prop_map(FactValue::Text),
        float().prop_map(FactValue::Number),
        any::<bool>().prop_map(FactValue::Flag)
    ];
    let provenance = prop_oneof![Just(Provenance::Declared), Just(Provenance::Inferred), Just(Provenance::Measured)];
    (proptest::sample::select(FactKey::ALL), option::of(id()), value, provenance)
        .prop_map(|(key, site, value, provenance)| Fact { key, site, value, provenance })
}

prop_compose! {
    fn features()(
        (features, bad_rows, bad_columns, constant) in (small(), number(), small(), small()),
        (bad_row_examples, bad_column_examples) in (vec(number(), 0..5), vec(small(), 0..5)),
        (means, scales) in (vec(float(), 0..5), vec(any::<f32>().prop_map(f64::from), 0..5)),
        floats in proptest::array::uniform6(float()),
    ) -> FeatureSummary {
        let [scale_min, scale_median, scale_max, mean_abs_max, abs_max, rms] = floats;
        FeatureSummary {
            features, bad_rows, bad_row_examples, bad_columns, bad_column_examples, constant, means, scales, scale_min,
            scale_median, scale_max, mean_abs_max, abs_max, rms,
        }
    }
}

prop_compose! {
    fn targets()(
        (columns, integer, whole, distinct) in (small(), any::<bool>(), any::<bool>(), small()),
        (bad_rows, bad_row_examples) in (number(), vec(number(), 0..5)),
        (out_of_range, out_of_range_examples) in (number(), vec(number(), 0..5)),
        class_counts in vec(number(), 0..9),
        floats in proptest::array::uniform6(float()),
    ) -> TargetSummary {
        let [min, max, mean, std, repeated, repeated_expected] = floats;
        TargetSummary {
            columns, integer, whole, distinct, bad_rows, bad_row_examples, out_of_range, out_of_range_examples, min, max,
            mean, std, class_counts, repeated, repeated_expected,
        }
    }
}

prop_compose! {
    fn data()(
        rows in number(),
        features in features(),
        targets in targets(),
        neighbour_skill in option::of(float()),
        neighbour_rows in small(),
    ) -> DataReading {
        DataReading { rows, features, targets, neighbour_skill, neighbour_rows }
    }
}

prop_compose! {
    fn evidence()(text in text(), value in float(), limit in option::of(float())) -> Evidence {
        Evidence { text, value, limit }
    }
}

prop_compose! {
    fn finding()(
        (code, name, message) in (text(), text(), text()),
        severity in prop_oneof![Just(Severity::Note), Just(Severity::Warning), Just(Severity::Error)],
        (step, site, role) in (number(), option::of(text()), option::of(role())),
        evidence in vec(evidence(), 0..3),
    ) -> Finding {
        Finding { code, name, severity, step, site, role, message, evidence }
    }
}

prop_compose! {
    fn incident()(
        step in number(),
        phase in prop_oneof![Just(Phase::Data), Just(Phase::Forward), Just(Phase::Backward), Just(Phase::Update)],
        (operation, site) in (text(), text()),
        source in option::of((text(), small(), text()).prop_map(|(file, line, text)| SourceLine { file, line, text })),
        (rows, row_count, victims) in (vec(number(), 0..5), number(), small()),
        rows_of in prop_oneof![Just(RowsOf::DataSet), Just(RowsOf::Batch)],
        inputs in vec(
            (text(), vec(small(), 0..4), reading())
                .prop_map(|(name, shape, reading)| OperationInput { name, shape, reading }),
            0..3,
        ),
        exactness in prop_oneof![
            Just(Exactness::Exact),
            Just(Exactness::Witnessed),
            number().prop_map(|step| Exactness::Inexact { step }),
            text().prop_map(|reason| Exactness::NotReplayed { reason }),
        ],
    ) -> Incident {
        Incident { step, phase, operation, site, source, rows, rows_of, row_count, inputs, victims, exactness }
    }
}

prop_compose! {
    fn trial()(
        (slug, remedy) in (text(), text()),
        (from_step, steps) in (number(), number()),
        (finite, works) in any::<(bool, bool)>(),
        (loss_first, loss_last, loss_without) in (float(), float(), float()),
    ) -> Record {
        Record::Trial {
            slug,
            remedy,
            trial: Trial { from_step, steps, finite, loss_first, loss_last, loss_without, works },
        }
    }
}

fn ending() -> impl Strategy<Value = Record> {
    let reason =
        prop_oneof![Just(RunEnd::Completed), Just(RunEnd::Stopped), Just(RunEnd::Interrupted), Just(RunEnd::Failed)];
    (number(), reason).prop_map(|(steps, reason)| Record::End { steps, reason })
}

fn ranks() -> impl Strategy<Value = RanksRecord> {
    let phase = prop_oneof![Just(Phase::Data), Just(Phase::Forward), Just(Phase::Backward), Just(Phase::Update)];
    let rank = (small(), option::of(number()), option::of(float()), option::of(phase))
        .prop_map(|(rank, checksum, seconds, broke)| RankReading { rank, checksum, seconds, broke });
    (number(), vec(rank, 0..5)).prop_map(|(step, ranks)| RanksRecord { step, ranks })
}

/// Any record of any kind.
pub fn record() -> impl Strategy<Value = Record> {
    let start = (text(), number(), text())
        .prop_map(|(name, started, framework)| Record::Start(RunStart { name, started, framework }));
    let site = (text(), small(), small(), vec(small(), 0..4))
        .prop_map(|(path, order, units, shape)| Record::Site(Site { path, order, units, shape }));
    let epoch = (small(), number(), scalars(), vec((text(), float()), 0..3))
        .prop_map(|(epoch, steps, scalars, named)| Record::Epoch(EpochRecord { epoch, steps, scalars, named }));
    prop_oneof![
        start,
        site,
        fact().prop_map(Record::Fact),
        step().prop_map(Record::Step),
        epoch,
        data().prop_map(Record::Data),
        ranks().prop_map(Record::Ranks),
        finding().prop_map(Record::Finding),
        incident().prop_map(Record::Incident),
        trial(),
        (number(), number(), text()).prop_map(|(step, count, reason)| Record::Dropped { step, count, reason }),
        (text(), text()).prop_map(|(rule, reason)| Record::RuleOff { rule, reason }),
        (number(), text()).prop_map(|(step, text)| Record::Note { step, text }),
        ending(),
    ]
}
