//! The binary form of a record: one byte for its kind, then its fields.
//!
//! Counts are varints, text is UTF-8 behind its length, a float takes four bytes where that is exact and eight
//! elsewhere. Fields are only ever added at the end of a kind, and a reader ignores what follows the fields it knows;
//! a kind that it does not know it leaves out and counts. So a newer log opens in an older reader.
//!
//! One thing is rounded: the sums of a reading (`mean`, `m2`, `l1`, `l2`) of a tensor whose extremes are f32 numbers are
//! kept as f32 where they are in its normal range, because summing in another order moves them by more than that.
//! Rounding is monotone, so `min <= mean <= max` and `abs_max <= l2 <= l1` survive it. `decode(encode(x))` is a fixed
//! point of the pair: who must agree with the log, live, looks at the decoded record.
mod reading;
mod records;
mod step;
mod wire;

pub use step::{StepGlance, decode_step_into, encode_step, glance};

use barograph_vocab::Record;
use wire::Cursor;

/// The longest encoded record that a log takes, in bytes. Our choice: 150,000 readings of one step.
pub const MAX_RECORD_BYTES: usize = 16 << 20;

/// Codes of the kinds of records, as written; never reused.
pub(crate) mod kind {
    pub(crate) const START: u8 = 1;
    pub(crate) const SITE: u8 = 2;
    pub(crate) const FACT: u8 = 3;
    pub(crate) const STEP: u8 = 4;
    pub(crate) const EPOCH: u8 = 5;
    pub(crate) const DATA: u8 = 6;
    pub(crate) const FINDING: u8 = 7;
    pub(crate) const INCIDENT: u8 = 8;
    pub(crate) const TRIAL: u8 = 9;
    pub(crate) const DROPPED: u8 = 10;
    pub(crate) const RULE_OFF: u8 = 11;
    pub(crate) const NOTE: u8 = 12;
    pub(crate) const END: u8 = 13;
    pub(crate) const RANKS: u8 = 14;
}

/// Why bytes are not a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// They end inside a field.
    #[error("the record ends inside a field")]
    Short,
    /// A number does not fit its field.
    #[error("a number of the record does not fit its field")]
    Number,
    /// Text is not UTF-8.
    #[error("a text of the record is not UTF-8")]
    Text,
    /// A reading holds more non-finite elements than elements.
    #[error("a reading holds more non-finite elements than elements")]
    Counts,
    /// A kind, role, key or other code that this version does not know.
    #[error("the record uses the code {0}, which this version does not know")]
    Unknown(u8),
    /// Another kind of record was asked for.
    #[error("the record is of kind {0}, not a step")]
    NotAStep(u8),
}

/// What bytes decoded to.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The record; `None` when this version does not know its kind, or a code that gives it its meaning.
    pub record: Option<Record>,
    /// Parts left out because this version does not know them: the record itself, or scalars and readings of a step.
    pub skipped: u32,
}

/// Appends the encoding of a record to `out`.
pub fn encode(record: &Record, out: &mut Vec<u8>) {
    match record {
        Record::Step(step) => encode_step(step, out),
        other => records::put(other, out),
    }
}

/// The record that `payload` holds.
///
/// Any bytes may be given; memory stays within a small multiple of their number.
///
/// # Errors
/// When the bytes are not a record. A record of an unknown kind is no error: it is counted in [`Decoded::skipped`].
pub fn decode(payload: &[u8]) -> Result<Decoded, CodecError> {
    let mut cursor = Cursor::new(payload);
    let read = match cursor.byte()? {
        kind::STEP => {
            let mut step = barograph_vocab::StepRecord::default();
            decode_step_into(payload, &mut step).map(|skipped| (Record::Step(step), skipped))
        }
        other => records::get(other, &mut cursor),
    };
    match read {
        Ok((record, skipped)) => Ok(Decoded { record: Some(record), skipped }),
        Err(CodecError::Unknown(_)) => Ok(Decoded { record: None, skipped: 1 }),
        Err(error) => Err(error),
    }
}
