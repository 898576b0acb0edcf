//! The story that every transport tells: what an adapter must do, as tests that its author runs.
//!
//! Implement [`Transport`] for your client and your adapter around it, say in [`Abilities`] what the transport can do, and
//! run the [`story`], or each of its chapters as a test of its own:
//!
//! ```
//! # use spanbridge::conformance::{Abilities, BoxError, TestMessage, Transport};
//! # use std::future::Future;
//! # struct Mine;
//! # impl Mine { async fn connect() -> Self { Mine } }
//! # impl Transport for Mine {
//! #     fn abilities(&self) -> Abilities { Abilities::default() }
//! #     async fn send(&self, _: TestMessage) -> Result<(), BoxError> { Ok(()) }
//! #     async fn send_raw(&self, _: TestMessage) -> Result<(), BoxError> { Ok(()) }
//! #     async fn receive<W, F>(&self, _: W) -> Result<(), BoxError>
//! #     where W: FnOnce(TestMessage) -> F, F: Future<Output = Result<(), BoxError>> { Ok(()) }
//! #     async fn receive_raw(&self) -> Result<TestMessage, BoxError> { Ok(TestMessage::default()) }
//! # }
//! macro_rules! tests {
//!     ($($chapter:ident)*) => {
//!         $(
//!             # /*
//!             #[tokio::test]
//!             # */
//!             async fn $chapter() {
//!                 spanbridge::conformance::$chapter(&Mine::connect().await).await;
//!             }
//!         )*
//!     };
//! }
//! spanbridge::conformance_chapters!(tests);
//! ```
//!
//! The bodies are the same for every transport; what differs is data that they read. A chapter panics with what it
//! expected, what it found, and the tree that was recorded. One that needs what the transport cannot do says so and is
//! [`ChapterResult::NotApplicable`].
//!
//! Chapters are plain futures: your executor drives them, and they need no threads. They bring recorders of their own;
//! none may be installed in the process. They set no time limits: a transport whose message does not come answers with an
//! error when it has waited long enough. Each chapter leaves the transport empty if it passes; give each its own queue,
//! so that one that fails disturbs no other.
//!
//! What was recorded can be looked at in the adapter's own tests with [`spans`] and [`tree`], too.

mod answers;
mod concurrency;
mod context;
mod forwarding;
mod hostile;
mod sampling;
mod send_outcome;
mod settlement;
mod spans;
mod stage;
mod transport;
mod tree;

pub use crate::messaging::BoxError;
pub use answers::{Answers, Asked};
pub use concurrency::{many_at_once_keep_their_parents, messages_keep_their_order};
pub use context::{
    a_job_hangs_under_the_span_that_sent_it, a_message_without_a_context_begins_a_run,
    the_context_is_there_for_the_work, the_headers_are_exact,
};
pub use forwarding::{
    another_traces_context_is_kept_and_linked, forwarding_does_not_stack, names_in_other_case_are_replaced,
    stale_headers_are_replaced,
};
pub use hostile::{hostile_headers_are_survived, of_duplicates_the_last_counts};
pub use sampling::{
    a_child_run_travels, baggage_needs_no_trace, unsampled_contexts_travel, what_was_sampled_out_stays_so,
    without_a_recorder_nothing_is_written,
};
pub use send_outcome::{
    a_failed_message_is_tried_again, a_send_asks_the_stand_in, a_send_says_what_became_of_it,
    what_has_no_room_is_left_out,
};
pub use settlement::{a_batch_is_linked_to_every_sender, a_settlement_is_recorded};
pub use spans::{Seen, spans};
pub use transport::{Abilities, RawHeader, TestMessage, Transport};
pub use tree::tree;

/// How a chapter ended that did not panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChapterResult {
    /// All of it holds.
    Passed,
    /// It is about something that the transport cannot do; what.
    NotApplicable(&'static str),
}

/// Hands the names of all chapters to a macro, so that a test harness has a test for each, also for those to come.
#[macro_export]
macro_rules! conformance_chapters {
    ($each:ident) => {
        $each! {
            a_job_hangs_under_the_span_that_sent_it
            the_headers_are_exact
            the_context_is_there_for_the_work
            a_message_without_a_context_begins_a_run
            many_at_once_keep_their_parents
            messages_keep_their_order
            hostile_headers_are_survived
            of_duplicates_the_last_counts
            stale_headers_are_replaced
            forwarding_does_not_stack
            names_in_other_case_are_replaced
            another_traces_context_is_kept_and_linked
            a_send_says_what_became_of_it
            a_send_asks_the_stand_in
            what_has_no_room_is_left_out
            a_failed_message_is_tried_again
            a_settlement_is_recorded
            a_batch_is_linked_to_every_sender
            unsampled_contexts_travel
            what_was_sampled_out_stays_so
            baggage_needs_no_trace
            a_child_run_travels
            without_a_recorder_nothing_is_written
        }
    };
}

/// Runs all chapters, one after the other; each by its name, and how it ended.
///
/// # Panics
/// When something does not hold.
pub async fn story(transport: &impl Transport) -> Vec<(&'static str, ChapterResult)> {
    let mut told = vec![];
    macro_rules! each {
        ($($chapter:ident)*) => { $(told.push((stringify!($chapter), $chapter(transport).await));)* };
    }
    conformance_chapters!(each);
    told
}
