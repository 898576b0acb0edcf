//! Requests to a receiver of OTLP.

use super::answer;
use super::client::{Answered, Client, Reply, Unanswered};
use super::destination::{Answer, Destination, Surroundings};
use crate::otlp::model::{Resource, Scope, Span};
use crate::otlp::{MAX_REQUEST_BYTES, json, protobuf};
use ureq::http::StatusCode;

/// Bytes of spans that go together, before compression. A span that is larger goes alone.
const GO_TOGETHER: usize = 4 << 20;
/// How often a request is sent that was never answered though it may have arrived: each time, the receiver may take it again.
const UNANSWERED: u32 = 5;
/// The form of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Protobuf,
    Json,
}

pub(super) struct Http {
    pub(super) client: Client,
    pub(super) form: Form,
    body: Vec<u8>,
    /// Times that the request at hand was sent and not answered.
    unanswered: u32,
}

/// Spans as they stand in a request.
#[derive(Default)]
pub(super) struct Encoded {
    bytes: Vec<u8>,
    /// Where each span ends.
    ends: Vec<usize>,
}

impl Encoded {
    /// Bytes that it takes up: a buffer has more room than what stands in it.
    fn allocated(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

impl Http {
    pub(super) fn new(client: Client, form: Form) -> Self {
        Http { client, form, body: Vec::new(), unanswered: 0 }
    }

    fn write(&mut self, resource: &Resource<'_>, spans: &[u8]) {
        let scope = Scope { name: SCOPE.into(), version: env!("CARGO_PKG_VERSION").into(), ..Scope::default() };
        self.body.clear();
        match self.form {
            Form::Protobuf => protobuf::write_request(resource, &scope, spans, &mut self.body),
            Form::Json => json::write_request(resource, &scope, spans, &mut self.body),
        }
    }

    fn exchange(&mut self, spans: u64) -> Answer {
        let content_type = match self.form {
            Form::Protobuf => "application/x-protobuf",
            Form::Json => "application/json",
        };
        match self.client.post(content_type, &self.body) {
            Reply::Answered(response) => {
                self.unanswered = 0;
                answered(response, spans)
            }
            Reply::Unanswered(unanswered) => self.unanswered(unanswered),
        }
    }

    fn unanswered(&mut self, Unanswered { why, may_be_sent_again, may_have_arrived, .. }: Unanswered) -> Answer {
        self.unanswered += u32::from(may_have_arrived);
        if may_be_sent_again && self.unanswered < UNANSWERED {
            return Answer::Later { why, pause: None };
        }
        self.unanswered = 0;
        Answer::Refused { why }
    }
}

/// The scope of exported spans.
const SCOPE: &str = "spanbridge";

impl Destination for Http {
    type Packed = Encoded;

    const NAME: &'static str = "otlp";

    fn pack(&mut self, span: Span<'_>, to: &mut Encoded) -> usize {
        let before = to.allocated();
        match self.form {
            Form::Protobuf => protobuf::write_span(&span, &mut to.bytes),
            Form::Json => json::write_span(&span, &mut to.bytes),
        }
        to.ends.push(to.bytes.len());
        to.allocated() - before
    }

    fn append(&self, more: Encoded, to: &mut Encoded) {
        let start = to.bytes.len();
        to.bytes.extend_from_slice(&more.bytes);
        to.ends.extend(more.ends.iter().map(|end| start + end));
    }

    fn len(packed: &Encoded) -> usize {
        packed.ends.len()
    }

    fn send(&mut self, beside: Surroundings<'_>, spans: &mut Encoded, from: usize) -> (usize, Answer) {
        let start = from.checked_sub(1).map_or(0, |last| spans.ends[last]);
        let fit = spans.ends[from..].partition_point(|end| end - start <= GO_TOGETHER);
        let count = fit.max(1);
        self.write(beside.resource, &spans.bytes[start..spans.ends[from + count - 1]]);
        if self.body.len() > MAX_REQUEST_BYTES {
            return (count, Answer::Refused { why: "a span is larger than the 64 MiB of a request".to_owned() });
        }
        (count, self.exchange(count as u64))
    }
}

/// Only these may be sent again, by the [specification](https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes).
fn may_be_sent_again(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn answered(Answered { status, body, pause }: Answered, spans: u64) -> Answer {
    if status.is_success() {
        // It has taken them, whatever becomes of the rest of the answer.
        return match body.and_then(|body| answer::partial_success(&body)) {
            Some(partial) => {
                let rejected = u64::try_from(partial.rejected).unwrap_or(0).min(spans);
                let warning = (rejected > 0 || !partial.message.is_empty())
                    .then(|| format!("the receiver rejected {rejected} spans: {}", partial.message));
                Answer::Taken { rejected, left_out: 0, warning }
            }
            None => Answer::Taken {
                rejected: 0,
                left_out: 0,
                warning: Some("the receiver's answer cannot be read".to_owned()),
            },
        };
    }
    let message = body.and_then(|body| answer::status_message(&body));
    let message = message.map(|message| format!(": {message}")).unwrap_or_default();
    let why = format!("the receiver answered {}{message}", status.as_u16());
    match may_be_sent_again(status) {
        true => Answer::Later { why, pause },
        false => Answer::Refused { why },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spans::Assembler;
    use spanbridge::{SpanId, TraceId};
    use std::io;
    use std::net::ToSocketAddrs;
    use ureq::http::Uri;
    use ureq::{Agent, Error, Timeout};

    fn http(uri: &'static str) -> Http {
        let client =
            Client { agent: Agent::new_with_defaults(), uri: Uri::from_static(uri), headers: vec![], gzip: false };
        Http::new(client, Form::Protobuf)
    }

    fn named(name: String) -> Span<'static> {
        let mut span = Span::new(TraceId::new(1).unwrap(), SpanId::new(1).unwrap());
        span.name = name.into();
        span
    }

    /// The limit of the specification, before compression. Spans as large as that are lost alone, and nothing is sent of them.
    #[test]
    fn a_request_is_never_above_the_limit() {
        // Nobody is there, so what is sent comes again later.
        let mut http = http("http://127.0.0.1:1");
        let mut spans = Encoded::default();
        let sizes = [1 << 20, 3 << 20, 2 << 20, 63 << 20, 65 << 20, 100, 200, 5 << 20];
        for size in sizes {
            http.pack(named("x".repeat(size)), &mut spans);
        }
        let (mut from, mut sent) = (0, vec![]);
        while from < sizes.len() {
            let (resource, assembler) = (Resource::default(), Assembler::new());
            let beside = Surroundings { resource: &resource, assembler: &assembler };
            let (count, answer) = http.send(beside, &mut spans, from);
            let is_sent = matches!(answer, Answer::Later { .. });
            assert!(!is_sent || http.body.len() <= MAX_REQUEST_BYTES);
            sent.push((count, is_sent));
            from += count;
        }
        let alone = (1, true);
        assert_eq!(sent, [alone, alone, alone, alone, (1, false), (2, true), alone]);
    }

    /// A receiver may be down for hours. But what may have arrived is not sent without end.
    #[test]
    fn only_what_cannot_have_arrived_waits_for_ever() {
        let io = |kind: io::ErrorKind| Error::Io(kind.into());
        let last = |error: &Error| {
            let mut http = http("http://a");
            let mut attempts = (1..100).map(|n| {
                let unanswered = http.client.unanswered(error);
                (n, http.unanswered(unanswered))
            });
            attempts.find(|(_, answer)| matches!(answer, Answer::Refused { .. })).map(|(n, _)| n)
        };
        let no_such_host = "no-such-host.invalid:80".to_socket_addrs().unwrap_err();
        for error in [
            io(io::ErrorKind::ConnectionRefused),
            io(io::ErrorKind::HostUnreachable),
            Error::HostNotFound,
            Error::Io(no_such_host),
            Error::Timeout(Timeout::Resolve),
            Error::Timeout(Timeout::Connect),
            Error::ConnectProxyFailed("503".to_owned()),
        ] {
            assert_eq!(last(&error), None, "{error}");
        }
        for error in
            [io(io::ErrorKind::ConnectionReset), io(io::ErrorKind::UnexpectedEof), Error::Timeout(Timeout::Global)]
        {
            assert_eq!(last(&error), Some(5), "{error}");
        }
        assert_eq!(last(&Error::TlsRequired), Some(1));
    }
}
