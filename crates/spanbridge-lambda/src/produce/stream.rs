//! Responses that come as a stream: the span ends where the stream says how the function ended.
//!
//! The SDK's type for the stream cannot be wrapped, and need not be: what is watched is the body below it.

use super::call::Call;
use super::failure::Failure;
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::body::{Error, SdkBody};
use aws_smithy_types::event_stream::Message;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Has the call end with the body of a response, if that is an event stream.
pub(super) fn watch(call: Arc<Call>, response: &mut Response) {
    let content = response.headers().get("content-type").unwrap_or_default();
    if !response.status().is_success() || !content.starts_with("application/vnd.amazon.eventstream") {
        return;
    }
    let body = response.take_body();
    *response.body_mut() =
        SdkBody::from_body_1_x(Watched { body, watch: Watch { call, frames: Some(Frames::default()) } });
}

/// A body that is passed on as it comes.
struct Watched {
    body: SdkBody,
    watch: Watch,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => frame.data_ref().into_iter().for_each(|data| self.watch.read(data)),
            Some(Err(e)) => self.watch.over(Err(Failure::of_stream("io", e.to_string()))),
            None => self.watch.over(Err(Failure::of_stream("response", "the stream ended without its last event"))),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        Body::size_hint(&self.body)
    }
}

/// Looks for the last event.
struct Watch {
    call: Arc<Call>,
    /// While it is not over.
    frames: Option<Frames>,
}

#[derive(Default)]
struct Frames {
    decoder: MessageFrameDecoder,
    /// What has come of a frame that is not complete.
    bytes: BytesMut,
}

impl Watch {
    fn read(&mut self, data: &[u8]) {
        let Some(Frames { decoder, bytes }) = &mut self.frames else { return };
        bytes.extend_from_slice(data);
        let outcome = loop {
            match decoder.decode_frame(&mut *bytes) {
                Ok(DecodedFrame::Complete(message)) => match last_event(&message) {
                    None => {}
                    Some(outcome) => break outcome,
                },
                Ok(_) => return,
                Err(e) => break Err(Failure::of_stream("response", e.to_string())),
            }
        };
        self.over(outcome)
    }

    /// The first word counts.
    fn over(&mut self, outcome: Result<(), Failure>) {
        if self.frames.take().is_some() {
            self.call.streamed(outcome)
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.frames.is_some() {
            self.call.abandoned()
        }
    }
}

/// What an event says about the end, if it is the last one.
fn last_event(message: &Message) -> Option<Result<(), Failure>> {
    let header = |name: &str| {
        let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
        Some(header.value().as_string().ok()?.as_str())
    };
    match (header(":message-type")?, header(":event-type")) {
        ("event", Some("InvokeComplete")) => {
            let told = serde_json::from_slice::<serde_json::Value>(message.payload()).unwrap_or_default();
            let text = |name: &str| told.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
            let details = text("ErrorDetails");
            Some(match text("ErrorCode") {
                None => Ok(()),
                Some(code) => Err(Failure::of_function_in_stream(details.unwrap_or_default(), code)),
            })
        }
        ("event", _) => None,
        // An exception of the service's.
        _ => {
            let kind = header(":exception-type").or(header(":error-code")).unwrap_or("response").to_owned();
            let message = serde_json::from_slice::<serde_json::Value>(message.payload()).unwrap_or_default();
            let text = message.get("message").or(message.get("Message")).and_then(|text| text.as_str());
            Some(Err(Failure::rejected(kind, text.unwrap_or("the stream ended with an exception"))))
        }
    }
}
