//! The graph of a run, and what can be asked for with it.

use super::lookup::{find, gone};
use super::no_answer::NoAnswer;
use spanbridge_graph::{CriticalPath, Diagnostic, Graph};
use spanbridge_query::{Store, Within};

/// How many child runs are followed, and how many spans they may have together.
const MAX_CHILD_RUNS: usize = 500;
const MAX_CHILD_SPANS: u64 = 100_000;

/// What a graph has beside the run itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GraphOptions {
    /// The spans of the runs that it started, in its tree.
    pub follow_children: bool,
    /// The critical path, through the runs that it started.
    pub critical_path: bool,
}

/// The graph of the run that this id stands for; of a trace, of its first run. A very large run is summarised, by the limit of what
/// is asked.
///
/// # Errors
/// If the run is not found, or the store cannot be read.
pub fn graph<'s>(store: impl Into<Within<'s>>, id: &str, options: GraphOptions) -> Result<Graph, NoAnswer> {
    let within = store.into();
    let store = within.store();
    let run = find(store, id)?.1.first().copied().ok_or_else(|| gone(id))?;
    let mut graph = within.graph(run)?.ok_or_else(|| gone(id))?;
    follow(store, &mut graph, options)?;
    Ok(graph)
}

/// Adds what was asked for beside the run itself. A diagnostic says so if there are too many child runs.
///
/// # Errors
/// If the store cannot be read.
pub fn follow(store: &Store, graph: &mut Graph, options: GraphOptions) -> Result<(), NoAnswer> {
    if options == GraphOptions::default() {
        return Ok(());
    }
    let children = store.descendants(graph.run.run_id, MAX_CHILD_RUNS, MAX_CHILD_SPANS)?;
    if options.critical_path {
        graph.critical_path = Some(CriticalPath::with_children(graph, &children.graphs));
    }
    if options.follow_children {
        graph.inline(children.graphs);
    }
    if children.left_out > 0 {
        let mut left_out = Diagnostic::new("children_left_out", "child runs that are not followed: there are too many");
        left_out.count = Some(children.left_out as u64);
        graph.diagnostics.push(left_out);
    }
    Ok(())
}
