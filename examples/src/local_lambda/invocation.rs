//! An invocation, and what comes of it.

use bytes::Bytes;
use std::time::Duration;
use tokio::sync::mpsc;

/// What a function is to work on.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    /// The request's id; the same at each try.
    pub(super) id: String,
    pub(super) payload: Bytes,
    /// JSON.
    pub(super) client_context: Option<String>,
    /// X-Ray's header.
    pub(super) trace_id: String,
}

/// A function's own failure, as it is told to the caller.
#[derive(Clone, Debug)]
pub(super) struct FunctionError {
    /// Where the error came in the middle of a response, what kind it was.
    pub(super) in_stream: Option<String>,
    /// JSON, as a rule.
    pub(super) body: Bytes,
}

/// What comes of an invocation, as it comes.
#[derive(Debug)]
pub(super) enum Part {
    Chunk(Bytes),
    Ended { error: Option<FunctionError>, log: Vec<u8> },
}

/// All that came of an invocation.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) response: Result<Vec<u8>, FunctionError>,
    pub(super) log: Vec<u8>,
}

/// Where it goes. That nobody waits for it any more is none of the function's business.
#[derive(Clone, Debug)]
pub(super) struct Parts(mpsc::Sender<Part>);

impl Parts {
    pub(super) fn new() -> (Self, mpsc::Receiver<Part>) {
        let (parts, received) = mpsc::channel(16);
        (Parts(parts), received)
    }

    /// With all of it, once it is there.
    pub(super) fn collected() -> (Self, impl Future<Output = Whole>) {
        let (parts, mut received) = Self::new();
        let collect = async move {
            let mut body = vec![];
            while let Some(part) = received.recv().await {
                match part {
                    Part::Chunk(chunk) => body.extend_from_slice(&chunk),
                    Part::Ended { error, log } => return Whole { response: error.map_or(Ok(body), Err), log },
                }
            }
            // The sandbox is gone, and with it the service.
            Whole { response: Err(FunctionError { in_stream: None, body: Bytes::new() }), log: vec![] }
        };
        (parts, collect)
    }

    pub(super) async fn send(&self, part: Part) {
        let _ = self.0.send(part).await;
    }

    /// Ends with an error of the service's own making.
    pub(super) async fn failed(&self, error_type: &str, id: &str, message: &str) {
        let error = Some(failure(error_type, id, message));
        self.send(Part::Ended { error, log: vec![] }).await
    }
}

pub(super) fn failure(error_type: &str, id: &str, message: &str) -> FunctionError {
    let body =
        serde_json::json!({ "errorType": error_type, "errorMessage": format!("RequestId: {id} Error: {message}") });
    FunctionError { in_stream: None, body: body.to_string().into() }
}

pub(super) fn timed_out(id: &str, after: Duration) -> FunctionError {
    failure("Sandbox.Timedout", id, &format!("Task timed out after {:.2} seconds", after.as_secs_f64()))
}
