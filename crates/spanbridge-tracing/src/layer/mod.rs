//! The layer, and what can be set.

mod calls;
mod events;
mod new_spans;

use crate::spans::Spans;
use tracing_core::LevelFilter;

/// A layer of `tracing-subscriber` under which the spans and events of `tracing` are recorded by spanbridge.
///
/// ```
/// use tracing_subscriber::prelude::*;
///
/// let subscriber = tracing_subscriber::registry().with(spanbridge_tracing::layer());
/// # drop(subscriber);
/// ```
#[derive(Debug)]
pub struct Layer {
    spans: Spans,
    options: Options,
}

#[derive(Clone, Copy, Debug)]
struct Options {
    events: LevelFilter,
    level: bool,
    target: bool,
    location: bool,
}

/// A [`Layer`] with the default settings.
pub fn layer() -> Layer {
    Layer::new()
}

impl Default for Layer {
    fn default() -> Self {
        Self::new()
    }
}

impl Layer {
    /// With the default settings.
    pub fn new() -> Self {
        let options = Options { events: LevelFilter::TRACE, level: false, target: false, location: false };
        Layer { spans: Spans::new(), options }
    }

    /// The context of a span that this layer has begun, while it is open.
    #[cfg(feature = "fmt")]
    pub(crate) fn context(&self, id: &tracing_core::span::Id) -> Option<spanbridge::Context> {
        self.spans.context(id)
    }

    /// Records only events of this level and above: `Level::WARN`, or `LevelFilter::OFF` for none. Default: all events that
    /// the subscriber lets through.
    ///
    /// An event that says that its span has failed says so in any case.
    pub fn events(mut self, from: impl Into<LevelFilter>) -> Self {
        self.options.events = from.into();
        self
    }

    /// Whether spans have their level as the attribute `level`. Events always have. Default: `false`.
    pub fn level(mut self, yes: bool) -> Self {
        self.options.level = yes;
        self
    }

    /// Whether spans have their target as the attribute `target`. Events always have. Default: `false`.
    pub fn target(mut self, yes: bool) -> Self {
        self.options.target = yes;
        self
    }

    /// Whether spans and events have their place in the source, as `code.file.path` and `code.line.number`. Default: `false`.
    pub fn location(mut self, yes: bool) -> Self {
        self.options.location = yes;
        self
    }
}

/// The attribute with the level, as `tracing-opentelemetry` has it.
const LEVEL: &str = "level";
/// The attribute with the target, as `tracing-opentelemetry` has it.
const TARGET: &str = "target";
