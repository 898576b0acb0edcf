//! Records to messages.

use super::MAX_VALUE_BYTES;
use spanbridge::RunId;
use spanbridge::record::RecordView;
use spanbridge_graph::hash::Map;
use spanbridge_graph::run_of;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The key: the run of all its records. Its digits are those of [`RunId`]'s `Display`.
    pub key: Option<RunId>,
    /// The value: a record on each line, each line with an end.
    pub value: String,
    /// The number of records in it.
    pub records: u64,
}

impl Message {
    fn of(key: Option<RunId>) -> Self {
        Message { key, value: String::new(), records: 0 }
    }

    /// Each of its records in a message of its own.
    pub fn split(self) -> impl Iterator<Item = Message> {
        let lines: Vec<String> = self.value.lines().map(|line| format!("{line}\n")).collect();
        lines.into_iter().map(move |value| Message { key: self.key, value, records: 1 })
    }
}

/// Makes messages of records that come one by one. Those of a run stay in order, and are together as far as [`MAX_VALUE_BYTES`] allows.
#[derive(Debug, Default)]
pub struct Encoder {
    full: Vec<Message>,
    /// In the order in which the runs came.
    open: Vec<Message>,
    places: Map<Option<RunId>, usize>,
    line: String,
}

impl Encoder {
    /// Adds a record. Returns the length of its line.
    pub fn add(&mut self, record: RecordView<'_>) -> usize {
        let key = run_of(record);
        self.line.clear();
        record.write_json(&mut self.line);
        self.line.push('\n');
        let place = *self.places.entry(key).or_insert_with(|| {
            self.open.push(Message::of(key));
            self.open.len() - 1
        });
        if let Some(message) = self.open.get_mut(place) {
            if message.records > 0 && message.value.len() + self.line.len() > MAX_VALUE_BYTES {
                self.full.push(std::mem::replace(message, Message::of(key)));
            }
            message.value.push_str(&self.line);
            message.records += 1;
        }
        self.line.len()
    }

    /// The messages of all records that were added since the last call. They are in the order in which they became full; a run's are
    /// always in the order of its records.
    pub fn finish(&mut self) -> Vec<Message> {
        self.places.clear();
        self.full.append(&mut self.open);
        std::mem::take(&mut self.full)
    }
}

/// Makes messages of records: see [`Encoder`].
pub fn encode<'a>(records: impl IntoIterator<Item = RecordView<'a>>) -> Vec<Message> {
    let mut encoder = Encoder::default();
    for record in records {
        encoder.add(record);
    }
    encoder.finish()
}
