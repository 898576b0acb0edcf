//! What a consumer makes of its messages.

use super::Jobs;
use lapin::message::Delivery;
use spanbridge::messaging::{CapturePolicy, ReceiveOptions, Relation, Trust};
use std::fmt;
use std::sync::Arc;

/// What is known of a consumer and was said of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// Nothing, unless something was said: then a message has to look at it.
    all: Option<Arc<All>>,
    /// Whether the broker takes a message for settled when it has sent it, where that is known.
    pub(crate) no_ack: Option<bool>,
}

#[derive(Clone, Default)]
pub(crate) struct All {
    /// What is made of contexts, if something was said of that.
    receiving: Option<ReceiveOptions>,
    /// With that.
    relation_by: Option<Arc<RelationBy>>,
    /// The broker.
    pub(crate) server: Option<(Arc<str>, u16)>,
}

type RelationBy = dyn Fn(&Delivery) -> Relation + Send + Sync;

impl Settings {
    pub(crate) fn no_ack(self, no_ack: bool) -> Self {
        Settings { no_ack: Some(no_ack), ..self }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut All)) -> Self {
        let mut all = self.all.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        change(&mut all);
        Settings { all: Some(Arc::new(all)), ..self }
    }

    /// What was said of contexts and payloads, if anything was.
    pub(crate) fn receiving(&self) -> Option<&ReceiveOptions> {
        self.all.as_ref().and_then(|all| all.receiving.as_ref())
    }

    /// What is said about this message by itself.
    pub(crate) fn relation_of(&self, delivery: &Delivery) -> Option<Relation> {
        self.all.as_ref().and_then(|all| all.relation_by.as_ref()).map(|by| by(delivery))
    }

    pub(crate) fn tells_size(&self) -> bool {
        self.receiving().is_none_or(|receiving| receiving.capture.tells_size())
    }

    pub(crate) fn server(&self) -> Option<(&str, u16)> {
        self.all.as_ref()?.server.as_ref().map(|(host, port)| (&**host, *port))
    }
}

impl All {
    pub(crate) fn receiving(&mut self) -> &mut ReceiveOptions {
        self.receiving.get_or_insert_default()
    }
}

impl fmt::Debug for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_struct("Settings");
        d.field("receiving", &self.receiving).field("server", &self.server);
        d.field("relation_by", &self.relation_by.is_some()).finish()
    }
}

impl Jobs {
    /// How the work on a message hangs together with what sent it; [`Relation::Parent`] where nothing is said.
    ///
    /// AMQP's `timestamp`, which [`Relation::Auto`] goes by, has whole seconds, and is there where the publisher sets it: a
    /// message counts as old when it is so by any reading.
    pub fn relation(self, relation: Relation) -> Self {
        self.set(|all| all.receiving().relation = relation)
    }

    /// The same, by a function of the message.
    pub fn relation_by(self, relation: impl Fn(&Delivery) -> Relation + Send + Sync + 'static) -> Self {
        self.set(|all| {
            all.relation_by = Some(Arc::new(relation));
            all.receiving();
        })
    }

    /// How far the senders are believed; [`Trust::Full`] where nothing is said.
    pub fn trust(self, trust: Trust) -> Self {
        self.set(|all| all.receiving().trust = trust)
    }

    /// The keys of the baggage that is taken; all of it where nothing is said.
    pub fn allow_baggage<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        self.set(|all| all.receiving().baggage = Some(keys.into_iter().map(Into::into).collect()))
    }

    /// What is recorded of payloads and headers; the size of payloads where nothing is said.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        self.set(|all| all.receiving().capture = capture.into())
    }

    /// The host and the port of the broker, for the attributes `server.address` and `server.port`: lapin's consumers do not
    /// know them.
    pub fn server(self, address: &str, port: u16) -> Self {
        self.set(|all| all.server = Some((address.into(), port)))
    }

    /// Whether the consumer was made with `no_ack`, so that the broker takes a message for settled when it has sent it:
    /// lapin's consumers do not know it. Where you say so, the record says whether somebody has to settle these messages,
    /// and the [driver](Jobs::for_each_concurrent) leaves alone those that nobody may settle: to settle one ends the channel.
    ///
    /// [`ObservedChannel::basic_consume`](crate::ObservedChannel::basic_consume) knows it by itself.
    pub fn no_ack(mut self, no_ack: bool) -> Self {
        self.settings = self.settings.no_ack(no_ack);
        self
    }

    pub(crate) fn with_settings(self, settings: Settings) -> Self {
        Jobs { settings, ..self }
    }

    fn set(mut self, change: impl FnOnce(&mut All)) -> Self {
        self.settings = self.settings.with(change);
        self
    }
}
