//! A record of a batch, as the core gets it described.

use super::cause::{Cause, Lambda};
use super::invocation::Invocation;
use crate::describe;
use crate::event::{Event, RawRecord, Record, raw_records};
use spanbridge::adapter::{Describe, UNKNOWN_TYPE, Values, Waited, waited};
use spanbridge::carrier::Extract;
use spanbridge::observe::SpanBuilder;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::SystemTime;

/// An event, whose records are read a second time if they are captured.
pub(super) struct EventRecords<'a> {
    pub(super) event: &'a Event,
    payload: &'a [u8],
    /// Read when the first record is captured.
    raw: OnceLock<Vec<RawRecord<'a>>>,
}

impl<'a> EventRecords<'a> {
    pub(super) fn of(invocation: &'a Invocation) -> Self {
        let payload = invocation.payload.as_deref().unwrap_or_default();
        EventRecords { event: &invocation.event, payload, raw: OnceLock::new() }
    }

    /// The record at this place.
    pub(super) fn at(&self, place: usize) -> RecordMessage<'_, 'a> {
        RecordMessage { of: self, place, record: &self.event.records()[place], content: OnceLock::new() }
    }

    fn raw(&self, place: usize) -> Option<&RawRecord<'a>> {
        self.raw.get_or_init(|| raw_records(self.event.source(), self.payload)).get(place)
    }
}

/// A record.
pub(super) struct RecordMessage<'r, 'a> {
    of: &'r EventRecords<'a>,
    place: usize,
    pub(super) record: &'a Record,
    /// Decoded if it is captured.
    content: OnceLock<Content<'a>>,
}

#[derive(Default)]
struct Content<'a> {
    body: Option<Cow<'a, [u8]>>,
    media_type: Option<Cow<'a, str>>,
}

impl<'a> RecordMessage<'_, 'a> {
    fn content(&self) -> &Content<'a> {
        self.content.get_or_init(|| match self.of.raw(self.place) {
            Some(raw) => Content { body: raw.body(), media_type: raw.content_type() },
            None => Content::default(),
        })
    }
}

impl Describe for RecordMessage<'_, '_> {
    type View = Lambda;

    /// None: contexts are read with the event.
    fn headers(&self) -> impl Extract {
        HashMap::<String, String>::new()
    }

    fn view(&self) -> Cause<'_> {
        Cause::of_record(self.of.event, self.record)
    }

    fn run_name(&self, _: &mut Values<'_>) -> String {
        format!("process {}", self.record.destination).trim_end().to_owned()
    }

    fn describe(&self, _: &mut Values<'_>) -> SpanBuilder {
        describe::message(self.of.event.source(), self.record)
    }

    fn waited(&self) -> Waited {
        waited(self.record.sent, SystemTime::now())
    }

    fn payload(&self) -> Option<&[u8]> {
        self.content().body.as_deref()
    }

    fn payload_size(&self) -> Option<usize> {
        self.record.size
    }

    fn content_type(&self) -> &str {
        self.content().media_type.as_deref().unwrap_or(UNKNOWN_TYPE)
    }

    fn each_header(&self, each: &mut dyn FnMut(&str, &[u8])) {
        if let Some(raw) = self.of.raw(self.place) {
            raw.headers(each)
        }
    }
}
