//! Fills in the graph from records.

mod edges;
mod failed;
mod inline;
mod input;
mod links;
mod run;
mod spans;

use super::model::{Artifact, Diagnostic, Graph, Mutation, RunStatus};
use super::outline::Outline;
use super::tree::Attachment;
use edges::edges;
pub use failed::Hints;
pub(crate) use failed::{Ends, Lost};
use input::Input;
use run::run;
pub(crate) use run::{joined, waited};
use spanbridge::RunId;
use spanbridge::record::{Body, Record};
use spans::spans;

impl Graph {
    /// The graph of a run, from its records in any order, each any number of times. What the records alone cannot tell is
    /// left empty: the child runs, the related and linked runs, and the trigger. The store fills those in.
    pub fn build(run_id: RunId, records: &[Record<'_>]) -> Graph {
        Self::of_outline(run_id, records, &Outline::of(run_id, records))
    }

    /// The same, if the outline is known.
    pub(crate) fn of_outline(run_id: RunId, records: &[Record<'_>], outline: &Outline) -> Graph {
        let input = Input { run_id, records, outline };
        let (mut run, spans) = (run(&input), spans(&input));
        let edges = edges(&input, &run, &spans);
        run.failed_work = failed::failed_work(&run, &spans, &edges);
        Graph {
            edges,
            spans,
            artifacts: artifacts(&input),
            mutations: mutations(&input),
            diagnostics: diagnostics(&input),
            ..Graph::new(run)
        }
    }
}

impl RunStatus {
    /// The status of a run, from its records: the same as [`Graph::build`], without filling in the graph.
    pub fn of(run_id: RunId, records: &[Record<'_>]) -> RunStatus {
        Outline::of(run_id, records).status(records)
    }
}

fn artifacts(input: &Input<'_, '_>) -> Vec<Artifact> {
    let mut places = input.outline.joined.artifacts.clone();
    places.sort_unstable();
    let text = |text: &Option<std::borrow::Cow<'_, str>>| text.as_deref().map(str::to_owned);
    let artifact = |place: usize| match input.body(place) {
        Body::Artifact(a) => Some(Artifact {
            span_id: a.span_id,
            artifact_id: a.artifact_id.clone().into_owned(),
            kind: a.kind.clone().into_owned(),
            content_type: a.content_type.clone().into_owned(),
            encoding: a.encoding.clone().into_owned(),
            size_bytes: a.size_bytes,
            hash: text(&a.hash),
            preview: text(&a.preview),
        }),
        _ => None,
    };
    places.into_iter().filter_map(artifact).collect()
}

/// By commit. Those of one time stay in the order of their segment.
fn mutations(input: &Input<'_, '_>) -> Vec<Mutation> {
    let mut places = input.outline.joined.mutations.clone();
    places.sort_by_key(|at| (input.records[*at].segment_id, input.records[*at].segment_seq));
    let mutation = |place: usize| match input.body(place) {
        Body::Mutation(mutation) => Some(Mutation::of(mutation)),
        _ => None,
    };
    let mut all: Vec<Mutation> = places.into_iter().filter_map(mutation).collect();
    all.sort_by(Mutation::order);
    all
}

/// The recorded ones, then those of the graph itself.
fn diagnostics(input: &Input<'_, '_>) -> Vec<Diagnostic> {
    let joined = &input.outline.joined;
    let recorded = joined.diagnostics.iter().filter_map(|place| match input.body(*place) {
        Body::Diagnostic(d) => Some(Diagnostic {
            code: d.code.clone().into_owned(),
            message: d.message.clone().into_owned(),
            count: d.count,
            span_id: d.span_id,
        }),
        _ => None,
    });
    let conflicts = joined
        .conflicts
        .iter()
        .map(|conflict| Diagnostic { span_id: conflict.span_id, ..Diagnostic::new("conflict", conflict.what.clone()) });
    let cycles = input.outline.order.iter().filter(|p| p.attachment == Attachment::CycleCut).map(|p| Diagnostic {
        span_id: Some(joined.spans[p.node()].id),
        ..Diagnostic::new("parent_cycle", "the span is its own ancestor; it is shown as a root")
    });
    recorded.chain(conflicts).chain(cycles).collect()
}
