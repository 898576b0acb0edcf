//! Records of a batch as lines, in pieces that go together.

use spanbridge::RecordBatch;

/// Bytes of records that go together, before compression. A record that is larger goes alone.
const MAX_BYTES: usize = 4 << 20;
/// Records that go together: each is named in the receipt if it is rejected.
const MAX_RECORDS: usize = 8_192;

/// A piece of a batch: records that follow each other, as lines.
#[derive(Default)]
pub(super) struct Lines {
    text: String,
    /// Where the line of each record ends.
    ends: Vec<usize>,
    /// The place of the first in the batch.
    pub(super) first: usize,
}

impl Lines {
    /// Takes as many records as go together, from the `first`th on.
    pub(super) fn fill(&mut self, batch: &RecordBatch, first: usize) {
        self.text.clear();
        self.ends.clear();
        self.first = first;
        for record in batch.iter().skip(first).take(MAX_RECORDS) {
            record.write_json(&mut self.text);
            self.text.push('\n');
            if self.text.len() > MAX_BYTES && !self.ends.is_empty() {
                break;
            }
            self.ends.push(self.text.len());
        }
        self.text.truncate(self.ends.last().copied().unwrap_or(0));
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The lines of these records, of which there is at least one.
    pub(super) fn text(&self, from: usize, to: usize) -> &[u8] {
        let start = from.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text.as_bytes()[start..self.ends[to - 1]]
    }
}
