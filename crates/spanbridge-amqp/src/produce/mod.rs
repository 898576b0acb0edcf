//! Publishing.

mod transaction;

pub use transaction::Transaction;

use crate::carrier::{Headers, HeadersMut};
use crate::consume::{BasicGetJob, ConsumerExt, Job, Jobs, Settings};
use crate::returns::{self, Key, Returned, Ticket};
use crate::{describe, frame, replies};
use lapin::message::BasicGetMessage;
use lapin::options::{BasicConsumeOptions, BasicGetOptions, BasicPublishOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, PublisherConfirm};
use spanbridge::carrier::{Budget, Outgoing, extract, inject_within};
use spanbridge::messaging::{self, CapturePolicy, Handoff, Message, Step, Values, begin_send};
use spanbridge::observe::{self, Span, SpanBuilder};
use spanbridge::{Context, Failure, semconv, w3c};
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
        ObservedChannel { channel: self, budget: usize::MAX, capture: None, server: None, transaction: None }
    }
}

/// A channel, observed. Its methods take lapin's arguments and give lapin's results.
#[derive(Clone, Copy, Debug)]
pub struct ObservedChannel<'a> {
    channel: &'a Channel,
    budget: usize,
    capture: Option<&'a CapturePolicy>,
    server: Option<(&'a str, u16)>,
    transaction: Option<&'a messaging::Transaction>,
}

impl<'a> ObservedChannel<'a> {
    /// How many bytes of headers the context may take, with their names and what AMQP adds to each.
    ///
    /// Without a setting it is what the frame leaves that all properties of a message travel in: one that is too large
    /// would end the connection. What has no room is left out in a fixed order, the baggage first and `traceparent` last,
    /// and a diagnostic `injection.dropped` says what; the message is sent in any case.
    pub fn budget(self, bytes: usize) -> Self {
        ObservedChannel { budget: bytes, ..self }
    }

    /// What is recorded of the payloads and headers that are sent; the size of payloads where nothing is said.
    pub fn capture(self, capture: &'a CapturePolicy) -> Self {
        ObservedChannel { capture: Some(capture), ..self }
    }

    /// The host and the port of the broker, for the attributes `server.address` and `server.port`: lapin's channels do not
    /// know them. (What this returns is [`Copy`]: say it once, and publish with that.)
    pub fn server(self, address: &'a str, port: u16) -> Self {
        ObservedChannel { server: Some((address, port)), ..self }
    }

    /// [`Channel::basic_publish`], in a `publish` span that ends with the broker's answer, and with the span's context
    /// in the message's headers.
    ///
    /// # Errors
    /// lapin's.
    pub async fn basic_publish(
        self,
        exchange: ShortString,
        routing_key: ShortString,
        options: BasicPublishOptions,
        payload: &[u8],
        properties: BasicProperties,
    ) -> lapin::Result<ObservedConfirm> {
        let size = self.capture.is_none_or(CapturePolicy::tells_size).then_some(payload.len());
        let (span, properties, key) = {
            let mut values = Values::of(self.capture);
            let key = describe::Key::of(exchange.as_str(), routing_key.as_str(), &mut values);
            let span = describe::publish(exchange.as_str(), &key, size, &properties, self.server);
            let budget = |properties: &_, context: &_| frame::budget(self.channel, properties, context, self.budget);
            let (span, properties, key) = pack(span, properties, budget);
            (values.finish(span), properties, key)
        };
        replies::published(&properties, span.context());
        if let Some(capture) = self.capture {
            let message = Message { step: Step::Send, content_type: describe::content_type(&properties), payload };
            capture.record(&span, &message, |each| Headers(&properties).each(each))
        }
        // Also where the span is not recorded: the answer may carry the message of one that is.
        let is_answered = !span.context().is_empty() && self.channel.status().confirm();
        let ticket = is_answered.then(|| Ticket::new(self.channel.id()));
        let returnable = options.mandatory || options.immediate;
        let handoff = match self.transaction {
            Some(transaction) => transaction.sends(span),
            None => Handoff::new(span),
        };
        let sent = Sent { ticket, handoff, key, returnable };
        let sending = self.channel.basic_publish(exchange, routing_key, options, payload, properties);
        match observe::with_context(sent.handoff.context(), || sending).await {
            Ok(confirm) => Ok(ObservedConfirm { confirm, sent: Some(sent) }),
            Err(e) => {
                sent.handoff.failed_as("unknown", &describe::failure(&e));
                sent.ticket.into_iter().for_each(Ticket::not_sent);
                Err(e)
            }
        }
    }

    /// [`Channel::basic_get`]; the message is a [`Job`].
    ///
    /// # Errors
    /// lapin's.
    pub async fn basic_get(self, queue: ShortString, options: BasicGetOptions) -> lapin::Result<Option<BasicGetJob>> {
        let got = self.channel.basic_get(queue.clone(), options).await?;
        Ok(got.map(|BasicGetMessage { delivery, message_count }| BasicGetJob {
            job: Job::new(delivery, queue, self.settings(options.no_ack)),
            message_count,
        }))
    }

