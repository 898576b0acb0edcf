//! Reading the messages of a batch, and what is set aside of them.

use super::batch::Batch;
use crate::format::{Decoded, FORMAT_HEADER, decode};
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;
use spanbridge::carrier::{Extract, Header};
use spanbridge::record::Record;
use spanbridge_kafka::Headers;
use std::collections::BTreeMap;

/// The records of a batch, and what is wrong with its messages.
#[derive(Default)]
pub(super) struct Read<'m> {
    pub(super) records: Vec<Record<'m>>,
    /// Of each record, which message it was in.
    pub(super) places: Vec<u32>,
    pub(super) faults: Faults,
}

/// Why messages are set aside, by their place in the batch.
#[derive(Default)]
pub(super) struct Faults(BTreeMap<u32, Vec<String>>);

impl Faults {
    pub(super) fn add(&mut self, place: u32, why: String) {
        self.0.entry(place).or_default().push(why);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Of how many messages, and how many faults these are.
    pub(super) fn counts(&self) -> (u64, u64) {
        (self.0.len() as u64, self.0.values().map(|all| all.len() as u64).sum())
    }

    /// Each message, and what is wrong with it in one line: the first fault, and how many more there are.
    pub(super) fn by_message(&self) -> impl Iterator<Item = (u32, String)> + '_ {
        self.0.iter().filter_map(|(place, all)| {
            let first = all.first()?;
            let more = all.len() - 1;
            Some((*place, if more == 0 { first.clone() } else { format!("{first} (and {more} more)") }))
        })
    }
}

/// Reads the records of all messages.
pub(super) fn read<'m>(batch: &'m Batch<'_>) -> Read<'m> {
    let mut read = Read::default();
    for (place, message) in (0u32..).zip(&batch.messages) {
        let format = format_of(message);
        match decode(format.as_deref(), message.payload()) {
            Err(fault) => read.faults.add(place, fault.to_string()),
            Ok(Decoded { records, faults }) => {
                read.places.extend(records.iter().map(|_| place));
                read.records.extend(records);
                faults.iter().for_each(|fault| read.faults.add(place, fault.to_string()));
            }
        }
    }
    read
}

/// What the header says. One that is null says nothing that we know.
fn format_of(message: &BorrowedMessage<'_>) -> Option<Vec<u8>> {
    match Headers::from(message).get(FORMAT_HEADER) {
        Header::Absent => None,
        Header::Value(value) => Some(value.into_owned()),
        Header::Unusable(_) => Some(Vec::new()),
    }
}
