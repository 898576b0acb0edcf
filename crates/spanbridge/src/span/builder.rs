//! Beginning a span.

use super::place::{self, Place};
use super::theirs;
use crate::context::{RECORDED, STANDS_IN, Shared, untag_recorded};
use crate::current::{self, ambient};
use crate::encoder::layout::MAX_STATIC;
use crate::encoder::{Key, Started, Template, origin, thread_recorder};
use crate::{Context, IntoValue, Kind, Primitive};
use std::borrow::Cow;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::time::Duration;

/// A span that has begun: its start time and its parent are known. It takes attributes until it is run or opened.
///
/// It writes to this thread's buffer, so it is not `Send`; what `run` and `open` return is. Dropped, it is not recorded.
/// Nor is it when it is run or opened outside of the scope in which it began.
#[must_use = "a span is made by `run`, `in_scope` or `open`"]
pub struct SpanBuilder {
    started: Started,
    place: Place,
    this_thread: PhantomData<*const Shared>,
}

/// Begins a span under the current one. If there is none, it begins a trace, and belongs to the trace's own run.
///
/// Without a recorder, or in a trace that is not sampled, this costs next to nothing.
#[inline(always)]
pub fn span(name: impl Into<Cow<'static, str>>) -> SpanBuilder {
    // First: `into` may be the application's code, and may change what is current.
    match name.into() {
        Cow::Borrowed(name) if name.len() <= MAX_STATIC => begin(Name::Static(name)),
        Cow::Borrowed(name) => span_of_text(name),
        Cow::Owned(name) => span_of_text(&name),
    }
}

/// As [`span`], for a name that is not static: it is copied.
pub(crate) fn span_of_text(name: &str) -> SpanBuilder {
    begin(Name::Text(name))
}

/// The same, with everything that the template has.
pub(super) fn span_of_template(template: &Template) -> SpanBuilder {
    begin(Name::Template(template))
}

