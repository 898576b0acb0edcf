//! The steps that a message goes through.

/// What is done to a message, in the words of the semantic conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// It is handed to the broker.
    Send,
    /// It is worked on.
    Process,
    /// The broker is told the outcome.
    Settle,
}
