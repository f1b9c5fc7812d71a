//! What holds for every run, however mad: no rule panics, and the same records give the same diagnosis.
use super::Judge;
use crate::facts::EvidenceMode;
use barograph_vocab::{
    DataReading, EpochRecord, Fact, FactKey, FactValue, FeatureSummary, Provenance, Reading, Record, Role, Scalar,
    Site, SiteId, SiteReading, StepRecord, TargetSummary, UnitReading,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Numbers that break careless arithmetic.
const HARD: [f64; 9] =
    [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 1e-300, -1e300];

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![4 => -10.0..10.0, 1 => prop::sample::select(HARD.to_vec())]
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0..100u64, 1 => prop::sample::select(vec![0, 1, u64::MAX, u64::MAX - 1])]
}

fn reading() -> impl Strategy<Value = Reading> {
    (prop::array::uniform6(count()), prop::array::uniform7(number())).prop_map(|(counts, numbers)| {
        let [count, nan, pos_inf, zeros, negatives, saturated] = counts;
        let [min, max, mean, m2, l1, l2, abs_max] = numbers;
        // Most readings are finite, as in life.
        let (nan, pos_inf) = if nan < 90 { (0, 0) } else { (nan, pos_inf) };
        Reading {
            count,
            nan,
            pos_inf,
            zeros,
            negatives,
            saturated,
            min,
            max,
            mean,
            m2,
            l1,
            l2,
            abs_max,
            ..Reading::EMPTY
        }
    })
}

fn site_reading() -> impl Strategy<Value = SiteReading> {
    (0..5u32, 0..Role::ALL.len(), reading()).prop_map(|(site, role, reading)| SiteReading {
        site: SiteId(site),
        role: Role::ALL[role],
        reading,
    })
}

fn unit_reading() -> impl Strategy<Value = UnitReading> {
    (0..5u32, 0..Role::ALL.len(), prop::array::uniform5(0..70u32)).prop_map(
        |(site, role, [units, dead, constant, duplicates, bad])| UnitReading {
            site: SiteId(site),
            role: Role::ALL[role],
            units,
            dead,
            constant,
            duplicates,
            non_finite: bad,
            worst: [0; 4],
        },
    )
}

fn scalars() -> impl Strategy<Value = Vec<(Scalar, f64)>> {
    vec((prop::sample::select(Scalar::ALL), number()), 0..8)
}

fn data() -> impl Strategy<Value = DataReading> {
    (prop::array::uniform8(number()), prop::array::uniform6(count()), vec(count(), 0..4)).prop_map(
        |(n, c, class_counts)| {
            let features = FeatureSummary {
                features: c[0] as u32,
                bad_rows: c[1],
                scale_min: n[0],
                scale_max: n[1],
                mean_abs_max: n[2],
                rms: n[3],
                ..FeatureSummary::default()
            };
            let targets = TargetSummary {
                distinct: c[2] as u32,
                bad_rows: c[3],
                out_of_range: c[4],
                min: n[4],
                max: n[5],
                mean: n[6],
                std: n[7],
                class_counts,
                repeated: n[0],
                ..TargetSummary::default()
            };
            DataReading { rows: c[5], features, targets, neighbour_skill: Some(n[2]), neighbour_rows: 500 }
        },
    )
}

fn record() -> impl Strategy<Value = Record> {
    prop_oneof![
        1 => (0..4usize, 0..6u32).prop_map(|(path, order)| {
            let path = ["a", "a.weight", "b", "b.bias"][path].to_owned();
            Record::Site(Site { path, order, units: order, shape: vec![order, 7] })
        }),
        1 => (prop::sample::select(FactKey::ALL), number()).prop_map(|(key, value)| {
            Record::Fact(Fact { key, site: None, value: FactValue::Number(value), provenance: Provenance::Measured })
        }),
        1 => (0..9u32, scalars()).prop_map(|(epoch, scalars)| Record::Epoch(EpochRecord { epoch, steps: 3, scalars, named: Vec::new() })),
        1 => data().prop_map(Record::Data),
        9 => (count(), scalars(), vec(site_reading(), 0..12), vec(unit_reading(), 0..4), 0..3u32).prop_map(
            |(step, scalars, readings, units, stands_for)| {
                Record::Step(StepRecord { step, epoch: 0, scalars, readings, units, stands_for })
            }
        ),
    ]
}

fn judge(records: &[Record]) -> Judge {
    let mut judge = Judge::new();
    for record in records {
        judge.see(record);
    }
    judge.finish();
    judge
}

proptest! {
    #[test]
    fn no_rule_panics_and_the_diagnosis_is_reproducible(records in vec(record(), 0..60)) {
        for mode in [EvidenceMode::All, EvidenceMode::Measured] {
            let diagnosis = judge(&records).diagnosis(mode);
            for rule in &diagnosis.not_checked {
                prop_assert!(!rule.reason.contains("panicked"), "{}", rule.rule);
            }
            for cause in &diagnosis.causes {
                prop_assert!((0.0..=1.0).contains(&cause.confidence), "{}", cause.slug);
            }
            // Compared as text, in which NaN equals NaN.
            prop_assert_eq!(format!("{diagnosis:?}"), format!("{:?}", judge(&records).diagnosis(mode)));
        }
    }
}
