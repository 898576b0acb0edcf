//! The observed channel.

use super::confirm::{ObservedConfirm, Sent};
use crate::carrier::{Headers, Outgoing};
use crate::client::{ConsumerInfo, Server};
use crate::consume::{BasicGetJob, ConsumerExt, Job, Jobs, ReceiveOptions};
use crate::replayed::{self, Published};
use crate::returns::Ticket;
use crate::{describe, frame, replies};
use lapin::message::BasicGetMessage;
use lapin::options::{BasicConsumeOptions, BasicGetOptions, BasicPublishOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel};
use spanbridge::Primitive;
use spanbridge::adapter::{
    self, Handoff, HandoffStatus, InTransaction, Message, OutboundCall, Recorded, Refused, SendOptions, Step, Values,
};
use spanbridge::messaging::{CapturePolicy, PartKind};
use spanbridge::observe;
use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;

/// `channel.observed()`.
pub trait ChannelExt: sealed::Sealed {
    /// The same channel, with what goes through it recorded, and carrying the current context along.
    fn observed(&self) -> ObservedChannel<&Channel>;
}

impl ChannelExt for Channel {
    fn observed(&self) -> ObservedChannel<&Channel> {
        ObservedChannel { channel: self, options: SendOptions::new(), server: None, transaction: None }
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for lapin::Channel {}
}

/// An observed channel. Its methods take lapin's arguments and return lapin's results.
///
/// `channel.observed()` borrows the channel. To say the server and the capture policy once, store it:
///
/// ```no_run
/// use lapin::{BasicProperties, options::BasicPublishOptions};
/// use spanbridge_amqp::{ChannelExt, ObservedChannel};
///
/// struct Orders { channel: ObservedChannel }
///
/// # async fn f(channel: lapin::Channel) -> lapin::Result<()> {
/// let orders = Orders { channel: channel.observed().server("rabbit.internal", 5672).into_owned() };
/// let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
/// orders.channel.basic_publish("orders".into(), "created".into(), options, b"{}", properties).await?.await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ObservedChannel<C = Arc<Channel>> {
    channel: C,
    options: SendOptions,
    server: Option<Server>,
    transaction: Option<InTransaction>,
}

impl ObservedChannel<&Channel> {
    /// The same, owning a clone of the channel: it can be stored, cloned and sent to other tasks.
    pub fn into_owned(self) -> ObservedChannel {
        let ObservedChannel { channel, options, server, transaction } = self;
        ObservedChannel { channel: Arc::new(channel.clone()), options, server, transaction }
    }
}

impl<C: Deref<Target = Channel> + Clone> ObservedChannel<C> {
    /// Maximum number of bytes that the context may take as headers, with their names and what AMQP adds to each.
    ///
    /// Default: what the frame leaves that all properties of a message travel in, because one that is too large would end the
    /// connection. What has no room is left out in a fixed order, the baggage first and `traceparent` last, and a diagnostic
    /// `injection.dropped` says what; the message is sent in any case.
    pub fn budget(self, bytes: usize) -> Self {
        ObservedChannel { options: self.options.budget(bytes), ..self }
    }