/// The name of a span.
#[derive(Clone, Copy)]
enum Name<'a> {
    /// Only its address is recorded.
    Static(&'static str),
    /// Copied.
    Text(&'a str),
    /// Copied, with everything else in it.
    Template(&'a Template),
}

impl Name<'_> {
    /// Begins a span that is held back.
    fn hold(self) -> Started {
        match self {
            Name::Static(name) => thread_recorder().hold(Cow::Borrowed(name)),
            Name::Text(name) => thread_recorder().hold(Cow::Owned(name.to_owned())),
            Name::Template(template) => thread_recorder().hold_from(template),
        }
    }
}

#[inline(always)]
fn begin(name: Name<'_>) -> SpanBuilder {
    let current = ambient().shared.get();
    if current.addr() & RECORDED != 0 {
        // SAFETY: what is current is kept alive by whoever made it current, and nothing below is the application's code.
        let shared = unsafe { &*untag_recorded(current) };
        let parent = ambient().span.get();
        let started = match name {
            Name::Static(name) => thread_recorder().begin(shared, parent, name),
            Name::Text(name) => thread_recorder().begin_owned(shared, parent, name),
            Name::Template(template) => thread_recorder().begin_from(shared, parent, template),
        };
        let place = if started.is_none() { Place::Nowhere } else { Place::Below(shared.serial()) };
        SpanBuilder { started, place, this_thread: PhantomData }
    } else if may_begin_trace(current) {
        // Word by word: what is returned through a pointer would stay in memory.
        let (started, root) = match name {
            Name::Static(name) => begin_trace_of_static(name),
            name => begin_trace(name),
        };
        let root = Context { shared: root.shared, span: root.span };
        let place = if root.shared.is_null() { Place::Nowhere } else { Place::Root(root) };
        SpanBuilder { started, place, this_thread: PhantomData }
    } else {
        SpanBuilder::NOTHING
    }
}

/// As [`span`](fn@span), with an id of yours: for work whose ids are derived from its input, so that every process derives the
/// same. Two spans with one id are the same span to every reader.
pub fn span_with_id(name: impl Into<Cow<'static, str>>, id: crate::SpanId) -> SpanBuilder {
    let mut span = span(name);
    if !span.started.is_none() {
        span.started = thread_recorder().set_id(span.started, id.get())
    }
    span
}

/// Has a span that has just begun begin so long ago, for work that is told of when it is over: a callback that has the time that
/// it took.
pub fn begun_before(span: SpanBuilder, ago: Duration) -> SpanBuilder {
    if !span.started.is_none() {
        thread_recorder().begin_before(&span.started, ago)
    }
    span
}

/// Whether a span that begins here may be recorded. Ask before you compute what only a span needs.
pub fn may_record() -> bool {
    let shared = ambient().shared.get();
    shared.addr() & (RECORDED | STANDS_IN) != 0 || may_begin_trace(shared)
}

#[cfg(feature = "record")]
#[inline(always)]
fn may_begin_trace(shared: *const Shared) -> bool {
    match shared.is_null() {
        true => crate::context::intake::installed(),
        // A span that somebody is told of begins as a root does: held back, until its builder is finished.
        false => shared.addr() & (crate::context::BEGINS | STANDS_IN) != 0,
    }
}

#[cfg(not(feature = "record"))]
#[inline(always)]
fn may_begin_trace(_: *const Shared) -> bool {
    false
}

/// A span without a recorded run around it. If there is no trace and a recorder is installed, it begins one. If a trace
/// arrived that the sampler has not decided about, the span is its root here. Such a root is held back until its builder is
/// finished.
#[cold]
#[inline(never)]
fn begin_trace(name: Name<'_>) -> (Started, ManuallyDrop<Context>) {
    let mut outside = current::context();
    theirs::put_around(&mut outside);
    let root = match () {
        () if outside.is_told() => outside,
        () if outside.is_empty() => origin::new_trace(&outside),
        () if outside.is_undecided() || outside.is_remote() => outside,
        () => Context::EMPTY,
    };
    let started = match (root.shared(), name) {
        _ if root.is_undecided() || root.is_told() => name.hold(),
        (Some(shared), Name::Static(name)) if root.is_recorded() => thread_recorder().begin(shared, root.span, name),
        (Some(shared), Name::Text(name)) if root.is_recorded() => {
            thread_recorder().begin_owned(shared, root.span, name)
        }
        (Some(shared), Name::Template(template)) if root.is_recorded() => {
            thread_recorder().begin_from(shared, root.span, template)
        }
        _ => Started::NONE,
    };
    (started, ManuallyDrop::new(root))
}

/// The same for the usual name. A [`Name`] is passed in memory, where it would be put before anybody knows whether it is used.
#[cold]
#[inline(never)]
fn begin_trace_of_static(name: &'static str) -> (Started, ManuallyDrop<Context>) {
    begin_trace(Name::Static(name))
}

impl SpanBuilder {
    /// Of a span that nobody records.
    const NOTHING: Self = SpanBuilder { started: Started::NONE, place: Place::Nowhere, this_thread: PhantomData };

    /// The span and where it begins. One that was taken out of the scope in which it began is given up.
    #[inline(always)]
    pub(super) fn into_parts(mut self) -> (Started, Place) {
        match std::mem::replace(&mut self.place, Place::Nowhere) {
            Place::Below(serial) if place::current_shared(serial).is_none() => {
                place::drop_out_of_scope(self.started);
                (Started::NONE, Place::Nowhere)
            }
            place => (self.started, place),
        }
    }

    /// Adds an attribute: see [`IntoValue`]. Text is copied, unless it is a [`Value::Static`](crate::Value::Static).
    #[inline(always)]
    pub fn attribute<'v>(mut self, key: &'static str, value: impl IntoValue<'v>) -> Self {
        if !self.started.is_none() {
            if let Some(given) = value.into_given() {
                let value = given.value();
                self.started = thread_recorder().add(self.started, || self.place.shared(), Key::Attribute(key), value);
            }
        }
        self
    }

    /// The kind of step. Default: [`Primitive::OPERATION`].
    #[inline(always)]
    pub fn primitive(self, primitive: Primitive) -> Self {
        self.set_kind(Some(primitive), None)
    }

    /// The role in a remote interaction. Default: [`Kind::Internal`].
    #[inline(always)]
    pub fn kind(self, kind: Kind) -> Self {
        self.set_kind(None, Some(kind))
    }

    #[inline(always)]
    fn set_kind(mut self, primitive: Option<Primitive>, kind: Option<Kind>) -> Self {
        if !self.started.is_none() {
            self.started = thread_recorder().set_kind(self.started, || self.place.shared(), primitive, kind);
        }
        self
    }

    /// Links to a related span that is not the parent.
    pub fn link(mut self, other: &Context) -> Self {
        if let Some(p) = other.trace_parent().filter(|_| !self.started.is_none()) {
            self.started = thread_recorder().add_all(self.started, self.place.shared(), &super::details::link_items(p));
        }
        self
    }

    /// With `false`, the span begins no run: without a run around it, it is not recorded. For spans that are only a detail of
    /// something larger. Default: `true`.
    #[inline]
    pub fn implicit_run(self, yes: bool) -> Self {
        match &self.place {
            // An undecided root that came from elsewhere has a run around it.
            Place::Root(root) if !yes && !root.is_current() && root.shared().is_some_and(|root| !root.remote) => {
                SpanBuilder::NOTHING
            }
            _ => self,
        }
    }

    /// The span's id, if it is recorded.
    #[inline]
    pub fn id(&self) -> Option<crate::SpanId> {
        crate::SpanId::new(self.started.id)
    }
}

impl Drop for SpanBuilder {
    #[inline(always)]
    fn drop(&mut self) {
        if !matches!(self.place, Place::Nowhere) {
            place::abandon(self.started, std::mem::replace(&mut self.place, Place::Nowhere))
        }
    }
}
