//! A request as the core sees it: it begins the span.

use super::options::Http;
use super::settings::Settings;
use crate::describe;
use http::request::Parts;
use spanbridge::Primitive;
use spanbridge::adapter::{Describe, Properties, Values, Work, unrecorded_span};
use spanbridge::carrier::Extract;
use spanbridge::messaging::{MessageInfo, Received};
use spanbridge::observe::{Span, SpanBuilder};
use spanbridge::panics;

/// The head of a request.
struct Incoming<'a> {
    request: &'a Parts,
    settings: &'a Settings,
}

/// Begins the span of a request. One that the filter has left out keeps the caller's context all the same: what its handler
/// calls belongs to the caller's trace.
pub(super) fn begin(request: &Parts, settings: &Settings) -> Span {
    let incoming = Incoming { request, settings };
    let work = incoming.receive();
    if settings.takes(request) { work.begin(&incoming) } else { unrecorded_span(work.context().clone()) }
}

impl Incoming<'_> {
    /// Reads the caller's context. If the application's `relation_by` panics, the request must be served all the same: the
    /// relation of all requests counts.
    fn receive(&self) -> Work {
        let options = &self.settings.options;
        panics::caught(|| Work::receive(self, options)).unwrap_or_else(|_| {
            let name = || self.run_name(&mut Values::of(None));
            let info = MessageInfo::new().run_name(&name).primitive(self.run_primitive());
            let received = Received::new(&self.request.headers).with(options, info);
            Work::with_received(received, options.capture_policy().cloned())
        })
    }
}

impl Describe for Incoming<'_> {
    type View = Http;

    fn headers(&self) -> impl Extract {
        &self.request.headers
    }

    fn view(&self) -> &Parts {
        self.request
    }

    fn run_name(&self, _: &mut Values<'_>) -> String {
        describe::run_name(self.request, self.settings.route(self.request))
    }

    fn run_primitive(&self) -> Primitive {
        Primitive::HTTP_SERVER
    }

    fn describe(&self, values: &mut Values<'_>) -> SpanBuilder {
        describe::describe(self.request, &self.settings.known(self.request), values)
    }

    /// The body is a stream, which is the handler's.
    fn payload(&self) -> Option<&[u8]> {
        None
    }

    fn each_header(&self, each: &mut dyn FnMut(&str, &[u8])) {
        describe::each_header(&self.request.headers, each)
    }

    fn properties(&self, to: &mut Properties<'_>) {
        describe::request_properties(self.request, to)
    }
}
