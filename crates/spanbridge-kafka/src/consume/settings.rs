//! What a consumer makes of its messages.

use super::ObservedConsumer;
use super::job::Received;
use crate::carrier::Headers;
use rdkafka::Timestamp;
use spanbridge::messaging::{CapturePolicy, ReceiveOptions, Relation, Trust};
use std::fmt;
use std::sync::Arc;

/// A message, for who decides about it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Incoming<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
    /// When it was created, or appended, as the topic has it.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` in a tombstone.
    pub payload: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Headers<'a>,
}

impl<'a> Incoming<'a> {
    fn of(message: &'a impl Received) -> Self {
        Incoming {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp(),
            key: message.key(),
            payload: message.payload(),
            headers: message.carrier(),
        }
    }
}

/// Nothing, unless something was said: then a message has to look at it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings(Option<Arc<All>>);

#[derive(Clone, Default)]
pub(crate) struct All {
    pub(crate) receiving: ReceiveOptions,
    relation_by: Option<Arc<RelationBy>>,
}

type RelationBy = dyn Fn(&Incoming<'_>) -> Relation + Send + Sync;

impl Settings {
    /// What was said, if anything was.
    pub(crate) fn receiving(&self) -> Option<&ReceiveOptions> {
        self.0.as_ref().map(|all| &all.receiving)
    }

    /// What is said about this message by itself.
    pub(crate) fn relation_of(&self, message: &impl Received) -> Option<Relation> {
        self.0.as_ref()?.relation_by.as_ref().map(|by| by(&Incoming::of(message)))
    }

    pub(crate) fn tells_size(&self) -> bool {
        self.capture().is_none_or(CapturePolicy::tells_size)
    }

    pub(crate) fn capture(&self) -> Option<&CapturePolicy> {
        self.receiving().map(|receiving| &receiving.capture)
    }
}

impl fmt::Debug for All {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut d = f.debug_struct("Settings");
        d.field("receiving", &self.receiving).field("relation_by", &self.relation_by.is_some()).finish()
    }
}

impl<X> ObservedConsumer<X> {
    /// How the work on a message hangs together with what sent it; [`Relation::Parent`] where nothing is said.
    /// [`Relation::Auto`] goes by the message's timestamp.
    pub fn relation(self, relation: Relation) -> Self {
        self.set(|all| all.receiving.relation = relation)
    }

    /// The same, by a function of the message.
    pub fn relation_by(self, relation: impl Fn(&Incoming<'_>) -> Relation + Send + Sync + 'static) -> Self {
        self.set(|all| all.relation_by = Some(Arc::new(relation)))
    }

    /// How far the senders are believed; [`Trust::Full`] where nothing is said.
    pub fn trust(self, trust: Trust) -> Self {
        self.set(|all| all.receiving.trust = trust)
    }

    /// The keys of the baggage that is taken; all of it where nothing is said.
    pub fn allow_baggage<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        self.set(|all| all.receiving.baggage = Some(keys.into_iter().map(Into::into).collect()))
    }

    /// What is recorded of payloads and headers; the size of payloads where nothing is said.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        let capture = capture.into();
        // What its commits fail with is told in callbacks, too, which know no more than the consumer. The first word counts.
        let _ = self.consumer_state.capture.set(capture.clone());
        self.set(|all| all.receiving.capture = capture)
    }

    fn set(mut self, change: impl FnOnce(&mut All)) -> Self {
        let mut all = self.settings.0.take().map(Arc::unwrap_or_clone).unwrap_or_default();
        change(&mut all);
        self.settings = Settings(Some(Arc::new(all)));
        self
    }
}
