//! Publishing.

use crate::carrier::{Headers, HeadersMut};
use crate::consume::Job;
use crate::describe;
use lapin::message::BasicReturnMessage;
use lapin::options::{BasicGetOptions, BasicPublishOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};
use spanbridge::carrier::{Outgoing, extract, inject, outgoing};
use spanbridge::observe::{ActiveSpan, Span};
use spanbridge::{Context, Value, semconv};
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

/// `channel.observed()`.
pub trait ChannelExt {
    /// The same channel, with what goes through it recorded and carrying the current context along.
    fn observed(&self) -> ObservedChannel<'_>;
}

impl ChannelExt for Channel {
    fn observed(&self) -> ObservedChannel<'_> {
        ObservedChannel(self)
    }
}

/// A channel, observed. Its methods take lapin's arguments and give lapin's results.
#[derive(Clone, Copy, Debug)]
pub struct ObservedChannel<'a>(&'a Channel);

impl ObservedChannel<'_> {
    /// [`Channel::basic_publish`], in a `publish` span that ends with the broker's answer, and with the span's context
    /// in the message's headers.
    ///
    /// # Errors
    /// lapin's.
    pub async fn basic_publish(
        &self,
        exchange: ShortString,
        routing_key: ShortString,
        options: BasicPublishOptions,
        payload: &[u8],
        properties: BasicProperties,
    ) -> lapin::Result<ObservedConfirm> {
        let span = describe::publish(exchange.as_str(), routing_key.as_str(), payload, &properties).open();
        let properties = pack(&span, properties);
        let handoff = Handoff(Some(span));
        let sending = self.0.basic_publish(exchange, routing_key, options, payload, properties);
        match handoff.with_context(sending).await {
            Ok(confirm) => Ok(ObservedConfirm { confirm, handoff }),
            Err(e) => {
                handoff.failed("unknown", &e);
                Err(e)
            }
        }
    }

    /// [`Channel::basic_get`]; the message is a [`Job`].
    ///
    /// # Errors
    /// lapin's.
    pub async fn basic_get(&self, queue: ShortString, options: BasicGetOptions) -> lapin::Result<Option<Job>> {
        let got = self.0.basic_get(queue.clone(), options).await?;
        Ok(got.map(|message| Job::new(message.delivery, queue)))
    }
}

/// The message's properties with the span's context in them.
fn pack(span: &Span, properties: BasicProperties) -> BasicProperties {
    let context = span.context();
    if context.is_empty() {
        return properties;
    }
    match outgoing(context, &Headers(&properties)) {
        Outgoing::Keep(theirs) => {
            span.link(&theirs);
            properties
        }
        Outgoing::Write => {
            let mut headers = properties.headers().clone().unwrap_or_default();
            inject(context, &mut HeadersMut(&mut headers));
            properties.with_headers(headers)
        }
    }
}

/// The publish span until the broker has answered.
#[derive(Debug)]
struct Handoff(Option<Span>);

impl Handoff {
    fn with_context<F>(&self, sending: F) -> spanbridge::current::WithContext<F> {
        spanbridge::observe::with_context(self.0.as_ref().map(|s| s.context().clone()).unwrap_or_default(), sending)
    }

    fn ended(mut self, status: &'static str) {
        self.end(status)
    }

    fn end(&mut self, status: &'static str) {
        if let Some(span) = self.0.take() {
            span.attribute(semconv::HANDOFF_STATUS, Value::Static(status));
            span.end()
        }
    }

    fn failed(mut self, status: &'static str, why: &dyn std::fmt::Display) {
        if let Some(span) = self.0.take() {
            span.attribute(semconv::HANDOFF_STATUS, Value::Static(status));
            span.error(why)
        }
    }

    /// What the broker said.
    fn answered(self, answer: &lapin::Result<Confirmation>) {
        let (ok, returned) = match answer {
            Ok(Confirmation::NotRequested) => return self.ended("sent"),
            Ok(Confirmation::Ack(returned)) => (true, returned),
            Ok(Confirmation::Nack(returned)) => (false, returned),
            Err(e) => return self.failed("unknown", e),
        };
        match returned {
            Some(message) if self.is_own(message) => self.failed("returned", &Returned(message)),
            other => {
                if let Some(message) = other {
                    returned_for_another(message)
                }
                if ok { self.ended("confirmed") } else { self.failed("rejected", &"the broker refused the message") }
            }
        }
    }

    /// lapin hands the oldest returned message to whichever answer comes next; the message itself says whose it is. One
    /// without a context of ours is taken as lapin means it.
    fn is_own(&self, message: &BasicReturnMessage) -> bool {
        let theirs = extract(&Headers(&message.properties)).context;
        let ours = self.0.as_ref().map(|s| s.context().span_id());
        theirs.is_empty() || ours == Some(theirs.span_id())
    }
}

/// A message that came back with the answer to another.
fn returned_for_another(message: &BasicReturnMessage) {
    let whose = extract(&Headers(&message.properties)).context;
    if let Some(span) = ActiveSpan::of(whose) {
        span.attribute(semconv::HANDOFF_STATUS, Value::Static("returned"))
    }
}

struct Returned<'a>(&'a BasicReturnMessage);

impl std::fmt::Display for Returned<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "returned by the broker: {} {}", self.0.reply_code, self.0.reply_text)
    }
}

impl Drop for Handoff {
    /// Dropping a confirm, or giving up on one, is legal: the message may arrive all the same.
    fn drop(&mut self) {
        self.end("unknown")
    }
}

/// lapin's [`PublisherConfirm`]; when the broker has answered, the publish span ends.
///
/// The span's attribute `spanbridge.handoff.status` is `confirmed`, `rejected`, `returned`, `sent` (no confirms were asked
/// for) or `unknown` (this was dropped, or the connection failed first).
#[must_use = "a publisher confirm says whether the message arrived"]
#[derive(Debug)]
pub struct ObservedConfirm {
    confirm: PublisherConfirm,
    handoff: Handoff,
}

impl ObservedConfirm {
    /// The context that the message carries.
    pub fn context(&self) -> Context {
        self.handoff.0.as_ref().map(|s| s.context().clone()).unwrap_or_default()
    }
}

impl Future for ObservedConfirm {
    type Output = lapin::Result<Confirmation>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.confirm).poll(cx));
        std::mem::replace(&mut self.handoff, Handoff(None)).answered(&answer);
        Poll::Ready(answer)
    }
}
