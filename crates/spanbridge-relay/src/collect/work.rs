//! What is recorded of the collector's own work: a run for each batch, with the steps poll, decode, store and commit.
//!
//! Nothing is recorded without a batch, and storing has no span beside its step. So storing these records makes no others.

use crate::Address;
use spanbridge::Primitive;
use spanbridge::observe::{self, Run, Span};
use std::fmt::Display;

/// What is recorded of a batch. Default: nothing.
#[derive(Default)]
pub(super) struct Work {
    run: Option<Run>,
    /// The step that is open.
    poll: Option<Span>,
}

impl Work {
    /// The first message is there.
    pub(super) fn begin(from: &Address) -> Self {
        let run = observe::run("collect")
            .primitive(Primitive::FLOW_RUN)
            .attribute("spanbridge.collect.topic", from.topic())
            .attribute("spanbridge.collect.group", from.group())
            .open();
        let poll = run.in_scope(|| observe::span("poll").primitive(Primitive::FLOW_STEP).open());
        Self { run: Some(run), poll: Some(poll) }
    }

    /// The batch is complete: so many messages, and bytes.
    pub(super) fn polled(&mut self, messages: usize, bytes: usize) {
        let Some(poll) = self.poll.take() else { return };
        poll.attribute("spanbridge.collect.messages", messages);
        poll.attribute("spanbridge.collect.bytes", bytes);
        poll.end();
    }

    /// Does a step of the work on it, which can fail.
    pub(super) fn step<R, E: Display>(&self, name: &'static str, step: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
        let Some(run) = &self.run else { return step() };
        run.in_scope(|| observe::span(name).primitive(Primitive::FLOW_STEP).in_scope(step))
    }

    /// Says something of the batch.
    pub(super) fn attribute(&self, key: &'static str, value: u64) {
        if let Some(run) = &self.run {
            run.attribute(key, value);
        }
    }

    /// It is stored and committed.
    pub(super) fn end(self) {
        if let Some(run) = self.run {
            run.end();
        }
    }

    /// It was given up.
    pub(super) fn cancel(self) {
        if let Some(poll) = self.poll {
            poll.cancel();
        }
        if let Some(run) = self.run {
            run.cancel();
        }
    }
}
