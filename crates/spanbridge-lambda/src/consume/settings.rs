//! What is wanted otherwise than by default.

use super::flush::AT_MOST;
use super::layer::ObservedLayer;
use spanbridge::messaging::{Receiving, Relation, Trust};
use std::sync::Arc;
use std::time::Duration;

/// What is made of the contexts that come with events, and how long a flush may take.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Nothing, unless something was said: then a context has to look at it.
    pub(crate) receiving: Option<Arc<Receiving>>,
    pub(crate) flush_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { receiving: None, flush_within: AT_MOST }
    }
}

/// How events are to be handled, where [`run`](crate::run) by itself is not what is wanted.
///
/// A function URL or an API without authorisation is open to strangers, and the headers of a request are theirs: they
/// would choose the trace that the function's spans are in, under `Sampler::ParentBased` whether these are recorded, and
/// the baggage that travels on to every service behind. [`Trust::Ignore`] takes nothing from them: each invocation is a
/// root, linked to what was claimed. [`Trust::IdsOnly`] suits callers with whom a trace is to be shared, and nothing else.
///
/// ```no_run
/// use lambda_runtime::{Error, LambdaEvent, service_fn};
/// use serde_json::Value;
/// use spanbridge_lambda::{Observe, Trust};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let _recorder = spanbridge::Recorder::builder("score").sink(spanbridge::JsonLines::new(std::io::stdout())).install()?;
///     Observe::new().trust(Trust::Ignore).run(service_fn(score)).await
/// }
///
/// async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
///     Ok(event.payload)
/// }
/// ```
///
/// All of it:
///
/// ```no_run
/// use spanbridge_lambda::{Observe, Relation, Trust};
/// use std::time::Duration;
///
/// let observe = Observe::new()
///     .relation(Relation::Auto { max_age: Duration::from_secs(3600) })
///     .trust(Trust::Full)
///     .allow_baggage(["tenant"])
///     .flush_within(Duration::from_millis(500));
/// ```
///
/// It holds for every context that comes with an event, wherever it stands: headers of a request, client context, hidden
/// field, message attributes, X-Ray's header (a stranger can send that, too). Of a batch it holds for each record:
/// [`Records`](crate::Records) and [`for_each_record`](crate::for_each_record) go by it, and so does
/// [`#[handler]`](macro@crate::handler) below it.
///
/// The event itself is not changed: the handler sees the headers as they came.
#[derive(Clone, Debug, Default)]
#[must_use = "does nothing until it runs a handler, or is the layer of a runtime"]
pub struct Observe {
    pub(super) settings: Settings,
}

impl Observe {
    /// As [`run`](crate::run) does it: contexts are taken as they are.
    pub fn new() -> Self {
        Observe::default()
    }

    /// How an invocation hangs together with what caused it, and the work on a record with what sent it;
    /// [`Relation::Parent`] where nothing is said.
    ///
    /// [`Relation::Auto`] goes by [`Record::sent`](crate::Record::sent). What has no such time, as a request, is fresh.
    pub fn relation(self, relation: Relation) -> Self {
        self.receiving(|receiving| receiving.relation = relation)
    }

    /// How far callers and senders are believed; [`Trust::Full`] where nothing is said.
    pub fn trust(self, trust: Trust) -> Self {
        self.receiving(|receiving| receiving.trust = trust)
    }

    /// The keys of the baggage that is taken; all of it where nothing is said.
    pub fn allow_baggage<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        self.receiving(|receiving| receiving.baggage = Some(keys.into_iter().map(Into::into).collect()))
    }

    /// The longest that the flush after an invocation may hold up the next event; two seconds where nothing is said. It
    /// is never given more than the time that the function has left, but for a margin.
    ///
    /// What is not delivered by then stays with the recorder, for the next flush.
    pub fn flush_within(mut self, limit: Duration) -> Self {
        self.settings.flush_within = limit;
        self
    }

    /// The layer, for a [`lambda_runtime::Runtime`] of one's own.
    pub fn layer(self) -> ObservedLayer {
        ObservedLayer::with(self.settings)
    }

    fn receiving(mut self, change: impl FnOnce(&mut Receiving)) -> Self {
        change(Arc::make_mut(self.settings.receiving.get_or_insert_default()));
        self
    }
}
