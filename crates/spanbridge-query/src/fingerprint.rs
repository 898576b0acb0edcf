//! Recognising records that are stored already.

use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::hash::{join, stable};
use spanbridge_graph::run_of;
use spanbridge_store::codec::{BlockWriter, KnownNames, PartHead};

/// Hashes of a record: of its run and id, and of its run, id and content.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fingerprint {
    pub(crate) id: u64,
    pub(crate) all: u64,
}

/// Makes fingerprints, in buffers that are used again.
#[derive(Default)]
pub(crate) struct Fingerprints {
    writer: BlockWriter,
    scratch: Vec<u8>,
}

impl Fingerprints {
    /// The content of a record is hashed as it would be stored, in a block of its own.
    pub(crate) fn of(&mut self, record: &Record<'_>) -> Fingerprint {
        let run = run_of(record).map_or(0, RunId::get);
        let id = match &record.id {
            Some(id) => join(1, stable(id.as_bytes())),
            None => join(record.segment_id.get(), record.segment_seq),
        };
        let id = join(join(run as u64, (run >> 64) as u64), id);
        self.scratch.clear();
        self.writer.begin(&PartHead::of(0, record.view()), record.segment_seq, 0);
        self.writer.add(&mut KnownNames::default(), record.id.as_deref(), &record.view().body());
        self.writer.finish(&mut self.scratch);
        Fingerprint { id, all: join(id, stable(&self.scratch)) }
    }
}
