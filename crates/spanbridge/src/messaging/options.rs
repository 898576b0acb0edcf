//! What a consumer wants done with the contexts that come with its messages.

use super::capture::CapturePolicy;
use super::relation::{Relation, Trust};
use std::fmt;
use std::sync::Arc;

/// A message as [`ReceiveOptions::relation_by`] shows it to your function: the client's own type, borrowed.
///
/// Each adapter has one type of this kind, and an alias of [`ReceiveOptions`] for it.
pub trait MessageView: 'static {
    /// What the function gets.
    type View<'m>;
}

/// For receivers that have no messages to show, such as a server.
impl MessageView for () {
    type View<'m> = ();
}

/// How a receiver treats the contexts that come with its messages. Every receiving side takes the same options, with
/// `.with(options)`.
///
/// By default, a message's span is a child of the span that sent it, everything in its context is taken, and of its payload
/// the size is recorded. Default options cost nothing; others are shared, so a clone per message is cheap.
///
/// Each adapter has an alias that knows the type of its messages:
///
/// ```
/// # type ReceiveOptions = spanbridge::messaging::ReceiveOptions; // use spanbridge_amqp::ReceiveOptions;
/// use spanbridge::messaging::{CaptureMode, Relation, Trust};
/// use std::time::Duration;
///
/// let options = ReceiveOptions::new()
///     .relation(Relation::Auto { max_age: Duration::from_secs(3600) })
///     .trust(Trust::Full)
///     .allow_baggage(["tenant"])
///     .capture(CaptureMode::Inline { max: 512 });
/// # let _ = options; // consumer.observed().with(options)
/// ```
///
/// Where there is no adapter, give them to a [`Received`](super::Received). Here an HTTP server that strangers can reach:
///
/// ```
/// use spanbridge::messaging::{MessageInfo, ReceiveOptions, Received, Trust};
/// use spanbridge::{Kind, Primitive, observe};
/// use std::collections::HashMap;
///
/// # fn serve(headers: HashMap<String, String>) {
/// let options = <ReceiveOptions>::new().trust(Trust::Ignore);
/// let received = Received::new(&headers).with(&options, MessageInfo::default());
/// let span = received.process(|| observe::span("GET /").primitive(Primitive::HTTP_SERVER).kind(Kind::Server).open());
/// # span.end()
/// # }
/// ```
pub struct ReceiveOptions<M: MessageView = ()> {
    /// Nothing by default: then a message has nothing to look at.
    chosen: Option<Arc<Chosen<M>>>,
}

struct Chosen<M: MessageView> {
    relation: Relation,
    relation_by: Option<Arc<RelationBy<M>>>,
    trust: Trust,
    baggage: Option<Vec<String>>,
    capture: Option<Arc<CapturePolicy>>,
}

type RelationBy<M> = dyn for<'m> Fn(<M as MessageView>::View<'m>) -> Relation + Send + Sync;

impl<M: MessageView> ReceiveOptions<M> {
    /// The default options.
    pub const fn new() -> Self {
        ReceiveOptions { chosen: None }
    }

    /// How the work on a message relates to its sender. Default: [`Relation::Parent`].
    pub fn relation(self, relation: Relation) -> Self {
        self.choose(|chosen| chosen.relation = relation)
    }

    /// Chooses the relation for each message.
    pub fn relation_by(self, relation: impl for<'m> Fn(M::View<'m>) -> Relation + Send + Sync + 'static) -> Self {
        self.choose(|chosen| chosen.relation_by = Some(Arc::new(relation)))
    }

    /// How far senders are trusted. Default: [`Trust::Full`].
    pub fn trust(self, trust: Trust) -> Self {
        self.choose(|chosen| chosen.trust = trust)
    }

    /// The keys of the baggage members that are taken. Default: all.
    pub fn allow_baggage<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        self.choose(|chosen| chosen.baggage = Some(keys.into_iter().map(Into::into).collect()))
    }

    /// What is recorded of payloads, headers and other values. Default: the size of payloads.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        self.choose(|chosen| chosen.capture = Some(Arc::new(capture.into())))
    }

    fn choose(self, change: impl FnOnce(&mut Chosen<M>)) -> Self {
        let mut chosen = self.chosen.map(Arc::unwrap_or_clone).unwrap_or_default();
        change(&mut chosen);
        ReceiveOptions { chosen: Some(Arc::new(chosen)) }
    }

    /// Whether nothing was chosen.
    pub fn is_default(&self) -> bool {
        self.chosen.is_none()
    }

    /// The capture policy, if one was chosen.
    pub fn capture_policy(&self) -> Option<&Arc<CapturePolicy>> {
        self.chosen.as_ref()?.capture.as_ref()
    }

    /// What [`relation_by`](ReceiveOptions::relation_by) says about this message, if it was given.
    pub fn relation_of<'m>(&self, message: impl FnOnce() -> M::View<'m>) -> Option<Relation> {
        self.chosen.as_ref()?.relation_by.as_ref().map(|by| by(message()))
    }

    /// The relation that was chosen for all messages.
    pub(super) fn relation_for_all(&self) -> Relation {
        self.chosen.as_ref().map_or(Relation::Parent, |chosen| chosen.relation)
    }

    /// How far senders are trusted, and the keys of the baggage that is taken from them, if there is a list.
    pub(super) fn believed(&self) -> (Trust, Option<&[String]>) {
        let chosen = self.chosen.as_ref();
        chosen.map_or((Trust::Full, None), |chosen| (chosen.trust, chosen.baggage.as_deref()))
    }
}

impl<M: MessageView> Clone for ReceiveOptions<M> {
    fn clone(&self) -> Self {
        ReceiveOptions { chosen: self.chosen.clone() }
    }
}

impl<M: MessageView> Default for ReceiveOptions<M> {
    fn default() -> Self {
        ReceiveOptions::new()
    }
}

impl<M: MessageView> fmt::Debug for ReceiveOptions<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_struct("ReceiveOptions");
        if let Some(Chosen { relation, relation_by, trust, baggage, capture }) = self.chosen.as_deref() {
            d.field("relation", relation).field("relation_by", &relation_by.is_some()).field("trust", trust);
            d.field("baggage", baggage).field("capture", capture);
        }
        d.finish()
    }
}

impl<M: MessageView> Clone for Chosen<M> {
    fn clone(&self) -> Self {
        let Chosen { relation, relation_by, trust, baggage, capture } = self;
        Chosen {
            relation: *relation,
            relation_by: relation_by.clone(),
            trust: *trust,
            baggage: baggage.clone(),
            capture: capture.clone(),
        }
    }
}

impl<M: MessageView> Default for Chosen<M> {
    fn default() -> Self {
        let (relation, trust) = (Relation::Parent, Trust::Full);
        Chosen { relation, relation_by: None, trust, baggage: None, capture: None }
    }
}
