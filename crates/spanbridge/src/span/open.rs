//! Something that was begun and has an end to come: a span or a run.

use super::class::{PANIC, unsaid};
use crate::context::Shared;
use crate::recording::layout::{Fact, Field};
use crate::recording::{Item, Key, Started, hot};
use crate::semconv::ERROR_TYPE;
use crate::{Context, Failure, Status, Value};
use std::fmt::{Display, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What has begun and must be ended once. It has no destructor of its own: who holds it knows the context.
pub(crate) enum Open {
    Nothing,
    Span(Started),
    Run,
    /// A span and the run that it is the work of.
    RunOfSpan(Started),
}

impl Open {
    #[inline]
    pub(crate) fn span(started: Started) -> Self {
        if started.is_none() { Open::Nothing } else { Open::Span(started) }
    }

    /// Ends it, if it was not ended yet. `context` is the one it was begun in.
    #[inline]
    pub(crate) fn end(&mut self, context: &Context, status: Status) {
        if let (open @ (Open::Span(_) | Open::Run | Open::RunOfSpan(_)), Some(shared)) =
            (std::mem::replace(self, Open::Nothing), context.shared())
        {
            match open {
                Open::Span(s) if status == Status::Panicked => end_span(s, shared, status, "", PANIC),
                Open::Span(s) => hot().end(s, || Some(shared), status),
                Open::RunOfSpan(s) => end_both(s, shared, status),
                _ => end_run(shared, status, None),
            }
        }
    }

    /// Ends it as failed. (A run has the error's text only.)
    #[cold]
    pub(crate) fn fail(&mut self, context: &Context, failure: &Failure<'_>) {
        self.end_saying(context, Status::Error, failure.text(), failure.error_type())
    }

    /// Ends it as panicked, with what the panic said.
    #[cold]
    pub(crate) fn panicked(&mut self, context: &Context, message: &dyn Display) {
        self.end_saying(context, Status::Panicked, message, PANIC)
    }

    fn end_saying(&mut self, context: &Context, status: Status, message: &dyn Display, class: &str) {
        if let (open @ (Open::Span(_) | Open::Run | Open::RunOfSpan(_)), Some(shared)) =
            (std::mem::replace(self, Open::Nothing), context.shared())
        {
            let message = shown(message);
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
        if let (Open::Span(s), Some(shared)) = (std::mem::replace(self, Open::Nothing), context.shared()) {
            let text = failure.map(|failure| shown(failure.text())).unwrap_or_default();
            let class = failure.map_or("", Failure::error_type);
            let status = if failure.is_some() { Status::Error } else { Status::Ok };
            said(s, &text, class, |items| hot().end_at(s, shared, status, at, items))
        }
    }
}

/// The text of an error. It is the application's code that makes it: whatever it does, the error is recorded, and the
/// application's own result goes on its way.
#[cold]
pub(crate) fn shown(error: &dyn Display) -> String {
    let mut text = String::new();
    let _ = catch_unwind(AssertUnwindSafe(|| write!(text, "{error}")));
    text
}

/// Ends a span that did not go well.
#[cold]
pub(crate) fn end_span(started: Started, shared: &Shared, status: Status, error: &str, class: &str) {
    said(started, error, class, |items| hot().end_with(started, shared, status, items))
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

#[cold]
fn end_both(started: Started, shared: &Shared, status: Status) {
    match status {
        Status::Panicked => end_span(started, shared, status, "", PANIC),
        _ => hot().end(started, || Some(shared), status),
    }
    end_run(shared, status, None)
}

/// A run has no `panicked`: that is an error of its own kind.
#[cold]
pub(crate) fn end_run(shared: &Shared, status: Status, error: Option<&str>) {
    let (status, error) = match status {
        Status::Panicked => (Status::Error, Some("panicked")),
        s => (s, error.filter(|text| !text.is_empty())),
    };
    let items = [
        (Key::Field(Field::Status), Value::I64(status as i64)),
        (Key::Field(Field::Error), Value::Str(error.unwrap_or_default())),
    ];
    hot().fact(shared, Fact::RunEnd, 0, 0, &items[..1 + error.is_some() as usize]);
}
