//! Something that was begun and has an end to come: a span or a run.

use super::class::{PANIC, unsaid};
use super::details;
use super::guard::{Guard, Unredacted};
use crate::context::Shared;
use crate::encoder::layout::{Fact, Field};
use crate::encoder::{Item, Key, Started, thread_recorder};
use crate::panics::Watch;
use crate::semconv::{ERROR_TYPE, REDACTION_FAILED};
use crate::{Context, Failure, Status, Value};
use std::borrow::Cow;

/// What has begun and must be ended once. It has no destructor of its own: who holds it knows the context.
pub(crate) enum Open {
    Nothing,
    Span(Started),
    Run,
    /// A span and the run that it is the work of.
    RunOfSpan(Started),
    /// One of these whose error's text is not recorded as it is. (In a box, for the others to stay small.)
    Guarded(Box<Guarded>),
}

/// Something open whose error text is guarded.
pub(crate) struct Guarded {
    open: Open,
    guard: Guard,
}

impl Open {
    #[inline]
    pub(crate) fn span(started: Started) -> Self {
        if started.is_none() { Open::Nothing } else { Open::Span(started) }
    }

    /// The same, under a guard, if there is something; in place of one that it has already.
    pub(super) fn guarded(self, guard: Guard) -> Self {
        match self {
            Open::Nothing => Open::Nothing,
            Open::Guarded(guarded) => Open::Guarded(Box::new(Guarded { guard, ..*guarded })),
            open => Open::Guarded(Box::new(Guarded { open, guard })),
        }
    }

    pub(super) fn guard(&self) -> Option<&Guard> {
        if let Open::Guarded(guarded) = self { Some(&guarded.guard) } else { None }
    }

    /// A span that becomes the work of its run.
    pub(super) fn with_run(self) -> Self {
        match self {
            Open::Span(started) => Open::RunOfSpan(started),
            Open::Guarded(guarded) => {
                let Guarded { open, guard } = *guarded;
                open.with_run().guarded(guard)
            }
            _ => Open::Run,
        }
    }

    /// Whether there is a span in it.
    #[inline]
    pub(super) fn has_span(&self) -> bool {
        match self {
            Open::Span(_) | Open::RunOfSpan(_) => true,
            Open::Guarded(guarded) => guarded.open.has_span(),
            Open::Nothing | Open::Run => false,
        }
    }

    /// Without its guard.
    #[cold]
    fn take_guard(&mut self) -> Option<Guard> {
        match std::mem::replace(self, Open::Nothing) {
            Open::Guarded(guarded) => {
                let Guarded { open, guard } = *guarded;
                *self = open;
                Some(guard)
            }
            open => {
                *self = open;
                None
            }
        }
    }

    /// Ends it, if it was not ended yet. `context` is the one it was begun in.
    #[inline]
    pub(crate) fn end(&mut self, context: &Context, status: Status) {
        if let Open::Guarded(_) = self {
            self.take_guard();
        }
        if let (open @ (Open::Span(_) | Open::Run | Open::RunOfSpan(_)), Some(shared)) =
            (std::mem::replace(self, Open::Nothing), context.shared())
        {
            match open {
                Open::Span(s) => thread_recorder().end(s, || Some(shared), status),
                Open::RunOfSpan(s) => {
                    thread_recorder().end(s, || Some(shared), status);
                    end_run(shared, status, None)
                }
                _ => end_run(shared, status, None),
            }
        }
    }

    /// Ends it as failed. (A run has the error's text only.)
    #[cold]
    pub(crate) fn fail(&mut self, context: &Context, failure: &Failure<'_>) {
        self.end_saying(context, Status::Error, || failure.message(), failure.error_type())
    }

    /// Ends it as panicked, with what the panic said.
    #[cold]
    pub(crate) fn panicked(&mut self, context: &Context, message: impl FnOnce() -> String) {
        self.end_saying(context, Status::Panicked, message, PANIC)
    }

    /// Ends it by the panic that unwinds this thread since `watch` was taken.
    #[cold]
    pub(crate) fn unwound(&mut self, context: &Context, watch: Watch) {
        self.panicked(context, || watch.text())
    }

    fn end_saying(&mut self, context: &Context, status: Status, message: impl FnOnce() -> String, class: &str) {
        let guard = self.take_guard();
        if let (open @ (Open::Span(_) | Open::Run | Open::RunOfSpan(_)), Some(shared)) =
            (std::mem::replace(self, Open::Nothing), context.shared())
        {
            let message = passed(guard.as_ref(), context, message());
            if let Open::Span(s) | Open::RunOfSpan(s) = open {
                end_span(s, shared, status, &message, class)
            }
            if let Open::Run | Open::RunOfSpan(_) = open {
                end_run(shared, status, Some(&message))
            }
        }
    }

    /// Ends a span, as failed if there is an error, at a time that is past.
    #[cold]
    pub(crate) fn end_at(&mut self, context: &Context, at: u64, failure: Option<&Failure<'_>>) {
        let guard = self.take_guard();
        if let (Open::Span(s), Some(shared)) = (std::mem::replace(self, Open::Nothing), context.shared()) {
            let text = failure.map(|failure| passed(guard.as_ref(), context, failure.message())).unwrap_or_default();
            let class = failure.map_or("", Failure::error_type);
            let status = if failure.is_some() { Status::Error } else { Status::Ok };
            said(s, &text, class, |items| thread_recorder().end_at(s, shared, status, at, items))
        }
    }
}

/// What is recorded of an error's text with the span of this context.
pub(crate) fn passed(guard: Option<&Guard>, context: &Context, text: String) -> String {
    let passed = match guard {
        Some(guard) => guard.pass(text),
        None => return text,
    };
    match passed {
        Ok(text) => text,
        Err(Unredacted) => {
            details::diagnostic(context, REDACTION_FAILED, NO_TEXT);
            String::new()
        }
    }
}

const NO_TEXT: &str = "nothing of the error's text was recorded: the redaction hook failed";

/// Ends a span that did not go well.
#[cold]
pub(crate) fn end_span(started: Started, shared: &Shared, status: Status, error: &str, class: &str) {
    said(started, error, class, |items| thread_recorder().end_with(started, shared, status, items))
}

/// What is to be said of an error with the end of a span. A text that is empty is none, and so is a class.
fn said(started: Started, error: &str, class: &str, end: impl FnOnce(&[Item<'_>])) {
    let error = Some((Key::Field(Field::Error), Value::Str(error))).filter(|_| !error.is_empty());
    let class = unsaid(started.id, class).map(|class| (Key::Attribute(ERROR_TYPE), Value::Str(class)));
    match (error, class) {
        (Some(error), Some(class)) => end(&[error, class]),
        (one, other) => end(one.or(other).as_slice()),
    }
}

/// A run has no `panicked`: that is an error of its own kind.
#[cold]
pub(crate) fn end_run(shared: &Shared, status: Status, error: Option<&str>) {
    let error = error.filter(|text| !text.is_empty());
    let (status, error): (_, Option<Cow<'_, str>>) = match (status, error) {
        (Status::Panicked, Some(text)) => (Status::Error, Some(format!("panicked: {text}").into())),
        (Status::Panicked, None) => (Status::Error, Some("panicked".into())),
        (status, error) => (status, error.map(Into::into)),
    };
    let items = [
        (Key::Field(Field::Status), Value::I64(status as i64)),
        (Key::Field(Field::Error), Value::Str(error.as_deref().unwrap_or_default())),
    ];
    thread_recorder().fact(shared, Fact::RunEnd, 0, 0, &items[..1 + error.is_some() as usize]);
}
