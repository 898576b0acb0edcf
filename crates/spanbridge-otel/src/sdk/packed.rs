//! Spans that wait to be given to the SDK.

use super::span_data;
use crate::otlp::model::{Resource, Span};
use opentelemetry_0_33::InstrumentationScope;
use opentelemetry_sdk::trace::SpanData;
use std::collections::VecDeque;

/// Spans as the SDK has them. Those that were sent are taken out.
#[derive(Default)]
pub(crate) struct Packed {
    spans: VecDeque<SpanData>,
    sent: usize,
}

impl Packed {
    /// Returns about how many bytes it takes up.
    pub(super) fn push(&mut self, span: Span<'_>, scope: &InstrumentationScope) -> usize {
        let size = span.size();
        self.spans.push_back(span_data::span_data(span, scope));
        size
    }

    pub(super) fn append(&mut self, mut more: Packed) {
        self.sent += more.sent;
        self.spans.append(&mut more.spans)
    }

    /// With those that were sent.
    pub(super) fn len(&self) -> usize {
        self.sent + self.spans.len()
    }

    pub(super) fn take(&mut self, most: usize) -> Vec<SpanData> {
        let taken: Vec<_> = self.spans.drain(..most.min(self.spans.len())).collect();
        self.sent += taken.len();
        taken
    }
}

/// The resource that an exporter was told last.
#[derive(Default)]
pub(super) struct Told(Option<Resource<'static>>);

impl Told {
    /// Calls `tell` if there is another resource than before.
    pub(super) fn tell(&mut self, resource: &Resource<'_>, tell: impl FnOnce(&opentelemetry_sdk::Resource)) {
        if self.0.as_ref() != Some(resource) {
            let attributes = resource.attributes.iter().map(|attribute| attribute.clone().into_owned());
            self.0 = Some(Resource { attributes: attributes.collect() });
            tell(&span_data::resource(resource))
        }
    }
}

/// The scope of the spans of spanbridge.
pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("spanbridge").with_version(env!("CARGO_PKG_VERSION")).build()
}
