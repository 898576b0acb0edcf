//! A `spanbridge serve` on another machine.

use super::contract::{Away, FarEnd, Sent};
use crate::ship::stop::Stop;
use spanbridge::record::Record;
use spanbridge_otel::{HttpSink, Posted};

/// Bytes of records that go together, before compression. A record that is larger goes alone.
const MAX_BYTES: usize = 4 << 20;
/// Records that go together: each is named in the receipt if it is rejected.
const MAX_RECORDS: usize = 8_192;

/// Sends records to a `spanbridge serve`.
#[derive(Debug)]
pub struct HttpEnd {
    sink: HttpSink,
    text: String,
    /// Where the line of each record ends.
    ends: Vec<usize>,
    /// So many records have arrived.
    arrived: usize,
    sent: Sent,
}

impl HttpEnd {
    /// Sends by requests as this sink makes them.
    pub fn new(sink: HttpSink) -> Self {
        Self { sink, text: String::new(), ends: Vec::new(), arrived: 0, sent: Sent::default() }
    }

    fn start(&self, record: usize) -> usize {
        record.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0)
    }

    /// How many records go together from here on: at least one, if there is one.
    fn together(&self) -> usize {
        let start = self.start(self.arrived);
        let rest = self.ends.get(self.arrived..).unwrap_or_default();
        let fit = rest.partition_point(|end| end - start <= MAX_BYTES);
        fit.clamp(1, MAX_RECORDS).min(rest.len())
    }
}

impl FarEnd for HttpEnd {
    fn add(&mut self, record: Record<'_>) -> usize {
        let before = self.text.len();
        record.write_json(&mut self.text);
        self.text.push('\n');
        self.ends.push(self.text.len());
        self.text.len() - before
    }

    fn send(&mut self, stop: &Stop) -> Result<Sent, Away> {
        let mut at_once = usize::MAX;
        while self.arrived < self.ends.len() {
            let records = self.together().min(at_once);
            let (from, to) = (self.start(self.arrived), self.start(self.arrived + records));
            let lines = self.text.as_bytes().get(from..to).unwrap_or_default();
            match self.sink.post(lines, records) {
                Posted::Stored { rejected } => {
                    rejected.into_iter().for_each(|(_, why)| self.sent.reject(1, why));
                    self.arrived += records;
                }
                Posted::TooLarge(_) if records > 1 => at_once = records / 2,
                Posted::TooLarge(why) => {
                    self.sent.reject(1, why);
                    self.arrived += 1;
                }
                Posted::Later { why, pause } => return Err(Away { why, pause }),
                // The token or the address may be set right, here or there. Until then the records are safe here.
                Posted::Refused(why) => return Err(Away::new(why)),
            }
            if stop.is_set() && self.arrived < self.ends.len() {
                return Err(Away::new("told to stop"));
            }
        }
        self.text.clear();
        self.ends.clear();
        self.arrived = 0;
        Ok(std::mem::take(&mut self.sent))
    }
}
