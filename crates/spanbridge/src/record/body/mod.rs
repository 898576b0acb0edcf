//! What a record says: one struct per kind of record.
//!
//! The structs will get more fields. So their fields are public to read, and outside this crate they are made with `new`,
//! which takes what every such record has, and completed with setters (`with_…`). The borrowed forms are in
//! [`view`](super::view) and have the same names.

mod detail;
mod run;
mod span;
mod text;

pub use crate::span::{Mutation, MutationOp};
pub use detail::{Artifact, Diagnostic, Edge, Endpoint};
pub use run::{RunAttributes, RunEnd, RunResume, RunStart, RunSuspend, Segment, Via};
pub use span::{End, Event, SpanAttributes, SpanData, SpanEnd};

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Body<'a> {
    /// A recorder begins to work on a run: once per segment, before its other records.
    Segment(Segment<'a>),
    /// A run begins.
    RunStart(RunStart<'a>),
    /// Attributes were added to a run that is still open.
    RunAttributes(RunAttributes<'a>),
    /// A run waits for something outside.
    RunSuspend(RunSuspend<'a>),
    /// A run goes on.
    RunResume(RunResume<'a>),
    /// A run ends, because its owner says so.
    RunEnd(RunEnd<'a>),
    /// A span begins, and ends too if [`SpanData::end`] is there. Otherwise its end is a record of its own.
    Span(SpanData<'a>),
    /// A span ends whose start is an earlier record.
    SpanEnd(SpanEnd<'a>),
    /// Attributes were added to a span that is still open.
    SpanAttributes(SpanAttributes<'a>),
    /// A point in time inside a span.
    Event(Event<'a>),
    /// A bounded preview of a payload, or a reference to one.
    Artifact(Artifact<'a>),
    /// A row of a database was changed.
    Mutation(Mutation<'a>),
    /// A relation that is not the tree.
    Edge(Edge<'a>),
    /// Something a reader should know about the recording itself: drops, truncations, malformed headers.
    Diagnostic(Diagnostic<'a>),
}

macro_rules! bodies {
    ($($variant:ident($of:ident)),*) => {
        $(
            impl<'a> From<$of<'a>> for Body<'a> {
                fn from(body: $of<'a>) -> Self {
                    Body::$variant(body)
                }
            }
        )*

        impl Body<'_> {
            pub(super) fn into_owned(self) -> Body<'static> {
                match self {
                    $(Body::$variant(body) => Body::$variant(body.into_owned()),)*
                }
            }
        }
    };
}

bodies!(
    Segment(Segment),
    RunStart(RunStart),
    RunAttributes(RunAttributes),
    RunSuspend(RunSuspend),
    RunResume(RunResume),
    RunEnd(RunEnd),
    Span(SpanData),
    SpanEnd(SpanEnd),
    SpanAttributes(SpanAttributes),
    Event(Event),
    Artifact(Artifact),
    Mutation(Mutation),
    Edge(Edge),
    Diagnostic(Diagnostic)
);