    /// What is recorded of the payloads, headers and routing keys that are sent. Default: the size of payloads.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        ObservedChannel { options: self.options.capture(capture), ..self }
    }

    /// Host and port of the broker, for the attributes `server.address` and `server.port`: lapin's channels do not know them.
    pub fn server(self, address: &str, port: u16) -> Self {
        ObservedChannel { server: Some(Server::new(address, port)), ..self }
    }

    /// lapin's channel.
    pub fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(super) fn server_info(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    pub(super) fn capture_policy(&self) -> Option<&CapturePolicy> {
        self.options.capture_policy()
    }

    /// The same channel, inside a transaction.
    pub(super) fn within(&self, transaction: &InTransaction) -> Self {
        ObservedChannel { transaction: Some(transaction.clone()), ..self.clone() }
    }

    /// [`Channel::basic_publish`], in a `publish` span that ends with the broker's answer, and with the span's context in the
    /// message's headers.
    ///
    /// # Errors
    /// Returns lapin's error unchanged.
    pub fn basic_publish<'p>(
        &self,
        exchange: ShortString,
        routing_key: ShortString,
        options: BasicPublishOptions,
        payload: &'p [u8],
        properties: BasicProperties,
    ) -> impl Future<Output = lapin::Result<ObservedConfirm>> + use<'p, C> {
        let this = self.clone();
        async move {
            let begin = || this.begin(exchange.as_str(), routing_key.as_str(), payload, properties);
            let (handoff, properties) = adapter::under_current(begin);
            let returnable = options.mandatory || options.immediate;
            let capture = this.capture_policy();
            let call = || outbound(exchange.as_str(), routing_key.as_str(), payload, &properties, capture);
            if let Some(answer) = handoff.ask(call).into_answer() {
                let published = Published { exchange, routing_key, properties, payload: payload.to_vec() };
                return this.replayed(handoff, returnable, answer, published);
            }
            let sent = this.sent(handoff, returnable);
            let publish = || this.channel.basic_publish(exchange, routing_key, options, payload, properties);
            match observe::with_context(sent.handoff.context(), publish).await {
                Ok(confirm) => Ok(ObservedConfirm::new(confirm, sent)),
                Err(e) => {
                    sent.handoff.failed(HandoffStatus::Unknown, &describe::failure(&e));
                    sent.ticket.into_iter().for_each(Ticket::not_sent);
                    Err(e)
                }
            }
        }
    }

    /// Begins the publish span, and writes its context into the properties.
    fn begin(
        &self,
        exchange: &str,
        routing_key: &str,
        payload: &[u8],
        properties: BasicProperties,
    ) -> (Handoff, BasicProperties) {
        let capture = self.capture_policy();
        let size = capture.is_none_or(CapturePolicy::tells_size).then_some(payload.len());
        let mut values = Values::of(capture);
        let span = describe::publish(exchange, routing_key, &properties, size, self.server_info(), &mut values);
        let mut message = Outgoing::new(properties);
        let handoff = adapter::send(span, &values, &mut message, |message, context| {
            frame::budget(&self.channel, message.given(), context, self.options.max_bytes())
        });
        let properties = message.into_properties();
        if let Some(span) = handoff.span() {
            replies::published(&properties, span.context())
        }
        let message = Message::new(Step::Send, payload).content_type(describe::content_type(&properties));
        handoff.record(capture, &message, |each| Headers(&properties).pairs(each));
        (handoff, properties)
    }

    /// A message that does not leave.
    fn replayed(
        &self,
        handoff: Handoff,
        returnable: bool,
        answer: Result<Box<Recorded>, Refused>,
        published: Published,
    ) -> lapin::Result<ObservedConfirm> {
        let handoff = self.in_transaction(handoff);
        match answer.map_err(replayed::refused).and_then(|then| replayed::confirmation(&then, published)) {
            Ok(answer) => Ok(ObservedConfirm::replayed(answer, Sent { handoff, ticket: None, returnable })),
            Err(error) => {
                handoff.failed(HandoffStatus::Unknown, &describe::failure(&error));
                Err(error)
            }
        }
    }

    fn in_transaction(&self, handoff: Handoff) -> Handoff {
        match &self.transaction {
            Some(transaction) => transaction.sends(handoff),
            None => handoff,
        }
    }

    fn sent(&self, handoff: Handoff, returnable: bool) -> Sent {
        // Also if the span is not recorded: the answer may carry the message of one that is.
        let has_context = handoff.span().is_some_and(|span| !span.context().is_empty());
        let ticket = (has_context && self.channel.status().confirm()).then(|| Ticket::new(self.channel.id()));
        Sent { handoff: self.in_transaction(handoff), ticket, returnable }
    }

    /// [`Channel::basic_get`]; the message is a [`Job`].
    ///
    /// # Errors
    /// Returns lapin's error unchanged.
    pub fn basic_get(
        &self,
        queue: ShortString,
        options: BasicGetOptions,
    ) -> impl Future<Output = lapin::Result<Option<BasicGetJob>>> + use<C> {
        let this = self.clone();
        async move {
            taken_itself(queue.as_str())?;
            let got = this.channel.basic_get(queue.clone(), options).await?;
            let info = ConsumerInfo { queue, server: this.server_info().cloned(), no_ack: Some(options.no_ack) };
            Ok(got.map(|BasicGetMessage { delivery, message_count }| BasicGetJob {
                job: Job::new(delivery, Arc::new(info), &ReceiveOptions::new()),
                message_count,
            }))
        }
    }

    /// [`Channel::basic_consume`]; the messages are [`Job`]s. As [`observed`](crate::ConsumerExt::observed) on the consumer, but
    /// this knows the channel, and `no_ack`: whether somebody has to settle these messages.
    ///
    /// # Errors
    /// Returns lapin's error unchanged.
    pub fn basic_consume(
        &self,
        queue: ShortString,
        consumer_tag: ShortString,
        options: BasicConsumeOptions,
        arguments: FieldTable,
    ) -> impl Future<Output = lapin::Result<Jobs>> + use<C> {
        let this = self.clone();
        async move {
            taken_itself(queue.as_str())?;
            let consumer = this.channel.basic_consume(queue, consumer_tag, options, arguments).await?;
            let jobs = consumer.observed().at(this.server_info().cloned()).no_ack(options.no_ack);
            Ok(jobs.channel(&this.channel))
        }
    }
}

/// A message that is published, as it is recorded.
fn outbound<'p>(
    exchange: &str,
    routing_key: &str,
    payload: &'p [u8],
    properties: &'p BasicProperties,
    capture: Option<&'p CapturePolicy>,
) -> OutboundCall<'p> {
    let key = Values::of(capture).text(PartKind::RoutingKey, routing_key.as_bytes()).unwrap_or_default().into_owned();
    let key = if exchange.is_empty() { routing_key.to_owned() } else { key };
    let call = OutboundCall::new(Primitive::MESSAGING_PUBLISH, format!("{exchange}/{key}"))
        .with_content_type(describe::content_type(properties))
        .with_body(payload)
        .with_headers(|each| Headers(properties).pairs(each));
    adapter::as_recorded(call, capture)
}

/// Messages that a handler takes itself: in a replay there are none, unless they were asked for by name.
fn taken_itself(queue: &str) -> lapin::Result<()> {
    match adapter::ask_here(|| OutboundCall::new(Primitive::MESSAGING_RECEIVE, queue)).into_answer() {
        None => Ok(()),
        Some(Ok(_)) => Err(replayed::no_messages()),
        Some(Err(refused)) => Err(replayed::refused(refused)),
    }
}
