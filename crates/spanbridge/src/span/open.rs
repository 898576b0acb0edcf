//! Something that was begun and has an end to come: a span or a run.

use super::class::{PANIC, unsaid};
use crate::context::Shared;
use crate::panics::Watch;
use crate::recording::layout::{Fact, Field};
use crate::recording::{Item, Key, Started, hot};
use crate::semconv::ERROR_TYPE;
use crate::{Context, Failure, Status, Value};
use std::borrow::Cow;

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
                Open::Span(s) => hot().end(s, || Some(shared), status),
                Open::RunOfSpan(s) => {
                    hot().end(s, || Some(shared), status);
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
        if let (open @ (Open::Span(_) | Open::Run | Open::RunOfSpan(_)), Some(shared)) =
            (std::mem::replace(self, Open::Nothing), context.shared())
        {
            let message = message();
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
            let text = failure.map(Failure::message).unwrap_or_default();
            let class = failure.map_or("", Failure::error_type);
            let status = if failure.is_some() { Status::Error } else { Status::Ok };
            said(s, &text, class, |items| hot().end_at(s, shared, status, at, items))
        }
    }
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
    hot().fact(shared, Fact::RunEnd, 0, 0, &items[..1 + error.is_some() as usize]);
}
