//! What goes into the state and what comes out of it.

use super::super::findings::Findings;
use super::super::loaded::Loaded;
use super::key::Key;
use crate::answers::GraphOptions;
use spanbridge::{RunId, SpanId};
use spanbridge_graph::Why;
use spanbridge_query::{RunQuery, RunRow};
use std::collections::HashSet;
use std::sync::Arc;

/// The number of a question. Its answer has the same one.
pub(crate) type Ticket = u64;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Input {
    Key(Key),
    /// Text that was pasted.
    Paste(String),
    /// The size of the terminal, in columns and lines.
    Resize(u16, u16),
    /// What time it is. Comes a few times each second.
    Tick(u64),
    /// Something was recorded of these runs.
    Changed(HashSet<RunId>),
    /// The store could not be read, and can be again. Anything may have changed, and answers may be missing.
    Back,
    Answer(Ticket, Result<Answer, String>),
}

/// Something to be done by whoever calls `update`.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The answer comes as an [`Input`].
    Ask(Ticket, Request),
    Quit,
    /// Stop the process, as Ctrl-Z does.
    Stop,
    /// Draw everything anew: something else may have written to the terminal.
    Redraw,
}

/// A question.
#[derive(Debug)]
pub(crate) enum Request {
    /// The first runs that match.
    Runs(Box<RunQuery>, usize),
    /// What an id stands for.
    Find(String),
    /// A run, for the screen.
    Run(RunId, GraphOptions),
    Why(RunId),
    /// What is missing in a run.
    Findings(RunId),
    /// Which spans have this text somewhere.
    Search(Arc<Loaded>, String),
}

/// An answer.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Runs, whether there are more, and how long reading took, in nanoseconds.
    Runs(Vec<RunRow>, bool, u64),
    Found(RunId, Option<SpanId>),
    /// A run, and how long reading it took, in nanoseconds. `None`: it is no longer stored.
    Run(Option<Arc<Loaded>>, u64),
    Why(Option<Box<Why>>),
    Findings(Arc<Findings>),
    /// The places of spans in the graph, in its order.
    Matches(Vec<usize>),
}
