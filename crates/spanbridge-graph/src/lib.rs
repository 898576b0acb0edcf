//! The run graph: what a reader of a run wants to know, and its JSON.
//!
//! Records come in any order and any number of times. `identity` recognises repeated and contradictory ones. `join` sorts the
//! rest by what they are about, and `lifecycle` those about the run itself. `tree` orders the spans. `outline` has the name
//! and the status of the run. `build` fills in the [model](Graph), `derive` adds what no single process knows, and `json`
//! writes it. `flow` says how long each span worked and waited, and what the duration of the run consists of. `causes` puts the
//! spans of several runs below what caused them, and `why` looks there for where a failure began, and `diff`
//! compares two of them. `survey` makes a graph of bounded size of a very large run. `gaps` says what is missing.
//!
//! To test what an application records, see [`testing`].
//!
//! This crate needs only records. It knows nothing of files, deliveries or the store, so you can build the graph of records
//! that came from anywhere:
//!
//! ```
//! use spanbridge::{Memory, Recorder, observe};
//! use spanbridge_graph::{Graph, run_of};
//!
//! let memory = Memory::new();
//! let recorder = Recorder::builder("orders").sink(memory.clone()).build().unwrap();
//! recorder.in_scope(|| observe::span("place order").in_scope(|| observe::span("reserve").in_scope(|| ())));
//! recorder.shutdown(std::time::Duration::from_secs(10));
//!
//! let records = memory.take();
//! let run_id = run_of(&records[0]).unwrap();
//! let graph = Graph::build(run_id, &records);
//! assert_eq!(graph.spans[1].name, "reserve");
//! assert_eq!(graph.spans[1].depth, 1);
//! ```

#[cfg(any(test, feature = "arbitrary"))]
#[doc(hidden)]
pub mod arbitrary;
mod build;
mod causes;
mod conflict;
mod derive;
mod diff;
mod flow;
mod gaps;
#[doc(hidden)]
pub mod hash;
mod identity;
mod index;
mod join;
mod json;
mod lifecycle;
mod message;
mod model;
mod outline;
mod record;
mod recovered;
mod row_mark;
mod sameness;
mod succession;
mod survey;
pub mod testing;
mod tree;
mod values;
mod why;

#[doc(hidden)]
pub use build::Hints;
pub use causes::Hop;
#[doc(hidden)]
pub use derive::edges_between;
pub use diff::{Change, Diff, DiffOptions, DiffSide, Difference, DifferenceKind, Verdict};
pub use gaps::{Checkup, Gap, GapKind, NotJudged, NotJudgedReason};
#[doc(hidden)]
pub use gaps::{Unsettled, UnsettledMessage};
pub use model::{
    Artifact, Category, ColumnChange, Columns, CriticalPath, Diagnostic, Edge, Event, FailedWork, Graph, GraphLimit,
    LeftOut, LeftOutGroup, LeftOutKind, Link, LinkDirection, LinkSource, LinkedRun, Mutation, PrunedRun, Relation, Run,
    RunStatus, RunSummary, Segment, Span, SpanStatus, SpanTimes, Stretch, StretchKind, Suspension, Trigger,
    is_beginning, key_text, value_text, value_words,
};
#[doc(hidden)]
pub use outline::Outline;
pub use record::run_of;
#[doc(hidden)]
pub use record::{linking_span_of, links_of, span_of, time_of};
#[doc(hidden)]
pub use recovered::{RecoveredRuns, recovered_runs};
#[doc(hidden)]
pub use row_mark::{changed_mark, row_mark, table_mark, without_schema};
pub use survey::{Selection, Survey};
pub use why::{
    Excused, Failure, FailureKind, LastGood, Lost, Note, Outcome, RolledBack, StateChange, StateWriter, Step, Why,
};
