//! Spans and runs: a builder begins them; they are run as a call or a future, or held open.

mod builder;
mod details;
#[cfg(feature = "macros")]
mod entered;
mod finish;
mod guard;
mod handle;
mod in_span;
mod mutation;
pub mod observe;
mod open;
pub mod outbox;
pub(crate) mod outcome;
mod place;
mod run;
pub(crate) mod run_context;
mod scope;
mod shown;
mod suspend;
mod template;
pub(crate) mod theirs;
#[cfg(all(feature = "tokio", not(loom)))]
mod tokio;
mod work;

pub(crate) use builder::span_of_text;
pub use builder::{SpanBuilder, begun_before, may_record, span, span_with_id};
pub use details::{EdgeType, NewArtifact, Target};
#[cfg(feature = "macros")]
pub use entered::Entered;
pub(crate) use guard::{Guard, Redact, Unredacted};
pub use handle::{ActiveSpan, Span, StoppedSpan, active_span, unrecorded_span};
pub use in_span::InSpan;
pub use mutation::{Mutation, MutationOp, record_mutation, records_mutations};
pub(crate) use open::{Open, passed};
pub use outcome::{Anything, By, ByOutcome};
pub use outcome::{Failure, Outcome};
pub use run::{Run, RunBuilder, run};
#[cfg(feature = "json")]
pub use run_context::ParseRunContextError;
pub use run_context::RunContext;
pub use shown::{DisplayValue, display};
pub use suspend::{end_run, resume_run};
pub use template::SpanTemplate;
pub use theirs::under_current;
#[cfg(all(feature = "tokio", not(loom)))]
pub use tokio::{spawn, spawn_blocking, spawn_local};
pub use work::{in_open_span, in_scope_with_span};
