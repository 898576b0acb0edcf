//! How the work on a message relates to its sender, and how far the sender is trusted.

use std::time::Duration;

/// How the work on a message relates to the span that sent it.
///
/// The run graph stays whole with each of them: run and baggage travel, and the graph can be walked from both ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Relation {
    /// A child of the sender's span, in the sender's run and trace.
    #[default]
    Parent,
    /// A run of its own in the sender's trace. It names the sender's run as its parent and the sender's span as its
    /// trigger, and ends when the work does.
    NewRun,
    /// A trace of its own with a link to the sender's span, in the sender's run.
    Link,
    /// [`Parent`](Relation::Parent) up to this age of the message, [`Link`](Relation::Link) above it: avoids multi-day
    /// traces. A message of unknown age counts as fresh.
    Auto {
        /// The oldest message that is a child of its sender.
        max_age: Duration,
    },
}

impl Relation {
    /// The relation for a message of this age, which is asked for only if it matters.
    pub(crate) fn decided(self, age: Option<Duration>) -> Relation {
        match (self, age) {
            (Relation::Auto { max_age }, Some(age)) if age > max_age => Relation::Link,
            (Relation::Auto { .. }, _) => Relation::Parent,
            (other, _) => other,
        }
    }
}

/// How far a consumer trusts the senders of its messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Everything is taken as it came.
    #[default]
    Full,
    /// Ids and tracestate are taken. Sampling is decided here, and baggage is dropped, with or without ids.
    IdsOnly,
    /// Nothing is taken. The work begins a trace of its own, with a link to the span that was claimed.
    Ignore,
}
