//! X-Ray's tracing header: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.

use spanbridge::carrier::Problem;
use spanbridge::w3c::TraceParent;
use spanbridge::{Context, RunId, SpanId, TraceId};
use std::fmt;

/// [X-Ray's tracing header](https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader),
/// which AWS services pass on to each other. Its trace id is a W3C trace id with dashes: `1-`, eight digits, `-`, and the
/// other twenty-four. Its other fields (`Self`, `Lineage`, …) are not kept.
///
/// ```
/// use spanbridge_lambda::XRay;
///
/// let xray = XRay::parse(b"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1").unwrap();
/// let context = xray.context();
/// assert_eq!(context.trace_id().unwrap().to_string(), "5759e988bd862e3fe1be46a994272793");
/// assert_eq!(XRay::of(&context), Some(xray));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct XRay {
    /// The trace id, `Root`.
    pub trace_id: TraceId,
    /// The parent of the next span, `Parent`.
    pub parent: Option<SpanId>,
    /// Whether X-Ray records the trace, `Sampled`; `None` while that is not decided.
    pub sampled: Option<bool>,
}

impl XRay {
    /// The name of the HTTP header.
    pub const HEADER: &'static str = "x-amzn-trace-id";
    /// The environment variable that holds the current invocation's header, where a process handles one event at a time.
    pub const VARIABLE: &'static str = "_X_AMZN_TRACE_ID";
    /// The name of the system attribute of SQS messages.
    pub const SQS_ATTRIBUTE: &'static str = "AWSTraceHeader";

    /// The header of a trace, without a parent and with no decision about sampling.
    pub fn new(trace_id: TraceId) -> Self {
        XRay { trace_id, parent: None, sampled: None }
    }

    /// Parses a header.
    ///
    /// # Errors
    /// If the trace id or the parent id is malformed, or if there is no trace id.
    pub fn parse(header: &[u8]) -> Result<Self, Problem> {
        let (mut root, mut parent, mut sampled) = (None, None, None);
        for part in header.split(|b| *b == b';') {
            let part = part.trim_ascii();
            if let Some(value) = part.strip_prefix(b"Root=") {
                root = Some(trace_id(value).ok_or(malformed("the trace id is not 1-, 8 digits, - and 24 digits"))?)
            } else if let Some(value) = part.strip_prefix(b"Parent=") {
                parent =
                    Some(SpanId::from_hex(value).ok_or(malformed("the parent id is not 16 lower-case hex digits"))?)
            } else if let Some(value) = part.strip_prefix(b"Sampled=") {
                sampled = match value {
                    b"1" => Some(true),
                    b"0" => Some(false),
                    _ => None, // `?` asks the receiver to decide
                }
            }
        }
        Ok(XRay { trace_id: root.ok_or(malformed("it has no trace id"))?, parent, sampled })
    }

    /// The header for a context; `None` if the context is empty.
    ///
    /// If X-Ray has made a sampling decision, it is repeated and never raised, because recording in X-Ray costs money.
    /// Otherwise `Sampled` is the context's own sampled flag, as OpenTelemetry's propagators write it. Peers that read only
    /// this header record nothing without it.
    pub fn of(context: &Context) -> Option<Self> {
        let TraceParent { trace_id, span_id, .. } = context.trace_parent()?;
        let parent = (span_id != RunId::of_trace(trace_id).as_parent()).then_some(span_id);
        let sampled = context.peer_sampled().unwrap_or(context.is_sampled());
        Some(XRay { trace_id, parent, sampled: Some(sampled) })
    }

    /// The context in the header.
    ///
    /// With `Sampled=0`, whether the trace is recorded is decided as for a trace that begins here: Lambda sends `Sampled=0`
    /// to every function without active tracing. The parent is left out then, because Lambda makes one up that nobody
    /// records; the next span is a root of the trace.
    pub fn context(&self) -> Context {
        let parent = self.parent.filter(|_| self.sampled != Some(false));
        Context::of_peer(self.trace_id, parent, self.sampled)
    }
}

/// Formats the header.
impl fmt::Display for XRay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.trace_id.get();
        write!(f, "Root=1-{:08x}-{:024x}", id >> 96, id & (u128::MAX >> 32))?;
        if let Some(parent) = self.parent {
            write!(f, ";Parent={parent}")?
        }
        match self.sampled {
            Some(sampled) => write!(f, ";Sampled={}", u8::from(sampled)),
            None => Ok(()),
        }
    }
}

/// Parses `1-8hex-24hex`, by fixed width.
fn trace_id(text: &[u8]) -> Option<TraceId> {
    let (epoch, unique) = text.strip_prefix(b"1-")?.split_at_checked(8)?;
    let digits: [u8; 32] = [epoch, unique.strip_prefix(b"-")?].concat().try_into().ok()?;
    TraceId::from_hex(&digits)
}

fn malformed(reason: &'static str) -> Problem {
    Problem::new(XRay::HEADER, reason)
}