    /// [`Channel::basic_consume`]; the messages are [`Job`]s. As [`observed`](crate::ConsumerExt::observed) on the consumer,
    /// but that it knows of `no_ack`: whether somebody has to settle these messages.
    ///
    /// # Errors
    /// lapin's.
    pub async fn basic_consume(
        self,
        queue: ShortString,
        consumer_tag: ShortString,
        options: BasicConsumeOptions,
        arguments: FieldTable,
    ) -> lapin::Result<Jobs> {
        let jobs = self.channel.basic_consume(queue, consumer_tag, options, arguments).await?.observed();
        Ok(jobs.with_settings(self.settings(options.no_ack)).channel(self.channel))
    }

    /// What is known here of the messages that it receives.
    fn settings(self, no_ack: bool) -> Settings {
        let settings = Settings::default().no_ack(no_ack);
        match self.server {
            Some((host, port)) => settings.with(|all| all.server = Some((host.into(), port))),
            None => settings,
        }
    }
}

/// The span, the message's properties with its context in them, and what they carry in the end.
fn pack(
    span: SpanBuilder,
    properties: BasicProperties,
    budget: impl FnOnce(&BasicProperties, &Context) -> Budget,
) -> (Span, BasicProperties, Option<Key>) {
    let (span, outgoing) = begin_send(span, &Headers(&properties));
    if let Outgoing::Keep(theirs) = outgoing {
        return (span, properties, returns::key(&theirs));
    }
    let context = span.context();
    if !context.travels() {
        return (span, properties, None);
    }
    let mut headers = properties.headers().clone().unwrap_or_default();
    let budget = budget(&properties, context);
    if let Some(left_out) = inject_within(context, budget, &mut HeadersMut(&mut headers)) {
        span.diagnostic(semconv::INJECTION_DROPPED, &left_out)
    }
    let key = returns::key(context).filter(|_| headers.contains_key(w3c::TRACEPARENT));
    (span, properties.with_headers(headers), key)
}

/// The publish span until the broker has answered. Dropping a confirm, or giving up on one, is legal: the message may
/// arrive all the same.
#[derive(Debug)]
struct Sent {
    /// Ends before the ticket is handed in.
    handoff: Handoff,
    /// Where the message carries a context.
    ticket: Option<Ticket>,
    /// What the message carries.
    key: Option<Key>,
    /// The broker was asked to give the message back where there is no queue for it.
    returnable: bool,
}

impl Sent {
    /// What the broker said.
    fn answered(self, answer: &lapin::Result<Confirmation>) {
        let Sent { handoff, ticket, key, returnable } = self;
        let (ok, message) = match answer {
            Ok(Confirmation::NotRequested) => return handoff.ended("sent"),
            Ok(Confirmation::Ack(message)) => (true, message),
            Ok(Confirmation::Nack(message)) => (false, message),
            Err(e) => return handoff.failed_as("unknown", &describe::failure(e)),
        };
        let mut own = None;
        if let Some(message) = message {
            let whose = returns::key(&extract(&Headers(&message.properties)).context);
            match (whose, &ticket) {
                (whose, _) if returnable && whose == key => own = Some(Returned::from(message)),
                (Some(whose), Some(ticket)) => ticket.returned_for_other(whose, message.into()),
                _ => {} // from a publish that is not observed
            }
        }
        if !ok {
            let nacked = Failure::new(&"the broker refused the message").class("basic.nack");
            return handoff.failed_as("rejected", &nacked);
        }
        let (Some(ticket), Some(key), true) = (ticket, key, returnable) else {
            return match own {
                Some(message) => handoff.failed_as("returned", &message.failure()),
                None => handoff.ended("confirmed"),
            };
        };
        if let Some(span) = handoff.into_span().map(Span::stop) {
            match own.or_else(|| ticket.claim(key)) {
                Some(message) => returns::end_returned(span, &message),
                None => ticket.doubt(key, span, message.is_some()),
            }
        }
    }
}

/// lapin's [`PublisherConfirm`]; when the broker has answered, the publish span ends.
///
/// The span's attribute `spanbridge.handoff.status` is `confirmed`, `rejected`, `returned`, `sent` (no confirms were asked
/// for) or `unknown` (this was dropped, or the connection failed first).
///
/// Await it, or drop it. Mandatory publishes are told apart by all the answers of their channel, so their records may wait
/// for one that is kept and never looked at; and where one was dropped that may have had the message of another, up to a minute
/// before, the other's status is `unknown`. For exact statuses of mandatory messages, give them a channel whose confirms are all awaited.
#[must_use = "a publisher confirm says whether the message arrived"]
#[derive(Debug)]
pub struct ObservedConfirm {
    confirm: PublisherConfirm,
    sent: Option<Sent>,
}

impl ObservedConfirm {
    /// The context that the message carries.
    pub fn context(&self) -> Context {
        self.sent.as_ref().map(|sent| sent.handoff.context()).unwrap_or_default()
    }
}

impl Future for ObservedConfirm {
    type Output = lapin::Result<Confirmation>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let answer = ready!(match this.sent.as_mut().and_then(|sent| sent.ticket.as_mut()) {
            Some(ticket) => ticket.poll(&mut this.confirm, cx),
            None => Pin::new(&mut this.confirm).poll(cx),
        });
        if let Some(sent) = self.sent.take() {
            sent.answered(&answer)
        }
        Poll::Ready(answer)
    }
}
