//! An adapter for a custom transport: an in-process queue that carries JSON payloads.
//!
//! An adapter does two things:
//!
//! - When it sends, it opens a span and puts *that span's* context into the message.
//! - When it receives, it takes the context out, opens a span *under it*, and runs the work inside that span.
//!
//! The application sends and receives the same payloads as without the adapter.

use serde_json::Value;
use spanbridge::adapter::{HandoffStatus, OutboundCall, Values, send};
use spanbridge::carrier::{Budget, extract_payload};
use spanbridge::messaging::Received;
use spanbridge::observe::{self, InSpan};
use spanbridge::{Context, Failure, Kind, Outcome, Primitive, payload, semconv};
use tokio::sync::mpsc;

/// The sending half of a mailbox. Clones send to the same mailbox.
#[derive(Clone, Debug)]
pub struct Sender(mpsc::UnboundedSender<Message>);

/// The receiving half of a mailbox.
#[derive(Debug)]
pub struct Mailbox {
    name: &'static str,
    messages: mpsc::UnboundedReceiver<Message>,
    requeue: mpsc::WeakUnboundedSender<Message>,
}

/// A payload in the queue.
#[derive(Clone, Debug)]
struct Message {
    payload: Vec<u8>,
    attempt: u32,
}

/// A received payload, and the context that came with it.
#[derive(Debug)]
pub struct Job {
    message: Message,
    name: &'static str,
    received: Received,
    /// The payload as the sender wrote it, without the context.
    pub data: Vec<u8>,
}

/// Creates a mailbox. The name is the destination in its spans.
pub fn mailbox(name: &'static str) -> (Sender, Mailbox) {
    let (sender, messages) = mpsc::unbounded_channel();
    let requeue = sender.downgrade();
    (Sender(sender), Mailbox { name, messages, requeue })
}

impl Sender {
    /// Sends a payload in a `publish` span. `name` is the destination in that span.
    pub fn send(&self, name: &'static str, payload: &Value) -> Result<(), Closed> {
        self.send_bytes(name, payload.to_string().as_bytes())
    }

    /// Sends a payload that is already JSON text.
    pub fn send_bytes(&self, name: &'static str, payload: &[u8]) -> Result<(), Closed> {
        let span = observe::span(format!("publish {name}"))
            .primitive(Primitive::MESSAGING_PUBLISH)
            .kind(Kind::Producer)
            .attribute(semconv::MESSAGING_SYSTEM, "mailbox")
            .attribute(semconv::MESSAGING_DESTINATION_NAME, name);
        // If the payload already has a context, it is replaced, unless it is from another trace: then it is deliberate.
        let taken = payload::take(payload);
        let mut fields = taken.fields.clone().unwrap_or_default();
        let handoff = send(span, &Values::of(None), &mut fields, |_, _| Budget::UNLIMITED);
        let payload = payload::splice(&taken.payload(), &fields).unwrap_or_else(|| payload.to_vec());
        // In a replay nothing leaves.
        let asked = taken.payload();
        let call = || OutboundCall::new(Primitive::MESSAGING_PUBLISH, name).with_body(&*asked);
        let sent = match handoff.ask(call).into_answer() {
            None => self.put(payload),
            Some(Ok(then)) if then.error().is_none() => Ok(()),
            Some(_) => Err(Closed),
        };
        match &sent {
            Ok(()) => handoff.ended(HandoffStatus::Confirmed),
            Err(closed) => handoff.failed(HandoffStatus::Rejected, &Failure::new(closed)),
        }
        sent
    }

    /// Sends a payload unchanged. Records no span.
    pub fn put(&self, payload: Vec<u8>) -> Result<(), Closed> {
        self.0.send(Message { payload, attempt: 1 }).map_err(|_| Closed)
    }
}

impl Mailbox {
    /// The next message. `None` when the mailbox is empty and every sender was dropped.
    pub async fn next(&mut self) -> Option<Job> {
        let message = self.messages.recv().await?;
        let (found, data) = extract_payload(&message.payload);
        Some(Job { name: self.name, received: found.into(), data: data.into_owned(), message })
    }

    /// Puts a message back for another attempt. If every sender was dropped, the message is lost.
    pub fn requeue(&self, job: Job) {
        if let Some(queue) = self.requeue.upgrade() {
            let _ = queue.send(Message { attempt: job.message.attempt + 1, ..job.message });
        }
    }
}

impl Job {
    /// The payload as it is in the queue, with the context.
    pub fn raw(&self) -> &[u8] {
        &self.message.payload
    }

    /// The number of this attempt, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.message.attempt
    }

    /// Runs `work` in a `process` span under the sender's span. The span's status comes from the output.
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
                .attribute(semconv::DELIVERY_ATTEMPT, self.message.attempt)
                .open()
        });
        span.run(work)
    }

    /// The context that came with the message.
    pub fn context(&self) -> &Context {
        self.received.context()
    }
}

/// The mailbox was dropped, so nothing receives the message.
#[derive(Debug)]
pub struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("send a message: the mailbox was dropped")
    }
}

impl std::error::Error for Closed {}
