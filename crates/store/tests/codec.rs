//! The encoding: lossless, stable, and safe against any bytes.
mod support;

use barograph_store::{CodecError, Decoded, decode, decode_step_into, encode, encode_step, glance};
use barograph_vocab::{EpochRecord, Reading, Record, Role, RunEnd, Scalar, SiteId, SiteReading, StepRecord};
use proptest::prelude::*;
use support::{reading, record, step, usual_reading, usual_step};

fn encoded(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(record, &mut bytes);
    bytes
}

fn decoded(bytes: &[u8]) -> Record {
    let Decoded { record, skipped } = decode(bytes).unwrap();
    assert_eq!(skipped, 0);
    record.unwrap()
}

/// NaN is not equal to itself, but its text is.
fn shown(record: &Record) -> String {
    format!("{record:?}")
}

/// Whether f32 rounding is all that happened to a sum of a tensor of f32 numbers.
fn is_rounded(sum: f64, kept: f64) -> bool {
    kept.to_bits() == sum.to_bits() || (f64::from(sum as f32) == kept && kept != 0.0 && kept.is_finite())
}

fn narrow(value: f64) -> bool {
    f64::from(value as f32).to_bits() == value.to_bits()
}

proptest! {
    /// All but readings and their sums comes back as it was; see the next tests for these.
    #[test]
    fn a_record_comes_back(record in record()) {
        let back = decoded(&encoded(&record));
        let holds_readings = matches!(&record, Record::Step(step) if !step.readings.is_empty())
            || matches!(&record, Record::Incident(incident) if !incident.inputs.is_empty());
        if !holds_readings {
            prop_assert_eq!(shown(&back), shown(&record));
        }
    }

    #[test]
    fn what_was_read_is_a_fixed_point(record in record()) {
        let once = decoded(&encoded(&record));
        prop_assert_eq!(encoded(&once), encoded(&record));
        prop_assert_eq!(shown(&decoded(&encoded(&once))), shown(&once));
    }

    #[test]
    fn a_reading_comes_back_but_for_rounded_sums(reading in reading()) {
        let entry = SiteReading { site: SiteId(7), role: Role::Update, reading };
        let Record::Step(step) =
            decoded(&encoded(&Record::Step(StepRecord { readings: vec![entry], ..StepRecord::default() })))
        else { panic!("a step") };
        let back = step.readings[0].reading;
        let sums = |reading: &Reading| [reading.mean, reading.m2, reading.l1, reading.l2];
        for (sum, kept) in sums(&reading).into_iter().zip(sums(&back)) {
            prop_assert!(is_rounded(sum, kept), "{sum} became {kept}");
            if !(narrow(reading.min) && narrow(reading.max)) {
                prop_assert_eq!(sum.to_bits(), kept.to_bits());
            }
        }
        let unsummed = |reading: &Reading| format!("{:?}", Reading { mean: 0.0, m2: 0.0, l1: 0.0, l2: 0.0, ..*reading });
        prop_assert_eq!(unsummed(&back), unsummed(&reading));
    }

    #[test]
    fn any_bytes_are_safe(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(decode(&bytes));
        prop_assert!(glance(&bytes).is_none() || bytes[0] == 4);
    }

    #[test]
    fn mutated_bytes_are_safe(record in record(), place in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<proptest::sample::Index>()) {
        let mut bytes = encoded(&record);
        *place.get_mut(&mut bytes) = byte;
        drop(decode(&bytes));
        drop(decode(&bytes[..cut.index(bytes.len())]));
    }

    #[test]
    fn a_record_that_is_cut_short_is_an_error(record in record(), cut in any::<proptest::sample::Index>()) {
        let bytes = encoded(&record);
        let cut = &bytes[..cut.index(bytes.len())];
        // An epoch that ends before its names is one of an older log, and whole.
        let of_old = match &record {
            Record::Epoch(epoch) => encoded(&Record::Epoch(EpochRecord { named: Vec::new(), ..epoch.clone() })),
            _ => Vec::new(),
        };
        prop_assert!(decode(cut).is_err() || cut == of_old);
    }

    #[test]
    fn a_glance_agrees_with_the_step(step in step()) {
        let head = glance(&encoded(&Record::Step(step.clone()))).unwrap();
        prop_assert_eq!((head.step, head.epoch, head.stands_for), (step.step, step.epoch, step.stands_for));
        prop_assert_eq!(head.loss.map(f64::to_bits), step.scalar(Scalar::Loss).map(f64::to_bits));
    }

    /// What reads valid bytes into a used step gives the same as into a new one.
    #[test]
    fn a_step_can_be_reused(first in step(), second in step()) {
        let mut reused = StepRecord::default();
        for step in [&first, &second] {
            let bytes = encoded(&Record::Step(step.clone()));
            prop_assert_eq!(decode_step_into(&bytes, &mut reused), Ok(0));
            prop_assert_eq!(shown(&Record::Step(reused.clone())), shown(&decoded(&bytes)));
        }
    }
}

