//! A boundary of one's own: an in-process queue that carries JSON payloads.
//!
//! All that a boundary takes is here. Sending: open a span, put *its* context into the message. Receiving: take the
//! context out, open a span *under it*, and run the work inside. What the application sends and receives stays as it
//! was.

use serde_json::Value;
use spanbridge::adapter::{HandoffStatus, Values, send};
use spanbridge::carrier::{Budget, extract_payload};
use spanbridge::messaging::Received;
use spanbridge::observe::{self, InSpan};
use spanbridge::{Context, Failure, Kind, Outcome, Primitive, payload, semconv};
use tokio::sync::mpsc;

/// Where letters are put.
#[derive(Clone, Debug)]
pub struct Sender(mpsc::UnboundedSender<Letter>);

/// Where letters are taken out.
#[derive(Debug)]
pub struct Mailbox {
    name: &'static str,
    letters: mpsc::UnboundedReceiver<Letter>,
    back: mpsc::WeakUnboundedSender<Letter>,
}

/// A payload on its way.
#[derive(Clone, Debug)]
struct Letter {
    payload: Vec<u8>,
    attempt: u32,
}

/// A payload that arrived, and the context that came with it.
#[derive(Debug)]
pub struct Job {
    letter: Letter,
    name: &'static str,
    received: Received,
    /// What the sender wrote.
    pub data: Vec<u8>,
}

/// A new queue.
pub fn mailbox(name: &'static str) -> (Sender, Mailbox) {
    let (sender, letters) = mpsc::unbounded_channel();
    let back = sender.downgrade();
    (Sender(sender), Mailbox { name, letters, back })
}

impl Sender {
    /// Puts a payload in.
    pub fn send(&self, name: &'static str, payload: &Value) -> Result<(), Closed> {
        self.send_bytes(name, payload.to_string().as_bytes())
    }

    /// Puts a payload in that is JSON already.
    pub fn send_bytes(&self, name: &'static str, payload: &[u8]) -> Result<(), Closed> {
        let span = observe::span(format!("publish {name}"))
            .primitive(Primitive::MESSAGING_PUBLISH)
            .kind(Kind::Producer)
            .attribute(semconv::MESSAGING_SYSTEM, "mailbox")
            .attribute(semconv::MESSAGING_DESTINATION_NAME, name);
        // A context that the payload carries already is replaced, unless it belongs to another trace: then it is meant.
        let taken = payload::take(payload);
        let mut fields = taken.fields.clone().unwrap_or_default();
        let handoff = send(span, &Values::of(None), &mut fields, |_, _| Budget::UNLIMITED);
        let payload = payload::splice(&taken.payload(), &fields).unwrap_or_else(|| payload.to_vec());
        let sent = self.put(payload);
        match &sent {
            Ok(()) => handoff.ended(HandoffStatus::Confirmed),
            Err(closed) => handoff.failed(HandoffStatus::Rejected, &Failure::new(closed)),
        }
        sent
    }

    /// Puts a payload in as it is. Nothing is recorded.
    pub fn put(&self, payload: Vec<u8>) -> Result<(), Closed> {
        self.0.send(Letter { payload, attempt: 1 }).map_err(|_| Closed)
    }
}

impl Mailbox {
    /// The next letter; `None` when nobody can send any more.
    pub async fn next(&mut self) -> Option<Job> {
        let letter = self.letters.recv().await?;
        let (found, data) = extract_payload(&letter.payload);
        Some(Job { name: self.name, received: found.into(), data: data.into_owned(), letter })
    }

    /// Puts a letter back, for another attempt.
    pub fn requeue(&self, job: Job) {
        if let Some(back) = self.back.upgrade() {
            let _ = back.send(Letter { attempt: job.letter.attempt + 1, ..job.letter });
        }
    }
}

impl Job {
    /// The payload as it is in the queue.
    pub fn raw(&self) -> &[u8] {
        &self.letter.payload
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.letter.attempt
    }

    /// Calls `work` in a span under the sender's, and returns the future that it makes; the span ends by its output.
    pub fn run<F, Fut>(&self, work: F) -> InSpan<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        let span = self.received.process(|| {
            observe::span(format!("process {}", self.name))
                .primitive(Primitive::MESSAGING_PROCESS)
                .kind(Kind::Consumer)
                .attribute(semconv::MESSAGING_SYSTEM, "mailbox")
                .attribute(semconv::MESSAGING_DESTINATION_NAME, self.name)
                .attribute(semconv::DELIVERY_ATTEMPT, self.letter.attempt)
                .open()
        });
        span.run(work)
    }

    /// The context that came with the letter.
    pub fn context(&self) -> &Context {
        self.received.context()
    }
}

/// Nobody takes letters out any more.
#[derive(Debug)]
pub struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("send a letter: nobody takes letters out any more")
    }
}

impl std::error::Error for Closed {}
