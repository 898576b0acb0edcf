//! What a consumer makes of its messages.

use super::Jobs;
use lapin::message::Delivery;
use spanbridge::messaging::{Capturing, Receiving, Relation, Trust};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// Nothing, unless something was said: then a message has to look at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(Option<Arc<All>>);

#[derive(Clone, Default)]
pub(crate) struct All {
    /// What is made of contexts, if something was said of that.
    receiving: Option<Receiving>,
    relation_by: Option<Arc<RelationBy>>,
    /// The broker takes a message for settled when it has sent it.
    pub(crate) no_ack: bool,
    /// The broker.
    pub(crate) server: Option<(Arc<str>, u16)>,
}

type RelationBy = dyn Fn(&Delivery) -> Relation + Send + Sync;

impl Settings {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut All)) -> Self {
        let mut all = self.0.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        change(&mut all);
        Settings(Some(Arc::new(all)))
    }

    /// Nothing was said of contexts.
    pub(crate) fn takes_as_it_is(&self) -> bool {
        self.0.as_ref().is_none_or(|all| all.receiving.is_none() && all.relation_by.is_none())
    }

    pub(crate) fn receiving(&self) -> &Receiving {
        static DEFAULT: LazyLock<Receiving> = LazyLock::new(Receiving::default);
        self.0.as_ref().and_then(|all| all.receiving.as_ref()).unwrap_or(&DEFAULT)
    }

    /// What is said about this message by itself.
    pub(crate) fn relation_of(&self, delivery: &Delivery) -> Option<Relation> {
        self.0.as_ref().and_then(|all| all.relation_by.as_ref()).map(|by| by(delivery))
    }

    pub(crate) fn tells_size(&self) -> bool {
        self.receiving().capture.tells_size()
    }

    pub(crate) fn no_ack(&self) -> bool {
        self.0.as_ref().is_some_and(|all| all.no_ack)
    }

    pub(crate) fn server(&self) -> Option<(&str, u16)> {
        self.0.as_ref()?.server.as_ref().map(|(host, port)| (&**host, *port))
    }
}

impl All {
    pub(crate) fn receiving(&mut self) -> &mut Receiving {
        self.receiving.get_or_insert_default()
    }
}

impl fmt::Debug for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_struct("Settings");
        d.field("receiving", &self.receiving).field("no_ack", &self.no_ack).field("server", &self.server);
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
        self.set(|all| all.relation_by = Some(Arc::new(relation)))
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
    pub fn capture(self, capture: impl Into<Capturing>) -> Self {
        self.set(|all| all.receiving().capture = capture.into())
    }

    /// The host and the port of the broker, for the attributes `server.address` and `server.port`: lapin's consumers do not
    /// know them.
    pub fn server(self, address: &str, port: u16) -> Self {
        self.set(|all| all.server = Some((address.into(), port)))
    }

    pub(crate) fn with_settings(self, settings: Settings) -> Self {
        Jobs { settings, ..self }
    }

    fn set(mut self, change: impl FnOnce(&mut All)) -> Self {
        self.settings = self.settings.with(change);
        self
    }
}