#[test]
fn a_usual_step_is_small_and_costs_no_memory_once_warm() {
    let step = usual_step(1234, 26);
    let mut bytes = Vec::new();
    encode_step(&step, &mut bytes);
    assert!(bytes.len() <= 3000, "{} bytes", bytes.len());

    let mut back = StepRecord::default();
    decode_step_into(&bytes, &mut back).unwrap();
    let capacities = |step: &StepRecord| [step.scalars.capacity(), step.readings.capacity(), step.units.capacity()];
    let (before, written) = (capacities(&back), bytes.capacity());
    bytes.clear();
    encode_step(&step, &mut bytes);
    decode_step_into(&bytes, &mut back).unwrap();
    assert_eq!((capacities(&back), bytes.capacity()), (before, written));
}

#[test]
fn the_order_of_a_readings_numbers_survives_rounding() {
    // The mean of a constant tensor is the constant, and not above its maximum.
    let constant = f64::from(0.1_f32);
    let tensor = Reading {
        count: 3,
        min: constant,
        max: constant,
        mean: constant,
        abs_max: constant,
        l1: 3.0 * constant,
        l2: 3.0_f64.sqrt() * constant,
        ..usual_reading(1)
    };
    let entry = SiteReading { site: SiteId(0), role: Role::Weight, reading: tensor };
    let Record::Step(step) =
        decoded(&encoded(&Record::Step(StepRecord { readings: vec![entry], ..StepRecord::default() })))
    else {
        panic!("a step")
    };
    let back = step.readings[0].reading;
    assert!(back.min <= back.mean && back.mean <= back.max);
    assert!(back.abs_max <= back.l2 && back.l2 <= back.l1);
}

#[test]
fn sums_out_of_range_of_an_f32_keep_their_magnitude() {
    let reading = Reading { m2: 4e40, l2: 2e20, l1: 4e20, mean: 1e-60, ..usual_reading(0) };
    let entry = SiteReading { site: SiteId(0), role: Role::Gradient, reading };
    let Record::Step(step) =
        decoded(&encoded(&Record::Step(StepRecord { readings: vec![entry], ..StepRecord::default() })))
    else {
        panic!("a step")
    };
    assert_eq!((step.readings[0].reading.m2, step.readings[0].reading.mean), (4e40, 1e-60));
}

#[test]
fn what_a_newer_version_added_is_left_out_and_counted() {
    // A record of an unknown kind.
    assert_eq!(decode(&[200, 1, 2, 3]), Ok(Decoded { record: None, skipped: 1 }));
    // A fact with an unknown key.
    assert_eq!(decode(&[3, 250, 0, 0, 0, 0]), Ok(Decoded { record: None, skipped: 1 }));
    // A field behind those known.
    let end = Record::End { steps: 9, reason: RunEnd::Completed };
    let mut bytes = encoded(&end);
    bytes.push(77);
    assert_eq!(decoded(&bytes), end);
    // A scalar that is not known, between two that are.
    let step = StepRecord {
        scalars: vec![(Scalar::Loss, 1.0), (Scalar::Accuracy, 0.5), (Scalar::BatchRows, 32.0)],
        ..usual_step(0, 1)
    };
    let mut bytes = encoded(&Record::Step(step));
    let accuracy = bytes.iter().position(|byte| *byte == Scalar::Accuracy as u8).unwrap();
    assert_eq!(bytes[accuracy + 1..accuracy + 5], 0.5_f32.to_le_bytes());
    bytes[accuracy] = 100;
    let Decoded { record: Some(Record::Step(back)), skipped: 1 } = decode(&bytes).unwrap() else { panic!("a step") };
    assert_eq!(back.scalars, [(Scalar::Loss, 1.0), (Scalar::BatchRows, 32.0)]);
    assert_eq!(back.readings.len(), 1);
}

#[test]
fn a_hostile_length_costs_no_memory() {
    // A note whose text claims 2^60 bytes, and a step that claims 2^60 scalars.
    let huge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    assert_eq!(decode(&[&[12, 0][..], &huge].concat()), Err(CodecError::Short));
    assert_eq!(decode(&[&[4, 0, 0, 1][..], &huge].concat()), Err(CodecError::Short));
}

#[test]
fn a_reading_that_would_wrap_is_refused() {
    let entry =
        SiteReading { site: SiteId(0), role: Role::Weight, reading: Reading { count: 1, nan: 2, ..Reading::EMPTY } };
    let bytes = encoded(&Record::Step(StepRecord { readings: vec![entry], ..StepRecord::default() }));
    assert_eq!(decode(&bytes), Err(CodecError::Counts));
}
