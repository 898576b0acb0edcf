//! The graph of a run, and what belongs to it beside runs and spans.

use super::left_out::LeftOut;
use super::mutation::Mutation;
use super::path::CriticalPath;
use super::related::{LinkedRun, PrunedRun, RunSummary, Trigger};
use super::run::Run;
use super::span::Span;
use spanbridge::SpanId;
use spanbridge::record::Endpoint;

/// One run, with everything that is known about it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Graph {
    /// The run itself.
    pub run: Run,
    /// Its spans: parents before children, siblings by start.
    pub spans: Vec<Span>,
    /// Relations that are not part of the tree.
    pub edges: Vec<Edge>,
    /// Payload previews and references.
    pub artifacts: Vec<Artifact>,
    /// Rows of databases that it changed, in the order of their commits.
    pub mutations: Vec<Mutation>,
    /// Runs that were started by this one.
    pub child_runs: Vec<RunSummary>,
    /// The other runs of its traces.
    pub related_runs: Vec<RunSummary>,
    /// Runs connected by links: those that spans of this run link to, and those whose spans link to this run. A run that is
    /// among the related ones is not repeated here.
    pub linked_runs: Vec<LinkedRun>,
    /// Runs that would be among those above, if they had not been pruned.
    pub pruned_runs: Vec<PrunedRun>,
    /// What started it, if another run did.
    pub trigger: Option<Trigger>,
    /// What its duration consists of, if you set it. Then it is part of the JSON.
    pub critical_path: Option<CriticalPath>,
    /// What is not shown, because the run is very large. `None`: everything is shown.
    pub left_out: Option<LeftOut>,
    /// What you should know about the recording, such as lost or contradictory records.
    pub diagnostics: Vec<Diagnostic>,
}

impl Graph {
    /// What makes two runs runs of the same kind: the name, the service that began it, and, without an owner, the kind of its
    /// first step.
    #[doc(hidden)]
    pub fn kind(&self) -> (&str, &str, &str) {
        let first = self.spans.first().filter(|_| !self.run.owned);
        let service = self.run.first_segment().map_or("", |segment| &segment.service);
        (&self.run.name, first.map_or(service, |span| &span.service), first.map_or("run", |span| &span.primitive))
    }

    /// The graph of a run that has nothing but itself.
    pub fn new(run: Run) -> Self {
        Graph {
            run,
            spans: Vec::new(),
            edges: Vec::new(),
            artifacts: Vec::new(),
            mutations: Vec::new(),
            child_runs: Vec::new(),
            related_runs: Vec::new(),
            linked_runs: Vec::new(),
            pruned_runs: Vec::new(),
            trigger: None,
            critical_path: None,
            left_out: None,
            diagnostics: Vec::new(),
        }
    }
}

/// A relation that is not part of the tree.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Edge {
    /// The kind of relation.
    pub edge_type: String,
    /// One end.
    pub from: Endpoint<'static>,
    /// The other end.
    pub to: Endpoint<'static>,
    /// Whether the graph concluded it, rather than a process recorded it.
    pub derived: bool,
}

impl Edge {
    /// A recorded relation.
    pub fn new(edge_type: impl Into<String>, from: Endpoint<'static>, to: Endpoint<'static>) -> Self {
        Edge { edge_type: edge_type.into(), from, to, derived: false }
    }
}

/// A payload preview or reference.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Artifact {
    /// The span it belongs to.
    pub span_id: SpanId,
    /// Its id.
    pub artifact_id: String,
    /// What it is to the span.
    pub kind: String,
    /// Its media type.
    pub content_type: String,
    /// How the preview is encoded.
    pub encoding: String,
    /// The size of the whole payload, in bytes.
    pub size_bytes: u64,
    /// A hash of the whole payload.
    pub hash: Option<String>,
    /// The beginning of the payload.
    pub preview: Option<String>,
}

/// Something you should know about the recording.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// A stable code.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// How often it happened.
    pub count: Option<u64>,
    /// The span it is about.
    pub span_id: Option<SpanId>,
}

impl Diagnostic {
    /// A diagnostic about the run as a whole.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Diagnostic { code: code.into(), message: message.into(), count: None, span_id: None }
    }
}
