//! What many spans have in common.

use super::builder::{SpanBuilder, span_of_template};
use crate::encoder::Template;
use crate::{IntoValue, Kind, Primitive};

/// The name, the kind and the attributes that many spans have in common, encoded once: beginning a span with them is one copy.
/// For adapters, which begin the same span for every message.
///
/// ```
/// use spanbridge::adapter::SpanTemplate;
/// use spanbridge::{Kind, Primitive};
///
/// let process = SpanTemplate::new("process letters")
///     .kind(Primitive::MESSAGING_PROCESS, Kind::Consumer)
///     .attribute("messaging.system", "post");
/// for weight in [20, 50] {
///     process.begin().attribute("post.weight", weight).in_scope(|| { /* work */ });
/// }
/// ```
#[derive(Clone, Debug)]
pub struct SpanTemplate(Template);

impl SpanTemplate {
    /// For spans of this name. It is cut at 1 KiB.
    pub fn new(name: &str) -> Self {
        SpanTemplate(Template::new(name))
    }

    /// What kind of step the spans are, and their role in a remote interaction. Default: [`Primitive::OPERATION`] and
    /// [`Kind::Internal`]. To be called once.
    pub fn kind(mut self, primitive: Primitive, kind: Kind) -> Self {
        self.0.set_kind(primitive, kind);
        self
    }

    /// Adds an attribute: see [`IntoValue`].
    pub fn attribute<'v>(mut self, key: &'static str, value: impl IntoValue<'v>) -> Self {
        if let Some(given) = value.into_given() {
            self.0.add(key, given.value())
        }
        self
    }

    /// Begins a span under the current one. It takes further attributes.
    #[inline]
    pub fn begin(&self) -> SpanBuilder {
        span_of_template(&self.0)
    }
}
