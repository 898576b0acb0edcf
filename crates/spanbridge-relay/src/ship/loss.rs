//! What never arrives, and the record that says so.

use serde::{Deserialize, Serialize};
use spanbridge::SegmentId;
use spanbridge::record::{AttributeValue, Diagnostic, Record};
use spanbridge_graph::hash::join;
use xxhash_rust::xxh3::xxh3_64;

/// The service of these records.
const SERVICE: &str = "spanbridge-ship";

/// The segment of a record whose hash is none.
const SEGMENT: SegmentId = match SegmentId::new(1) {
    Some(segment) => segment,
    None => panic!("one is not zero"),
};

/// Something that cannot be sent any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// The log; of several, the first.
    pub log: String,
    /// From where on.
    pub from: u64,
    /// Bytes that are missing. 0: nobody knows how many.
    pub bytes: u64,
    /// How many logs are concerned.
    pub logs: u64,
    /// What happened.
    pub why: LossKind,
}

/// How something got lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LossKind {
    /// The log was removed before it was sent to its end.
    Removed,
    /// The logs were removed before anybody saw them: their numbers are missing.
    Unseen,
    /// The bytes are there, and cannot be read.
    Damaged,
}

impl Loss {
    /// What happened, as a sentence without its end.
    pub fn message(&self) -> String {
        let Self { log, from, bytes, logs, why } = self;
        match why {
            LossKind::Removed => {
                format!("the log {log} was removed before it was sent: {bytes} bytes from {from} on are missing")
            }
            LossKind::Unseen if *logs == 1 => format!("the log {log} was removed before it was seen"),
            LossKind::Unseen => format!("{logs} logs of one writer, from {log} on, were removed before they were seen"),
            LossKind::Damaged => format!("the log {log} is damaged: {bytes} bytes at {from} cannot be read"),
        }
    }

    /// The record for the far end, the same each time.
    pub(super) fn record(&self) -> Record<'static> {
        let code = match self.why {
            LossKind::Removed | LossKind::Unseen => "store.logs_removed",
            LossKind::Damaged => "store.damaged",
        };
        let mut body = Diagnostic::new(code, self.message()).with_count(Some(self.logs));
        if self.bytes > 0 {
            let bytes = AttributeValue::I64(i64::try_from(self.bytes).unwrap_or(i64::MAX));
            body.attributes = [("spanbridge.store.bytes".into(), bytes)].into_iter().collect();
        }
        let hash = join(xxh3_64(self.log.as_bytes()), join(self.from, join(self.bytes, self.logs)));
        let segment = SegmentId::new(hash).unwrap_or(SEGMENT);
        Record::new(segment, 1, SERVICE, body).with_id(Some(format!("ship-{hash:016x}").into()))
    }
}
