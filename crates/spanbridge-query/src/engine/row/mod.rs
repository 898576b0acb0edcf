//! Records as rows of a table with columns, for engines whose tables other tools can read, too.
//!
//! What most records have is in columns: ids, service, type, span and parent, name, primitive, kind, status, the time and the
//! duration, and the attributes. All else is in a list of named fields. Every record comes back as it was. How a database stores
//! a column is the engine's matter.

mod decode;
mod encode;
mod names;
#[cfg(test)]
mod tests;

use spanbridge::{RunId, SegmentId, SpanId, TraceId};
use std::borrow::Cow;

pub use names::{field, value};

/// A record, by columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'r> {
    /// The run that the record belongs to, whether it names it or not.
    pub run: Option<RunId>,
    /// Whether the record names its run.
    pub names_run: bool,
    /// Whether the record names its trace.
    pub names_trace: bool,
    /// The trace that it names. `None` also for the run's own.
    pub trace: Option<TraceId>,
    /// Its segment.
    pub segment: SegmentId,
    /// Its number in the segment.
    pub seq: u64,
    /// Its service.
    pub service: Cow<'r, str>,
    /// Its `type` in JSON.
    pub kind: Cow<'r, str>,
    /// The span that it is about.
    pub span: Option<SpanId>,
    /// The parent of that span.
    pub parent: Option<SpanId>,
    /// The name of a span, a run or an event, the type of an edge, the code of a diagnostic. Empty for others.
    pub name: Cow<'r, str>,
    /// The primitive of a span. Empty for others.
    pub primitive: Cow<'r, str>,
    /// The kind of a span. Empty for others.
    pub role: Cow<'r, str>,
    /// The status of what ended. Empty for others.
    pub status: Cow<'r, str>,
    /// When it happened, in nanoseconds since the Unix epoch. 0 for what has no time.
    pub at: u64,
    /// How long a span took that is whole in this record, in nanoseconds.
    pub took: u64,
    /// Its attributes, in the order in which they were given.
    pub attributes: Vec<Attribute<'r>>,
    /// What has no column. The names are those of [`field`]; some occur several times.
    pub fields: Vec<(Cow<'r, str>, Cow<'r, str>)>,
}

/// An attribute: its key, what kind of value it has (see [`value`]), and the value as text.
pub type Attribute<'r> = (Cow<'r, str>, u8, Cow<'r, str>);
