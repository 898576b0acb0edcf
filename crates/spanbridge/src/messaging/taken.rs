//! What is taken of a context that came: as much as the sender is trusted.

use super::options::{MessageView, ReceiveOptions};
use super::relation::Trust;
use crate::carrier::Extraction;
use crate::context::current;
use crate::encoder::origin;
use crate::w3c::Baggage;
use crate::{Context, semconv};

/// What is recorded about the context of a message: a diagnostic's code, and its text.
pub(super) type Note = (&'static str, String);

/// A context, as far as the receiver takes it.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) context: Context,
    /// What the sender claimed, if the receiver does not trust it.
    pub(super) claimed: Context,
    pub(super) notes: Vec<Note>,
}

impl From<Extraction> for Taken {
    fn from(found: Extraction) -> Self {
        let notes = found.problems.iter().map(|p| (semconv::HEADER_MALFORMED, p.to_string())).collect();
        let context = match found.context.travels() {
            // A replay does not continue the sender's ids; a context of this process is one of its own.
            _ if current::stands_in() && (found.context.is_empty() || found.context.is_remote()) => {
                current::context().with_baggage(found.context.baggage().clone())
            }
            true => found.context,
            false => Context::detached(),
        };
        Taken { context, claimed: Context::EMPTY, notes }
    }
}

impl Taken {
    /// What the options leave of it.
    pub(super) fn with<M: MessageView>(mut self, options: &ReceiveOptions<M>) -> Self {
        let (trust, allowed) = options.believed();
        if !self.context.travels() {
            return self;
        }
        match trust {
            Trust::Full => {}
            // The ids are not the sender's.
            _ if self.context.stands_in() => self.context = self.context.with_baggage(Baggage::new()),
            Trust::IdsOnly => {
                let baggage = self.context.baggage().as_str().len();
                if baggage > 0 {
                    self.notes.push((
                        semconv::BAGGAGE_FILTERED,
                        format!("the sender is trusted for its ids only: {baggage} bytes left out"),
                    ))
                }
                let has_ids = !self.context.is_empty();
                self.context = if has_ids { origin::ids_only(&self.context) } else { Context::detached() }
            }
            Trust::Ignore => {
                let said = match self.context.trace_parent() {
                    Some(parent) => parent.to_string(),
                    None => format!("{} bytes of baggage", self.context.baggage().as_str().len()),
                };
                self.notes.push((semconv::CONTEXT_IGNORED, format!("the sender is not trusted: it said {said}")));
                self.claimed = std::mem::replace(&mut self.context, Context::detached())
            }
        }
        if let Some(keys) = allowed {
            let (baggage, left_out) = self.context.baggage().filtered(|key| keys.iter().any(|k| k == key));
            if left_out > 0 {
                self.notes.push((semconv::BAGGAGE_FILTERED, format!("{left_out} members are not on the list")));
                self.context = self.context.with_baggage(baggage)
            }
        }
        self
    }
}
