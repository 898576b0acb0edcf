//! The ids of one line, and how they are spelled.

use spanbridge::w3c::TraceParentText;
use spanbridge::{Context, RunId};
use std::io::Write;
use std::ops::BitOrAssign;

/// What a context shows in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    /// Trace id, span id and flags, spelled out.
    parent: TraceParentText,
    in_span: bool,
    /// If it is not the trace's own run.
    run: Option<RunId>,
}

/// Names of ours that a line or an event already has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken(u8);

impl Taken {
    pub(super) const TRACE: Taken = Taken(1);
    pub(super) const SPAN: Taken = Taken(2);
    pub(super) const FLAGS: Taken = Taken(4);
    pub(super) const RUN: Taken = Taken(8);

    /// A name, if it is one of ours.
    pub(super) fn of_name(name: &[u8]) -> Taken {
        match name {
            b"trace_id" => Taken::TRACE,
            b"span_id" => Taken::SPAN,
            b"trace_flags" => Taken::FLAGS,
            b"run_id" => Taken::RUN,
            _ => Taken::default(),
        }
    }

    fn has(self, name: Taken) -> bool {
        self.0 & name.0 != 0
    }
}

impl BitOrAssign for Taken {
    fn bitor_assign(&mut self, other: Taken) {
        self.0 |= other.0
    }
}

impl Ids {
    /// `None` outside of a trace.
    pub(super) fn of(context: &Context) -> Option<Ids> {
        let parent = context.trace_parent()?;
        let run = context.run_id().filter(|run| *run != RunId::of_trace(parent.trace_id));
        Some(Ids { parent: parent.to_text(), in_span: context.span_id().is_some(), run })
    }

    fn trace(&self) -> &[u8] {
        &self.parent.as_bytes()[3..35]
    }

    fn span(&self) -> &[u8] {
        &self.parent.as_bytes()[36..52]
    }

    fn flags(&self) -> &[u8] {
        &self.parent.as_bytes()[53..]
    }

    /// Adds `,"trace_id":"…"` and so on to an object that is still open. `is_empty`: it has no member yet.
    pub(super) fn put_members(&self, taken: Taken, is_empty: bool, out: &mut Vec<u8>) {
        let mut comma = usize::from(is_empty); // how much of a name's text is left out
        let mut put = |name, text: &[u8], value: &[u8]| {
            if !taken.has(name) {
                out.extend_from_slice(&text[comma..]);
                out.extend_from_slice(value);
                out.push(b'"');
                comma = 0;
            }
        };
        put(Taken::TRACE, b",\"trace_id\":\"", self.trace());
        if self.in_span {
            put(Taken::SPAN, b",\"span_id\":\"", self.span());
        }
        put(Taken::FLAGS, b",\"trace_flags\":\"", self.flags());
        match self.run {
            None => put(Taken::RUN, b",\"run_id\":\"", self.trace()),
            Some(run) => put(Taken::RUN, b",\"run_id\":\"", &spelled(run)),
        }
    }

    /// Adds `trace_id=… span_id=…`.
    pub(super) fn put_fields(&self, taken: Taken, out: &mut Vec<u8>) {
        let mut space = 1; // how much of a name's text is left out
        let mut put = |name, text: &[u8], value: &[u8]| {
            if !taken.has(name) {
                out.extend_from_slice(&text[space..]);
                out.extend_from_slice(value);
                space = 0;
            }
        };
        put(Taken::TRACE, b" trace_id=", self.trace());
        if self.in_span {
            put(Taken::SPAN, b" span_id=", self.span());
        }
        if let Some(run) = self.run {
            put(Taken::RUN, b" run_id=", &spelled(run));
        }
    }

    /// Whether [`put_fields`](Self::put_fields) adds anything.
    pub(super) fn has_fields(&self, taken: Taken) -> bool {
        let trace_or_span = !taken.has(Taken::TRACE) || self.in_span && !taken.has(Taken::SPAN);
        trace_or_span || self.run.is_some() && !taken.has(Taken::RUN)
    }
}

fn spelled(run: RunId) -> [u8; 32] {
    let mut out = [0; 32];
    let _ = write!(&mut out[..], "{run}"); // exactly 32 digits
    out
}
