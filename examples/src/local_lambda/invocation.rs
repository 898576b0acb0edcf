//! An invocation, and the response of the function.

use bytes::Bytes;
use std::time::Duration;
use tokio::sync::mpsc;

/// One invocation of a function.
#[derive(Clone, Debug)]
pub(super) struct Invocation {
    /// The request id. Retries keep it.
    pub(super) id: String,
    pub(super) payload: Bytes,
    /// A JSON object.
    pub(super) client_context: Option<String>,
    /// The value of X-Ray's header `X-Amzn-Trace-Id`.
    pub(super) trace_id: String,
}

/// A function error, as the caller gets it.
#[derive(Clone, Debug)]
pub(super) struct FunctionError {
    /// The error type, if the error came in the middle of a streamed response.
    pub(super) in_stream: Option<String>,
    /// Usually JSON.
    pub(super) body: Bytes,
}

/// A part of a function's response.
#[derive(Debug)]
pub(super) enum ResponsePart {
    Chunk(Bytes),
    Ended { error: Option<FunctionError>, log: Vec<u8> },
}

/// The whole response of a function.
#[derive(Debug)]
pub(super) struct BufferedResponse {
    pub(super) response: Result<Vec<u8>, FunctionError>,
    pub(super) log: Vec<u8>,
}

/// Takes the parts of a response. If the caller has gone, they are discarded and the function does not notice.
#[derive(Clone, Debug)]
pub(super) struct ResponseSender(mpsc::Sender<ResponsePart>);

impl ResponseSender {
    pub(super) fn new() -> (Self, mpsc::Receiver<ResponsePart>) {
        let (parts, received) = mpsc::channel(16);
        (ResponseSender(parts), received)
    }

    /// A sender, and a future that collects the whole response.
    pub(super) fn collected() -> (Self, impl Future<Output = BufferedResponse>) {
        let (parts, mut received) = Self::new();
        let collect = async move {
            let mut body = vec![];
            while let Some(part) = received.recv().await {
                match part {
                    ResponsePart::Chunk(chunk) => body.extend_from_slice(&chunk),
                    ResponsePart::Ended { error, log } => {
                        return BufferedResponse { response: error.map_or(Ok(body), Err), log };
                    }
                }
            }
            // The sandbox was dropped, together with the service.
            BufferedResponse { response: Err(FunctionError { in_stream: None, body: Bytes::new() }), log: vec![] }
        };
        (parts, collect)
    }

    pub(super) async fn send(&self, part: ResponsePart) {
        let _ = self.0.send(part).await;
    }

    /// Ends the response with an error from the service instead of the function.
    pub(super) async fn failed(&self, error_type: &str, id: &str, message: &str) {
        let error = Some(failure(error_type, id, message));
        self.send(ResponsePart::Ended { error, log: vec![] }).await
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
