//! Run, trace and span ids in the lines that `tracing-subscriber` writes.
//!
//! Say [`with_ids`](WithIds::with_ids) last, and every line that is written inside a trace names it:
//!
//! ```
//! use spanbridge_tracing::fmt::WithIds;
//!
//! # let _default = tracing::subscriber::set_default(
//! tracing_subscriber::fmt().json().with_ids()
//! # .finish());
//! // .init();
//! ```
//!
//! The same for a layer: `registry().with(fmt::layer().with_ids())`. Formatters, timers, colours, writers and filters stay
//! as you chose them, and so may be your own.
//!
//! The ids are those of spanbridge's [current context](spanbridge::observe::current_context): of the innermost span, whether
//! [`observe`](mod@spanbridge::observe), an adapter or the [layer](crate::layer()) opened it. So a service without the layer gets
//! them, too. Outside of a trace nothing is added.
//!
//! An event that names its parent (`info!(parent: &span, ..)`) has the ids of that span, and so have the lines about the span
//! itself ([`with_span_events`](tracing_subscriber::fmt::Layer::with_span_events)). Add the layer after the formatter, so that it
//! still knows the span when the formatter writes that it is closed:
//!
//! ```
//! use spanbridge_tracing::fmt::WithIds;
//! use tracing_subscriber::fmt::{self, format::FmtSpan};
//! use tracing_subscriber::prelude::*;
//!
//! let subscriber = tracing_subscriber::registry()
//!     .with(fmt::layer().with_span_events(FmtSpan::CLOSE).with_ids())
//!     .with(spanbridge_tracing::layer());
//! # drop(subscriber);
//! ```
//!
//! If the layer does not know the span, or cannot be asked because the subscriber is a scoped one or the layer is inside
//! [`reload`](tracing_subscriber::reload), these lines have the ids of what is current. An event with `parent: None` belongs to
//! nothing, and gets no ids.
//!
//! # What is added
//!
//! | | JSON | text |
//! |---|---|---|
//! | `trace_id` | always | always |
//! | `span_id` | inside a span | inside a span |
//! | `trace_flags` | always | never |
//! | `run_id` | always | if it is not the trace's own run |
//!
//! JSON lines get them as members of the object itself, behind all others. Names and values follow OpenTelemetry's
//! [Trace Context in non-OTLP Log Formats](https://opentelemetry.io/docs/specs/otel/compatibility/logging_trace_context/).
//! `run_id` is ours. A query names a member, so JSON always has it; the trace's own run has the trace's id, so in text `grep`
//! finds it anyway.
//!
//! Text lines end with them, as `trace_id=… span_id=…`, dimmed where there are colours. Where an entry ends with an empty line
//! (`Pretty`), they are a line of their own.
//!
//! Contexts that are not sampled have ids as well: the lines of all services can be found by them, and `trace_flags` ends in
//! an even digit.
//!
//! # Names that are taken
//!
//! The event's own field wins. In JSON a name is taken if the object has a member of that name: with `flatten_event` the
//! event's fields are such members, without it they are under `fields`, and both are kept. In text a name is taken if the event
//! has a field of that name.
//!
//! A line counts as JSON if it begins and ends as an object does. One that begins so and ends otherwise is left alone.
//!
//! # With other layers
//!
//! A layer of another crate that takes a [`MakeWriter`] and writes each line in one call gets ids through [`IdsWriter`].

mod format;
mod ids;
mod line;
mod object;
mod writer;

pub use format::IdsFormat;
pub use writer::{IdsLine, IdsWriter};

use tracing_core::Subscriber;
use tracing_subscriber::fmt::{FormatEvent, FormatFields, Layer, MakeWriter, SubscriberBuilder};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Adds ids to the lines of [`tracing_subscriber::fmt()`] and [`tracing_subscriber::fmt::layer()`].
pub trait WithIds: sealed::Sealed {
    /// The same, with ids in its lines.
    type Output;

    /// Adds trace, span and run id to each line that is written inside a trace ([what exactly](self)).
    ///
    /// Choose the formatter and the writer before: `with_writer` after it takes the ids away again.
    fn with_ids(self) -> Self::Output;
}

impl<S, N, E, W> WithIds for Layer<S, N, E, W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    E: FormatEvent<S, N> + 'static,
    W: for<'a> MakeWriter<'a> + 'static,
{
    type Output = Layer<S, N, IdsFormat<E>, IdsWriter<W>>;

    fn with_ids(self) -> Self::Output {
        self.map_event_format(IdsFormat::new).map_writer(IdsWriter::new)
    }
}

impl<N, E, F, W> WithIds for SubscriberBuilder<N, E, F, W>
where
    N: for<'a> FormatFields<'a> + 'static,
    E: FormatEvent<Registry, N> + 'static,
    W: for<'a> MakeWriter<'a> + 'static,
{
    type Output = SubscriberBuilder<N, IdsFormat<E>, F, IdsWriter<W>>;

    fn with_ids(self) -> Self::Output {
        self.map_event_format(IdsFormat::new).map_writer(IdsWriter::new)
    }
}

mod sealed {
    /// Keeps others from implementing [`WithIds`](super::WithIds), so that it can get more methods.
    pub trait Sealed {}

    impl<S, N, E, W> Sealed for super::Layer<S, N, E, W> {}
    impl<N, E, F, W> Sealed for super::SubscriberBuilder<N, E, F, W> {}
}
