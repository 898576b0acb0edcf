//! The options of an observed function.

use super::cause::ReceiveOptions;
use super::layer::ObservedLayer;
use super::settings::Settings;
use std::time::Duration;

/// Options for [`run`](crate::run), [`run_concurrent`](crate::run_concurrent) and [`ObservedLayer`].
///
/// Set [`trust`](spanbridge::messaging::ReceiveOptions::trust) if strangers can call the function, through a function URL or
/// an API without authorization. Otherwise their headers choose the trace of your spans, whether your spans are recorded
/// (under `Sampler::parent_based`), and the baggage that travels on to every service behind. With
/// [`Trust::Ignore`](crate::Trust::Ignore) each invocation is a root that is linked to what the caller claimed. With
/// [`Trust::IdsOnly`](crate::Trust::IdsOnly) the caller shares the trace and nothing else.
///
/// ```no_run
/// use lambda_runtime::{Error, LambdaEvent, service_fn};
/// use serde_json::Value;
/// use spanbridge_lambda::{FunctionOptions, ReceiveOptions, Trust};
///
/// #[tokio::main]
/// async fn main() -> Result<(), Error> {
///     let _recorder = spanbridge::Recorder::builder("score").sink(spanbridge::JsonLines::new(std::io::stdout())).install()?;
///     FunctionOptions::new().with(ReceiveOptions::new().trust(Trust::Ignore)).run(service_fn(score)).await
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
/// use spanbridge_lambda::{CaptureMode, FunctionOptions, ReceiveOptions, Relation, Trust};
/// use std::time::Duration;
///
/// let receive = ReceiveOptions::new()
///     .relation(Relation::Auto { max_age: Duration::from_secs(3600) })
///     .trust(Trust::Full)
///     .allow_baggage(["tenant"])
///     .capture(CaptureMode::Inline { max: 512 });
/// let options = FunctionOptions::new().with(receive).flush_within(Duration::from_millis(500));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "does nothing until it runs a handler or makes a layer"]
pub struct FunctionOptions {
    settings: Settings,
}

impl FunctionOptions {
    /// The default options.
    pub fn new() -> Self {
        FunctionOptions::default()
    }

    /// How contexts and payloads are received.
    ///
    /// The options apply to every context that comes with an event, wherever it is: in the headers of a request, the client
    /// context, the hidden field, message attributes, or X-Ray's header (which a stranger can send, too). In a batch they
    /// apply to each record ([`Records`](crate::Records), [`for_each_record`](crate::for_each_record)). They also apply to
    /// [`#[handler]`](macro@crate::handler) below the layer.
    ///
    /// The event itself is not changed: the handler sees the headers as they came.
    pub fn with(mut self, options: ReceiveOptions) -> Self {
        self.settings.receive = options;
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
}
