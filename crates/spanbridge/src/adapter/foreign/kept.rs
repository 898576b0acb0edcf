//! What is kept of an open span.

use super::ending::Ending;
use crate::context::spare;
use crate::encoder::{Started, thread_recorder};
use crate::span::{Open, Span};
use crate::{Context, Status};

/// An open span, in few words.
pub(super) struct Kept {
    pub(super) context: Context,
    /// Of the span that the context names, or 0.
    pub(super) token: u64,
    pub(super) more: Option<Box<More>>,
}

/// What only few spans have.
#[derive(Default)]
pub(super) struct More {
    pub(super) ending: Ending,
    /// Something else that is open.
    open: Option<Open>,
}

impl Kept {
    #[inline(always)]
    pub(super) fn of(span: Span) -> Self {
        let (context, open) = span.into_parts();
        match open {
            Open::Nothing => Kept { context, token: 0, more: None },
            Open::Span(started) if started.id == context.span => Kept { context, token: started.token(), more: None },
            open => Kept { context, token: 0, more: Some(Box::new(More { open: Some(open), ..More::default() })) },
        }
    }

    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Whether its end is recorded.
    pub(super) fn is_recorded(&self) -> bool {
        self.token != 0 || self.more.as_ref().is_some_and(|more| more.open.is_some())
    }

    #[inline(always)]
    pub(super) fn end(self) {
        let Kept { context, token, more } = self;
        let started = Started::of(token, context.span);
        match more {
            None if started.is_none() => {}
            None => thread_recorder().end(started, || context.shared(), Status::Ok),
            Some(more) => more.end(Open::span(started), &context),
        }
        spare::keep(context)
    }
}

impl More {
    #[cold]
    #[inline(never)]
    fn end(self, open: Open, context: &Context) {
        let More { ending, open: other } = self;
        ending.end(other.unwrap_or(open), context)
    }
}
