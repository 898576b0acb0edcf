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

/// Makes messages of records. Those of a run stay in order, and are together as far as [`MAX_VALUE_BYTES`] allows. Messages are in
/// the order in which they became full; a run's are always in the order of its records.
pub fn encode<'a>(records: impl IntoIterator<Item = RecordView<'a>>) -> Vec<Message> {
    let mut full = Vec::new();
    // In the order in which the runs came.
    let mut open: Vec<Message> = Vec::new();
    let mut places: Map<Option<RunId>, usize> = Map::default();
    let mut line = String::new();
    for record in records {
        let key = run_of(record);
        line.clear();
        record.write_json(&mut line);
        line.push('\n');
        let place = *places.entry(key).or_insert_with(|| {
            open.push(Message { key, value: String::new(), records: 0 });
            open.len() - 1
        });
        let Some(message) = open.get_mut(place) else { continue };
        if message.records > 0 && message.value.len() + line.len() > MAX_VALUE_BYTES {
            full.push(std::mem::replace(message, Message { key, value: String::new(), records: 0 }));
        }
        message.value.push_str(&line);
        message.records += 1;
    }
    full.append(&mut open);
    full
}
