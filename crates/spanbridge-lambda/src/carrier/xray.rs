//! X-Ray's header: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`.

use spanbridge::carrier::Problem;
use spanbridge::w3c::TraceParent;
use spanbridge::{Context, RunId, SpanId, TraceId};
use std::fmt;

/// [X-Ray's tracing header](https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader),
/// which AWS's services pass on among themselves. Its trace id is W3C's, with dashes: `1-` and eight digits and `-` and
/// the other twenty-four. Of what else may stand in it (`Self`, `Lineage`, …) nothing is kept.
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
pub struct XRay {
    /// The trace.
    pub trace_id: TraceId,
    /// The span that whatever starts next hangs under.
    pub parent: Option<SpanId>,
    /// Whether X-Ray records the trace; `None` where that is not decided.
    pub sampled: Option<bool>,
}

impl XRay {
    /// The name of the header, of HTTP requests.
    pub const HEADER: &'static str = "x-amzn-trace-id";
    /// The name of the environment variable in which Lambda says the current invocation's, one at a time.
    pub const VARIABLE: &'static str = "_X_AMZN_TRACE_ID";
    /// The name of the system attribute of an SQS message.
    pub const SQS_ATTRIBUTE: &'static str = "AWSTraceHeader";

    /// Reads a header.
    ///
    /// # Errors
    /// What is wrong with it. Without a trace id, or with one that is malformed, it says nothing.
    pub fn parse(header: &[u8]) -> Result<Self, Problem> {
        let (mut root, mut parent, mut sampled) = (None, None, None);
        for part in header.split(|b| *b == b';') {
            let part = part.trim_ascii();
            if let Some(value) = part.strip_prefix(b"Root=") {
                root = Some(trace_id(value).ok_or(malformed("the trace id is not as X-Ray writes it"))?)
            } else if let Some(value) = part.strip_prefix(b"Parent=") {
                parent = Some(SpanId::from_hex(value).ok_or(malformed("the parent id is not 16 lower-case digits"))?)
            } else if let Some(value) = part.strip_prefix(b"Sampled=") {
                sampled = match value {
                    b"1" => Some(true),
                    b"0" => Some(false),
                    _ => None, // `?`: the receiver is asked to decide
                }
            }
        }
        Ok(XRay { trace_id: root.ok_or(malformed("it has no trace id"))?, parent, sampled })
    }

    /// The header for a context; `None` when it is empty.
    ///
    /// What X-Ray has decided goes on as it came with the context and is never raised: recording costs. Where X-Ray has not
    /// decided, `Sampled` is the context's own flag, as OpenTelemetry's propagators write it: peers that read this header
    /// alone record nothing without it.
    pub fn of(context: &Context) -> Option<Self> {
        let TraceParent { trace_id, span_id, .. } = context.trace_parent()?;
        let parent = (span_id != RunId::of_trace(trace_id).as_parent()).then_some(span_id);
        let sampled = context.peer_sampled().unwrap_or(context.is_sampled());
        Some(XRay { trace_id, parent, sampled: Some(sampled) })
    }

    /// The context.
    ///
    /// What X-Ray does not record is recorded here or not as a trace that begins here would be, and goes on so: Lambda says
    /// `Sampled=0` to every function that has no active tracing. The parent is nobody's span then, for Lambda makes one up
    /// for every invocation: it is left out, and whatever starts next is a root of the trace.
    pub fn context(&self) -> Context {
        let parent = self.parent.filter(|_| self.sampled != Some(false));
        Context::of_peer(self.trace_id, parent, self.sampled)
    }
}

/// The header's text.
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

/// `1-8hex-24hex`, by fixed width.
fn trace_id(text: &[u8]) -> Option<TraceId> {
    let (epoch, unique) = text.strip_prefix(b"1-")?.split_at_checked(8)?;
    let digits: [u8; 32] = [epoch, unique.strip_prefix(b"-")?].concat().try_into().ok()?;
    TraceId::from_hex(&digits)
}

fn malformed(reason: &'static str) -> Problem {
    Problem { header: XRay::HEADER, reason: reason.into() }
}
