//! A stand-in for tests.

use crate::Primitive;
use crate::adapter::{BegunSpan, OutboundCall, Reply, StandIn};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A stand-in that answers every call by a function, and keeps what it was asked: to show that an adapter asks before a call
/// leaves the process.
///
/// ```
/// use spanbridge::adapter::{self, OutboundCall, Reply};
/// use spanbridge::conformance::Answers;
/// use spanbridge::{Memory, Primitive, Recorder, observe};
///
/// let answers = Answers::refusing("a replay refused the call");
/// let recorder = Recorder::builder("test").sink(Memory::new()).stand_in(answers.clone()).build()?;
/// let reply = recorder.in_scope(|| {
///     let call = || OutboundCall::new(Primitive::HTTP_CLIENT, "GET http://here/");
///     adapter::ask(&observe::current_context(), call)
/// });
/// assert!(matches!(reply, Reply::Refused(_)));
/// assert_eq!(answers.asked()[0].to_string(), "http.client GET http://here/");
/// # Ok::<(), spanbridge::InstallError>(())
/// ```
pub struct Answers {
    answer: Box<dyn Fn(&OutboundCall<'_>) -> Reply + Send + Sync>,
    asked: Mutex<Vec<Asked>>,
}

/// A call that was asked about. It is shown as operation, target and body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Asked {
    /// What kind of call it was.
    pub operation: Primitive,
    /// Where it went.
    pub target: String,
    /// What the body was, as a media type.
    pub content_type: Option<String>,
    /// What was sent; `None` for a stream.
    pub body: Option<Vec<u8>>,
    /// The headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Whether the call had a span.
    pub has_span: bool,
}

impl Answers {
    /// Answers by this function.
    pub fn new(answer: impl Fn(&OutboundCall<'_>) -> Reply + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Answers { answer: Box::new(answer), asked: Mutex::default() })
    }

    /// Refuses every call with this text.
    pub fn refusing(message: &'static str) -> Arc<Self> {
        Answers::new(move |_| Reply::refused(message))
    }

    /// What was asked until now, in order.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, each as one line.
    pub fn lines(&self) -> Vec<String> {
        self.asked().iter().map(Asked::to_string).collect()
    }
}

impl StandIn for Answers {
    fn began(&self, _: &BegunSpan<'_>) {}

    fn call(&self, call: &OutboundCall<'_>) -> Reply {
        let mut headers = vec![];
        call.each_header(&mut |name, value| headers.push((name.to_owned(), value.to_vec())));
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(Asked {
            operation: call.operation(),
            target: call.target().to_owned(),
            content_type: call.content_type().map(str::to_owned),
            body: call.body().map(<[u8]>::to_vec),
            headers,
            has_span: call.span().is_some(),
        });
        (self.answer)(call)
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.operation.name(), self.target)?;
        match &self.body {
            Some(body) if body.is_empty() => Ok(()),
            Some(body) => write!(f, " {}", String::from_utf8_lossy(body)),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("asked", &self.asked()).finish_non_exhaustive()
    }
}
