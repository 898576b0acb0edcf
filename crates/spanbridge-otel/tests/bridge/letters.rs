//! A transport in memory.

use spanbridge::adapter::*;
use spanbridge::carrier::{Budget, Extract};
use spanbridge::messaging::ReceiveOptions;
use spanbridge::observe::{InSpan, SpanBuilder};
use std::collections::HashMap;

pub(crate) type Headers = HashMap<String, String>;

pub(crate) const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const SENDER: &str = "00f067aa0ba902b7";

pub(crate) struct Letter(pub(crate) Headers);

impl Letter {
    /// As a sender wrote it.
    pub(crate) fn new(flags: &str) -> Letter {
        let parent = format!("00-{TRACE}-{SENDER}-{flags}");
        let pairs = [
            ("traceparent", parent.as_str()),
            ("tracestate", "sb=r:11111111111111112222222222222222,a=1"),
            ("baggage", "user=Am%C3%A9lie,tier=gold;until=2027"),
        ];
        Letter(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into())
    }

    pub(crate) fn handled<F: Future>(&self, work: impl FnOnce() -> F) -> InSpan<F, spanbridge::observe::Anything> {
        Work::receive(self, &ReceiveOptions::new()).run_value(self, work)
    }
}

impl Describe for Letter {
    type View = ();
    fn view(&self) {}
    fn headers(&self) -> impl Extract {
        &self.0
    }
    fn run_name(&self, _: &mut Values<'_>) -> String {
        "process letters".to_owned()
    }
    fn describe(&self, _: &mut Values<'_>) -> SpanBuilder {
        span("post", Step::Process, "process", "letters")
    }
    fn payload(&self) -> Option<&[u8]> {
        None
    }
}

/// The headers of what is sent now.
pub(crate) fn sent() -> Headers {
    let mut headers = Headers::new();
    let handoff = under_current(|| {
        let span = span("post", Step::Send, "send", "letters");
        send(span, &Values::of(None), &mut headers, |_, _| Budget::UNLIMITED)
    });
    handoff.ended(HandoffStatus::Sent);
    headers
}

/// The `traceparent` of a span of the letter's trace.
pub(crate) fn traceparent(span_id: impl std::fmt::Display) -> String {
    format!("00-{TRACE}-{span_id}-01")
}
