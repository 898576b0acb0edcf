//! Streamed responses: the span ends when the stream says how the function ended.
//!
//! The SDK's stream type cannot be wrapped. Instead, the body below it is watched.

use super::call::Call;
use super::call_error::CallError;
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::body::{Error, SdkBody};
use aws_smithy_types::event_stream::Message;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Whether a response is an event stream.
pub(super) fn is_stream(response: &Response) -> bool {
    let content = response.headers().get("content-type").unwrap_or_default();
    response.status().is_success() && content.starts_with("application/vnd.amazon.eventstream")
}

/// Makes the call end with the body of a response.
pub(super) fn watch(call: Arc<Call>, response: &mut Response) {
    let watch = Watch { call, frames: Some(Frames::default()) };
    *response.body_mut() = SdkBody::from_body_1_x(Watched { body: response.take_body(), watch });
}

/// A body that is passed on unchanged.
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
            Some(Err(e)) => self.watch.over(Err(CallError::new("io", e.to_string()))),
            None => self.watch.over(Err(CallError::new("response", "the stream ended without its last event"))),
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

/// Looks for the last event of a stream.
struct Watch {
    call: Arc<Call>,
    /// `None` once the outcome is known.
    frames: Option<Frames>,
}

#[derive(Default)]
struct Frames {
    decoder: MessageFrameDecoder,
    /// The received part of an incomplete frame.
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
                Err(e) => break Err(CallError::new("response", e.to_string())),
            }
        };
        self.over(outcome)
    }

    /// Only the first outcome counts.
    fn over(&mut self, outcome: Result<(), CallError>) {
        if self.frames.take().is_some() {
            self.call.streamed(outcome)
        }
    }
}

/// The outcome, if this event is the last.
fn last_event(message: &Message) -> Option<Result<(), CallError>> {
    let header = |name: &str| {
        let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
        Some(header.value().as_string().ok()?.as_str())
    };
    match (header(":message-type")?, header(":event-type")) {
        ("event", Some("InvokeComplete")) => {
            let end = serde_json::from_slice::<serde_json::Value>(message.payload()).unwrap_or_default();
            let text = |name: &str| end.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
            let details = text("ErrorDetails");
            Some(match text("ErrorCode") {
                None => Ok(()),
                Some(code) => Err(CallError::of_function_in_stream(details.unwrap_or_default(), code)),
            })
        }
        ("event", _) => None,
        // The service reports an exception.
        _ => {
            let kind = header(":exception-type").or(header(":error-code")).unwrap_or("response").to_owned();
            let message = serde_json::from_slice::<serde_json::Value>(message.payload()).unwrap_or_default();
            let text = message.get("message").or(message.get("Message")).and_then(|text| text.as_str());
            Some(Err(CallError::new(kind, text.unwrap_or("the stream ended with an exception"))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::call_span::CallSpan;
    use super::super::options::CallOptions;
    use super::*;
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue};
    use proptest::prelude::*;
    use spanbridge::conformance::{Seen, spans};
    use spanbridge::{Memory, Recorder, Status, observe, semconv};
    use std::time::Duration;

    fn frame(headers: &[(&'static str, &'static str)], payload: &[u8]) -> Vec<u8> {
        let message = Message::new(payload.to_vec());
        let message = headers.iter().fold(message, |message, (name, value)| {
            message.add_header(Header::new(*name, HeaderValue::String((*value).into())))
        });
        let mut frame = vec![];
        write_message_to(&message, &mut frame).unwrap();
        frame
    }

    fn event(kind: &'static str, payload: &[u8]) -> Vec<u8> {
        frame(&[(":message-type", "event"), (":event-type", kind)], payload)
    }

    /// The span of a call whose response arrives in these pieces.
    fn span(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>, is_whole: bool) -> Seen {
        let memory = Memory::new();
        let recorder = Recorder::builder("test").sink(memory.clone()).build().unwrap();
        let call =
            Call::new(CallSpan::Response(recorder.in_scope(|| observe::span("call").open())), CallOptions::default());
        let mut watch = Watch { call, frames: Some(Frames::default()) };
        pieces.into_iter().for_each(|piece| watch.read(piece.as_ref()));
        if is_whole {
            watch.over(Err(CallError::new("response", "the stream ended without its last event")))
        }
        drop(watch);
        recorder.flush_blocking(Duration::from_secs(60));
        spans(&memory.records()).pop().unwrap()
    }

    #[test]
    fn the_last_event_has_the_outcome() {
        let ends = |last: Vec<u8>| span([event("PayloadChunk", b"low risk"), last], true);
        assert_eq!(ends(event("InvokeComplete", b"{}")).status, Some(Status::Ok));
        assert_eq!(ends(event("InvokeComplete", b"")).status, Some(Status::Ok));
        for (told, kind, error) in [
            (
                &br#"{"ErrorCode":"Unhandled","ErrorDetails":"{\"errorType\":\"E\",\"errorMessage\":\"no\"}"}"#[..],
                "E",
                "E: no",
            ),
            (br#"{"ErrorCode":"Unhandled","ErrorDetails":"no luck"}"#, "Unhandled", "Unhandled: no luck"),
            (br#"{"ErrorCode":"Unhandled"}"#, "Unhandled", "Unhandled: the function failed"),
        ] {
            let span = ends(event("InvokeComplete", told));
            assert_eq!((span.status, span.get(semconv::ERROR_TYPE)), (Some(Status::Error), kind));
            assert_eq!(span.error, error);
        }
        let exception = [(":message-type", "exception"), (":exception-type", "ServiceException")];
        assert_eq!(ends(frame(&exception, br#"{"message":"oh"}"#)).error, "ServiceException: oh");
        assert_eq!(ends(vec![]).error, "response: the stream ended without its last event");
        assert_eq!(ends(vec![0; 64]).get(semconv::ERROR_TYPE), "response", "no frame");
        assert_eq!(span([event("PayloadChunk", b"low")], false).status, Some(Status::Cancelled));
    }

    proptest! {
        #[test]
        fn frames_come_in_any_pieces(chunks in prop::collection::vec(".*", 0..4), piece in 1usize..40) {
            let mut bytes: Vec<u8> = chunks.iter().flat_map(|c| event("PayloadChunk", c.as_bytes())).collect();
            bytes.extend(event("InvokeComplete", b"{}"));
            prop_assert_eq!(span(bytes.chunks(piece), true).status, Some(Status::Ok));
            // One byte short, the stream has not ended.
            bytes.pop();
            prop_assert_eq!(span(bytes.chunks(piece), true).status, Some(Status::Error));
        }

        #[test]
        fn any_bytes_end_the_span(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1usize..40) {
            prop_assert!(span(bytes.chunks(piece), true).status.is_some());
        }
    }
}
