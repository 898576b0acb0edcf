//! The graph as programs read it. Times are nanoseconds since the Unix epoch here, and RFC 3339 text in JSON.
//!
//! These types will get more fields, so they are built with `new` and changed field by field.

mod category;
mod failed;
mod graph;
mod left_out;
mod mutation;
mod path;
mod related;
mod run;
mod span;

pub use category::Category;
pub use failed::FailedWork;
pub use graph::{Artifact, Diagnostic, Edge, Graph};
pub use left_out::{GraphLimit, LeftOut, LeftOutGroup, LeftOutKind};
pub use mutation::{ColumnChange, Columns, Mutation, is_beginning, key_text, value_text, value_words};
pub use path::{CriticalPath, SpanTimes, Stretch, StretchKind};
pub use related::{LinkDirection, LinkedRun, PrunedRun, Relation, RunSummary, Trigger};
pub use run::{Run, RunStatus, Segment, Suspension};
pub(super) use span::trace_of;
pub use span::{Event, Link, LinkSource, Span, SpanStatus};
