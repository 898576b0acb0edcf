//! A request on its way into the store.

use super::budget::{Budget, Held};
use super::counts::IngestCounts;
use super::decode::{Decoded, decode};
use super::form::Form;
use super::limits::{DECODED_AT_ONCE, MAX_HELD};
use super::outcome::Outcome;
use super::refused::Refused;
use super::writer::Writer;
use super::{answer, body};
use crate::place::Place;
use axum::extract::Request;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// A request that was taken.
struct Taken {
    form: Form,
    outcome: Outcome,
    /// Spans of it that were rejected before anything was stored.
    without_ids: u64,
    held: Held,
}

/// The body of an answer, and the memory that it has until the client has read it.
pub(super) struct Answered {
    body: Vec<u8>,
    _held: Held,
}

impl AsRef<[u8]> for Answered {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Taken {
    fn answered(self) -> Result<Answered, Refused> {
        let Taken { form, outcome, without_ids, mut held } = self;
        let mut body = Vec::new();
        match form {
            Form::Records => answer::write_receipt(&outcome, &mut body),
            Form::Protobuf | Form::Json => answer::write_exported(form, &outcome, without_ids, &mut body),
        }
        held.shrink_to(body.capacity());
        held.grow_to(body.capacity())?;
        Ok(Answered { body, _held: held })
    }
}

/// Takes in what is sent. Copies are the same.
#[derive(Clone)]
pub(in crate::serve) struct Ingest(Arc<Inner>);

struct Inner {
    budget: Budget,
    turns: Arc<Semaphore>,
    writer: Writer,
    counts: IngestCounts,
}

impl Ingest {
    /// Takes in what is sent, for this store.
    pub(in crate::serve) fn new(store: &Place) -> Self {
        Self(Arc::new(Inner {
            budget: Budget::new(MAX_HELD),
            turns: Arc::new(Semaphore::new(DECODED_AT_ONCE)),
            writer: Writer::start(store),
            counts: IngestCounts::default(),
        }))
    }

    pub(in crate::serve) fn counts(&self) -> &IngestCounts {
        &self.0.counts
    }

    /// Takes a request, and writes what it is answered.
    pub(super) async fn take(&self, form: Result<Form, Refused>, request: Request) -> Result<Answered, Refused> {
        let taken = self.take_as(form, request).await;
        self.0.counts.add(taken.as_ref().map(|taken| (&taken.outcome, taken.without_ids)));
        taken.and_then(Taken::answered)
    }

    async fn take_as(&self, form: Result<Form, Refused>, request: Request) -> Result<Taken, Refused> {
        let (head, body) = request.into_parts();
        let mut held = self.0.budget.nothing();
        let form = form.and_then(|form| Ok((form, form.encoding(&head.headers)?)));
        let (form, encoding) = match form {
            Ok(form) => form,
            Err(refused) => {
                body::drain(body).await;
                return Err(refused);
            }
        };
        let sent = body::read(&head.headers, body, &mut held).await?;
        let decoded = self.decoded(move || decode(form, encoding, sent, held)).await?;
        let without_ids = decoded.rejected;
        let (outcome, held) = self.0.writer.store(decoded).await?;
        Ok(Taken { form, outcome, without_ids, held })
    }

    /// How many requests wait to be stored.
    pub(in crate::serve) fn waiting(&self) -> usize {
        self.0.writer.waiting()
    }

    /// Decodes a request on a thread that may block, a few at once.
    async fn decoded(
        &self,
        decode: impl FnOnce() -> Result<Decoded, Refused> + Send + 'static,
    ) -> Result<Decoded, Refused> {
        let turn = self.0.turns.clone().acquire_owned().await;
        let decoded = tokio::task::spawn_blocking(move || {
            // The turn goes along: if the client leaves, the thread is still busy.
            let decoded = decode();
            drop(turn);
            decoded
        });
        decoded.await.unwrap_or_else(|_| Err(Refused::busy("decoding it ended unexpectedly")))
    }
}
