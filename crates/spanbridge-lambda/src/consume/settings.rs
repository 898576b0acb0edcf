//! What is wanted otherwise than by default.

use super::flush::AT_MOST;
use super::layer::ObservedLayer;
use spanbridge::messaging::{CapturePolicy, ReceiveOptions, Relation, Trust};
use std::sync::Arc;
use std::time::Duration;

/// What is made of the contexts that come with events, what is captured, and how long a flush may take.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Nothing, unless something was said: then a context has to look at it.
    pub(crate) receiving: Option<Arc<ReceiveOptions>>,
    /// Nothing, unless something was said: then no payload is looked at.
    pub(crate) capture: Option<CapturePolicy>,
    pub(crate) flush_within: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { receiving: None, capture: None, flush_within: AT_MOST }
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
/// use spanbridge_lambda::{CaptureMode, Observe, Relation, Trust};
/// use std::time::Duration;
///
/// let observe = Observe::new()
///     .relation(Relation::Auto { max_age: Duration::from_secs(3600) })
///     .trust(Trust::Full)
///     .allow_baggage(["tenant"])
///     .capture(CaptureMode::Inline { max: 512 })
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

    /// As it is said for other consumers, all of it at once. Its [capture](ReceiveOptions::capture) counts unless it is the default,
    /// for of an invocation the default is [less](Observe::capture).
    pub fn with(mut self, receiving: ReceiveOptions) -> Self {
        self.settings.capture = Some(&receiving.capture).filter(|capture| !capture.is_default()).cloned();
        self.settings.receiving = Some(Arc::new(receiving));
        self
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

    /// What is recorded of payloads and headers; where nothing is said, the sizes of messages alone.
    ///
    /// - Of an invocation the event is its `input` and the handler's answer its `output`. They are artifacts also under
    ///   [`CaptureMode::Reference`](crate::CaptureMode::Reference), for no attribute tells their sizes. Of a request the headers are
    ///   its `input.headers`.
    /// - Of a record that is worked on by [`Records`](crate::Records) or [`for_each_record`](crate::for_each_record) the
    ///   body is the `input` of its `process` span, and its headers or message attributes are the `input.headers`. Its
    ///   size is the attribute `messaging.message.body.size`, unless capture is [`CaptureMode::Off`](crate::CaptureMode::Off).
    ///
    /// The hidden field of payloads is not among it, nor are our own headers. The event as a whole is as the handler gets
    /// it: **the headers of a request, and all messages of a batch, stand in it, too**, so what is secret in them has to be
    /// taken out by a [redaction hook](CapturePolicy::redact), which sees the whole event, every body and every header.
    ///
    /// Of a response that is streamed nothing is recorded, for it is not held back; nor of the answer of a handler that
    /// only [`#[handler]`](macro@crate::handler) is on, which tells how it ended and no more.
    ///
    /// An answer that is captured is written before the span ends. Of a batch, the event is kept until the invocation is
    /// over, and not copied. Of what is not recorded nothing is read, copied or shown to the hook.
    ///
    /// ```no_run
    /// use lambda_runtime::{Error, LambdaEvent, service_fn};
    /// use serde_json::Value;
    /// use spanbridge_lambda::{CaptureMode, CapturePolicy, Observe, PartKind};
    ///
    /// # async fn f() -> Result<(), Error> {
    /// let capture = CapturePolicy::from(CaptureMode::Inline { max: 512 }).headers(CaptureMode::Inline { max: 512 }).redact(|part| {
    ///     match part.kind() {
    ///         // In whatever case the caller has written it.
    ///         PartKind::Header(name) if ["authorization", "cookie"].contains(&&*name.to_lowercase()) => part.replace("***"),
    ///         PartKind::Payload => {
    ///             let mut payload: Value = serde_json::from_slice(part.bytes())?; // where that fails nothing is recorded
    ///             for again in ["headers", "multiValueHeaders", "cookies"] {
    ///                 payload.get_mut(again).map(Value::take);
    ///             }
    ///             part.replace(payload.to_string())
    ///         }
    ///         // Texts of errors and the like are no JSON.
    ///         _ => {}
    ///     }
    ///     Ok::<_, serde_json::Error>(())
    /// });
    /// Observe::new().capture(capture).run(service_fn(score)).await
    /// # }
    /// # async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> { Ok(event.payload) }
    /// ```
    pub fn capture(mut self, capture: impl Into<CapturePolicy>) -> Self {
        self.settings.capture = Some(capture.into());
        self
    }

    /// The longest that the flush after an invocation may hold up the next event; two seconds where nothing is said. It
    /// is never given more than the time that the function has left, but for a margin.
    ///
    /// What is not delivered by then stays with the recorder, for the next flush. While a sink takes nothing, most flushes are
    /// given 50 ms at most. The flush before the first event has this limit, too.
    pub fn flush_within(mut self, limit: Duration) -> Self {
        self.settings.flush_within = limit;
        self
    }

    /// The layer, for a [`lambda_runtime::Runtime`] of one's own.
    pub fn layer(self) -> ObservedLayer {
        ObservedLayer::with(self.settings)
    }

    fn receiving(mut self, change: impl FnOnce(&mut ReceiveOptions)) -> Self {
        change(Arc::make_mut(self.settings.receiving.get_or_insert_default()));
        self
    }
}
