//! What is current in another library, where that counts before what is current here.

use super::handle::Span;
use crate::context::restored::{Restored, innermost_of, is_restored_baggage};
use crate::context::source::{ContextSource, SourceContext, sources};
use crate::context::{Context, RunId, TraceId};
use crate::w3c::{Baggage, TraceParent, TraceState};
use crate::{current, panics};

/// Calls `f` with the context current that a message sent now has to hang under: that of another library, if one of the
/// [sources](crate::adapter::ContextSource) has begun a span inside of what is current here, else ours. For everything that
/// begins the span of a send.
///
/// Without sources this is one atomic load.
#[inline(always)]
pub fn under_current<R>(f: impl FnOnce() -> R) -> R {
    match sources() {
        None => f(),
        Some(sources) => under_current_of(sources, f),
    }
}

#[cold]
#[inline(never)]
fn under_current_of<R>(sources: &[Box<dyn ContextSource>], f: impl FnOnce() -> R) -> R {
    match innermost(sources, &current::context()) {
        Some(theirs) => current::in_own_scope(theirs, f),
        None => f(),
    }
}

/// If nothing of ours is current, which is `outside`: what is current in another library, for what begins here.
#[inline(always)]
pub(super) fn put_around(outside: &mut Context) {
    if let Some(sources) = sources() {
        put_theirs_around(sources, outside)
    }
}

#[cold]
#[inline(never)]
fn put_theirs_around(sources: &[Box<dyn ContextSource>], outside: &mut Context) {
    // A context without a trace says that what begins in it is under nothing.
    if outside.shared().is_none() {
        *outside = innermost(sources, outside).unwrap_or_default()
    }
}

/// What is current, by whoever has begun its span last. `None`: what is current here.
fn innermost(sources: &[Box<dyn ContextSource>], ours: &Context) -> Option<Context> {
    let is_changed = |theirs: &Baggage| !is_restored_baggage(theirs).unwrap_or_else(|| theirs == ours.baggage());
    let (mut span, mut baggage) = (None, None);
    for (index, source) in sources.iter().enumerate() {
        let Ok(Some(theirs)) = panics::caught(|| source.current()) else { continue };
        let SourceContext { parent, trace_state, baggage: carried } = theirs;
        let carried = carried.filter(is_changed);
        if let Some(parent) = parent.filter(|parent| !is_of_ours(parent, index, ours)) {
            span = Some((parent, trace_state));
            baggage = carried.or(baggage);
            break;
        }
        baggage = baggage.or(carried);
    }
    match span {
        Some((parent, state)) => Some(under(parent, state.as_deref(), baggage, ours)),
        None => baggage.map(|baggage| ours.with_baggage(baggage)),
    }
}

/// Whether their span is only what we have made current there, or what our spans have begun under: then ours is further inside.
/// A span that they have begun for the work counts, until there is one of ours in it.
fn is_of_ours(theirs: &TraceParent, source: usize, ours: &Context) -> bool {
    let id = theirs.span_id.get();
    let is_around = || {
        let from = ours.shared().map_or(0, |shared| shared.from_span);
        ours.trace_id() == Some(theirs.trace_id) && (from == id || ours.span == id)
    };
    match innermost_of(source, theirs) {
        Some(parent) => theirs.span_id == parent || ours.span != parent.get(),
        None => is_around(),
    }
}

/// A context under their span. In our trace it keeps what they do not say: the run, what is recorded, tracestate and baggage.
fn under(parent: TraceParent, state: Option<&str>, baggage: Option<Baggage>, ours: &Context) -> Context {
    let said = state.map(|text| TraceState::parse(text.as_bytes()));
    let (run, state) = said.map_or((None, None), |(run, state, _)| (run, Some(state)));
    let baggage = baggage.unwrap_or_else(|| ours.baggage().clone());
    if ours.trace_id() != Some(parent.trace_id) {
        return Context::remote(parent, run, state.unwrap_or_default(), baggage);
    }
    // Theirs is the run that came with a message, or was ours when their span began: one that has begun here since is further inside.
    let own = RunId::of_trace(parent.trace_id);
    let run = ours.run_id().filter(|run| *run != own).or(run).unwrap_or(own);
    let id = parent.span_id.get();
    let mut context = ours.changed(|shared| {
        (shared.run, shared.flags, shared.from_span) = (run.get(), parent.flags, id);
        shared.baggage = baggage;
        if let Some(state) = state {
            shared.trace_state = state
        }
    });
    context.span = id;
    context
}

/// The context to make current in other libraries for work that was begun with a link to its sender. `None`: that of its span.
pub(crate) fn of_linked(sender: &Context, span: &Context) -> Option<Context> {
    let is_same = |trace: TraceId| span.trace_id() == Some(trace);
    // Nobody here has begun the trace of its own: the other library does.
    sender.trace_id().is_some_and(is_same).then(|| Context::of_baggage(sender.baggage().clone()))
}

impl Restored {
    /// What the work of a span is inside of in other libraries.
    pub fn of(span: &Span) -> Restored {
        span.restored().clone()
    }
}
