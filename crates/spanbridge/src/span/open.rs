//! A span or a run that has begun and must end once.

use super::details;
use super::guard::{Guard, Unredacted};
use crate::context::Shared;
use crate::context::restored::Restored;
use crate::encoder::layout::{Fact, Field};
use crate::encoder::{Item, Key, Started, thread_recorder};
use crate::panics::Watch;
use crate::semconv::REDACTION_FAILED;
use crate::{Context, Failure, Status, Value};
use std::borrow::Cow;

/// What has begun and must end once. It has no destructor: its owner has the context that an end needs.
pub(crate) enum Open {
    Nothing,
    Span(Started),
    Run,
    /// A span, and the run that ends with it.
    RunOfSpan(Started),
    /// One of these, with more to it. (In a box, so that the others stay small.)
    With(Box<With>),
}

/// The class of a panic.
pub(super) const PANIC: &str = "panic";

/// Something open, and what few spans have.
pub(crate) struct With {
    open: Open,
    /// For the text of its error.
    guard: Option<Guard>,
    /// What its work is inside of in other libraries.
    restored: Restored,
}

static NOTHING: Restored = Restored::NOTHING;

impl Open {
    #[inline]
    pub(crate) fn span(started: Started) -> Self {
        if started.is_none() { Open::Nothing } else { Open::Span(started) }
    }

    /// The same with a guard, unless it is nothing. Replaces the guard that it has.
    pub(super) fn guarded(self, guard: Guard) -> Self {
        match self {
            Open::Nothing => Open::Nothing,
            open => open.with(|with| with.guard = Some(guard)),
        }
    }

    /// The same, with work inside of this in other libraries.
    pub(super) fn restoring(self, restored: Restored) -> Self {
        if restored.is_nothing() { self } else { self.with(|with| with.restored = restored) }
    }

    fn with(self, change: impl FnOnce(&mut With)) -> Self {
        let mut with = match self {
            Open::With(with) => with,
            open => Box::new(With { open, guard: None, restored: Restored::NOTHING }),
        };
        change(&mut with);
        Open::With(with)
    }

    pub(super) fn guard(&self) -> Option<&Guard> {
        if let Open::With(with) = self { with.guard.as_ref() } else { None }
    }

    /// What its work is inside of in other libraries.
    #[inline(always)]
    pub(super) fn restored(&self) -> &Restored {
        if let Open::With(with) = self { &with.restored } else { &NOTHING }
    }

    /// Whether that is something.
    #[inline(always)]
    pub(super) fn restores(&self) -> bool {
        matches!(self, Open::With(with) if !with.restored.is_nothing())
    }

    /// The same, with a run that ends with the span.
    pub(super) fn with_run(self) -> Self {
        match self {
            Open::Span(started) => Open::RunOfSpan(started),
            Open::With(with) => {
                let With { open, guard, restored } = *with;
                Open::With(Box::new(With { open: open.with_run(), guard, restored }))
            }
            _ => Open::Run,
        }
    }

    /// Whether it has a span.
    #[inline]
    pub(super) fn has_span(&self) -> bool {
        match self {
            Open::Span(_) | Open::RunOfSpan(_) => true,
            Open::With(with) => with.open.has_span(),
            Open::Nothing | Open::Run => false,
        }
    }

    /// Takes off what few spans have.
    #[cold]
    fn take_guard(&mut self) -> Option<Guard> {
        match std::mem::replace(self, Open::Nothing) {
            Open::With(with) => {
                let With { open, guard, restored: _ } = *with;
                *self = open;
                guard
            }
            open => {
                *self = open;
                None
            }
        }
    }

    /// Ends it, unless it has ended. `context` is the one in which it began.
    #[inline]
    pub(crate) fn end(&mut self, context: &Context, status: Status) {
        if let Open::With(_) = self {
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

    /// Ends it as failed. (A run records the text of the error, but not its type.)
    #[cold]
    pub(crate) fn fail(&mut self, context: &Context, failure: &Failure<'_>) {
        self.end_saying(context, Status::Error, || failure.message(), failure.error_type())
    }

    /// Ends it as panicked, with the panic's message.
    #[cold]
    pub(crate) fn panicked(&mut self, context: &Context, message: impl FnOnce() -> String) {
        self.end_saying(context, Status::Panicked, message, PANIC)
    }

    /// Ends it by the panic that has been unwinding this thread since `watch` was made.
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

    /// Ends a span at a time in the past. With a failure it ends as failed.
    #[cold]
    pub(crate) fn end_at(&mut self, context: &Context, at: u64, failure: Option<&Failure<'_>>) {
        let guard = self.take_guard();
        if let (Open::Span(s), Some(shared)) = (std::mem::replace(self, Open::Nothing), context.shared()) {
            let text = failure.map(|failure| passed(guard.as_ref(), context, failure.message())).unwrap_or_default();
            let class = failure.map_or("", Failure::error_type);
            let status = if failure.is_some() { Status::Error } else { Status::Ok };
            said(&text, class, |items| thread_recorder().end_at(s, shared, status, at, items))
        }
    }
}

/// The text of an error to record with the span of this context.
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

/// Ends a span that failed.
#[cold]
pub(crate) fn end_span(started: Started, shared: &Shared, status: Status, error: &str, class: &str) {
    said(error, class, |items| thread_recorder().end_with(started, shared, status, items))
}

/// Ends a span with the text and the class of its error. Empty ones are left out.
fn said(error: &str, class: &str, end: impl FnOnce(&[Item<'_>])) {
    let error = Some((Key::Field(Field::Error), Value::Str(error))).filter(|_| !error.is_empty());
    let class = Some((Key::Field(Field::ErrorType), Value::Str(class))).filter(|_| !class.is_empty());
    match (error, class) {
        (Some(error), Some(class)) => end(&[error, class]),
        (one, other) => end(one.or(other).as_slice()),
    }
}

/// Ends a run. A run has no status `panicked`: it is an error.
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
