//! The options of an observed function.

use super::layer::ObservedLayer;
use super::settings::Settings;
use spanbridge::messaging::{CapturePolicy, ReceiveOptions, Relation, Trust};
use std::time::Duration;

/// Options for [`run`](crate::run), [`run_concurrent`](crate::run_concurrent) and [`ObservedLayer`].
///
/// Set [`trust`](FunctionOptions::trust) if strangers can call the function, through a function URL or an API without
/// authorization. Otherwise their headers choose the trace of your spans, whether your spans are recorded (under
/// `Sampler::parent_based`), and the baggage that travels on to every service behind. With [`Trust::Ignore`] each invocation
/// is a root that is linked to what the caller claimed. With [`Trust::IdsOnly`] the caller shares the trace and nothing else.
///
/// ```no_run
/// use lambda_runtime::{Error, LambdaEvent, service_fn};
/// use serde_json::Value;
/// use spanbridge_lambda::{FunctionOptions, Trust};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let _recorder = spanbridge::Recorder::builder("score").sink(spanbridge::JsonLines::new(std::io::stdout())).install()?;
///     FunctionOptions::new().trust(Trust::Ignore).run(service_fn(score)).await
/// }
///
/// async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
///     Ok(event.payload)
/// }
/// ```
///
/// All options:
///
/// ```no_run
/// use spanbridge_lambda::{CaptureMode, FunctionOptions, Relation, Trust};
/// use std::time::Duration;
///
/// let options = FunctionOptions::new()
///     .relation(Relation::Auto { max_age: Duration::from_secs(3600) })
///     .trust(Trust::Full)
///     .allow_baggage(["tenant"])
///     .capture(CaptureMode::Inline { max: 512 })
///     .flush_within(Duration::from_millis(500));
/// ```
///
/// They apply to every context that comes with an event, wherever it is: in the headers of a request, the client context, the
/// hidden field, message attributes, or X-Ray's header (which a stranger can send, too). In a batch they apply to each record
/// ([`Records`](crate::Records), [`for_each_record`](crate::for_each_record)). They also apply to
/// [`#[handler]`](macro@crate::handler) below the layer.
///
/// The event itself is not changed: the handler sees the headers as they came.
#[derive(Clone, Debug, Default)]
#[must_use = "does nothing until it runs a handler or makes a layer"]
pub struct FunctionOptions {
    settings: Settings,
}

impl FunctionOptions {
    /// The defaults: contexts are taken as they are, and nothing of payloads is recorded but their sizes.
    pub fn new() -> Self {
        FunctionOptions::default()
    }

    /// Sets all options of receiving at once, as for other consumers. Its [capture](ReceiveOptions::capture) counts unless it
    /// is the default, because the default for invocations records [less](FunctionOptions::capture).
    pub fn with(mut self, receiving: ReceiveOptions) -> Self {
        self.settings.capture = receiving.capture_policy().map(|capture| CapturePolicy::clone(capture));
        self.settings.receiving = receiving;
        self
    }

    /// How an invocation relates to its cause, and the work on a record to its sender. Default: [`Relation::Parent`].
    ///
    /// [`Relation::Auto`] uses [`Record::sent`](crate::Record::sent). If that is unknown, as for requests, the cause counts as
    /// fresh.
    pub fn relation(self, relation: Relation) -> Self {
        self.choose(|options| options.relation(relation))
    }

    /// How far callers and senders are trusted. Default: [`Trust::Full`].
    pub fn trust(self, trust: Trust) -> Self {
        self.choose(|options| options.trust(trust))
    }

    /// The baggage keys that are accepted. Default: all.
    pub fn allow_baggage<K: Into<String>>(self, keys: impl IntoIterator<Item = K>) -> Self {
        self.choose(|options| options.allow_baggage(keys))
    }

    /// What is recorded of payloads and headers. Default: only the sizes of messages.
    ///
    /// - For an invocation, the event is captured as its `input` and the handler's response as its `output`. Both are
    ///   artifacts even under [`CaptureMode::Reference`](crate::CaptureMode::Reference), because no attribute has their sizes.
    ///   The headers of a request are its `input.headers`.
    /// - For a record handled by [`Records`](crate::Records) or [`for_each_record`](crate::for_each_record), the body is the
    ///   `input` of its `process` span, and its headers or message attributes are the `input.headers`. Its size is the
    ///   attribute `messaging.message.body.size`, unless capturing is [`CaptureMode::Off`](crate::CaptureMode::Off).
    ///
    /// The hidden field and our own headers are left out. The event as a whole is captured as the handler gets it: **it
    /// includes the headers of a request, and all messages of a batch**. Remove secrets from it with a
    /// [redaction hook](CapturePolicy::redact), which sees the whole event, every body and every header.
    ///
    /// A streamed response is not captured, because it is not held back. Nor is the response of a handler that has only
    /// [`#[handler]`](macro@crate::handler) on it, which reports only how it ended.
    ///
    /// A response that is captured is serialized before the span ends. The event of a batch is kept until the invocation is
    /// over, without a copy. What is not recorded is not read, copied or shown to the hook.
    ///
    /// ```no_run
    /// use lambda_runtime::{Error, LambdaEvent, service_fn};
    /// use serde_json::Value;
    /// use spanbridge_lambda::{CaptureMode, CapturePolicy, FunctionOptions, PartKind};
    ///
    /// # async fn f() -> Result<(), Error> {
    /// let inline = CaptureMode::Inline { max: 512 };
    /// let capture = CapturePolicy::from(inline).headers(inline).redact(|part| {
    ///     match part.kind() {
    ///         // Callers write names in any case.
    ///         PartKind::Header(name) if ["authorization", "cookie"].contains(&&*name.to_lowercase()) => part.replace("***"),
    ///         PartKind::Payload => {
    ///             let mut payload: Value = serde_json::from_slice(part.bytes())?; // on an error nothing is recorded
    ///             for name in ["headers", "multiValueHeaders", "cookies"] {
    ///                 payload.get_mut(name).map(Value::take);
    ///             }
    ///             part.replace(payload.to_string())
    ///         }
    ///         // Error texts and the like are not JSON.
    ///         _ => {}
    ///     }
    ///     Ok::<_, serde_json::Error>(())
    /// });
    /// FunctionOptions::new().capture(capture).run(service_fn(score)).await
    /// # }
    /// # async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> { Ok(event.payload) }
    /// ```
    pub fn capture(mut self, capture: impl Into<CapturePolicy>) -> Self {
        self.settings.capture = Some(capture.into());
        self
    }

    /// The longest time that the flush after an invocation may hold up the next event. Default: 2 s. It is also limited by
    /// the function's time limit, minus a margin.
    ///
    /// Records that are not delivered by then are kept for the next flush. While a sink accepts nothing, most flushes are
    /// limited to 50 ms. The flush before the first event has this limit, too.
    pub fn flush_within(mut self, limit: Duration) -> Self {
        self.settings.flush_within = limit;
        self
    }

    /// The layer, for a [`lambda_runtime::Runtime`] that you build yourself.
    pub fn layer(self) -> ObservedLayer {
        ObservedLayer::with(self.settings)
    }

    pub(super) fn into_settings(self) -> Settings {
        self.settings
    }

    fn choose(mut self, change: impl FnOnce(ReceiveOptions) -> ReceiveOptions) -> Self {
        self.settings.receiving = change(self.settings.receiving);
        self
    }
}
