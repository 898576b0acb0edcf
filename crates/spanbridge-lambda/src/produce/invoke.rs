//! Calls of functions.

use super::call_error::{CallError, UNKNOWN};
use super::call_span::{CallSpan, Entries, Packing, room};
use super::operation::Operation;
use super::replayed::{self, Replay};
use crate::carrier::ClientContext;
use crate::describe;
use aws_sdk_lambda::config::Region;
use aws_sdk_lambda::operation::invoke::builders::InvokeFluentBuilder;
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeInput, InvokeOutput};
use aws_sdk_lambda::operation::invoke_with_response_stream::builders::InvokeWithResponseStreamFluentBuilder;
use aws_sdk_lambda::operation::invoke_with_response_stream::{
    InvokeWithResponseStreamError, InvokeWithResponseStreamInput, InvokeWithResponseStreamOutput,
};
use aws_sdk_lambda::primitives::Blob;
use spanbridge::adapter::{Handoff, HandoffStatus, OutboundCall, send_in};
use spanbridge::carrier::{Budget, inject_within};
use spanbridge::messaging::CapturePolicy;
use spanbridge::observe::Span;
use spanbridge::payload::{splice, take};
use spanbridge::{Primitive, semconv};
use std::borrow::Cow;

/// The media type of payloads and responses.
const JSON: &str = "application/json";
const EVENT: &str = "Event";
const DRY_RUN: &str = "DryRun";

#[derive(Debug)]
pub(super) struct Invoke;

impl Operation for Invoke {
    type Input = InvokeInput;
    type Output = InvokeOutput;
    type Error = InvokeError;
    const PASSES_XRAY: bool = true;

    fn open(input: &InvokeInput) -> CallSpan {
        open("Invoke", input.function_name(), input.invocation_type().map(|t| t.as_str()))
    }

    fn outbound(input: &InvokeInput) -> OutboundCall<'_> {
        outbound(&input.function_name, &input.qualifier, &input.payload)
    }

    fn pack(input: &mut InvokeInput, packing: &mut Packing<'_>) {
        let kind = input.invocation_type.as_ref().map(|t| t.as_str());
        let function = input.function_name.as_deref();
        record_region(function, packing);
        pack(function, kind, &mut input.client_context, &mut input.payload, packing)
    }

    fn capture_response(output: &InvokeOutput, span: &Span, capture: &CapturePolicy) {
        // The response to an `Event` call is empty.
        let response = output.payload.as_ref().map(Blob::as_ref).filter(|response| !response.is_empty());
        if let Some(response) = response {
            capture.record_payload(span, "output", JSON, response)
        }
    }

    fn responded(output: &InvokeOutput, call: CallSpan, _: Entries, _: HandoffStatus) {
        match &output.function_error {
            None => call.end(),
            Some(error) => {
                let body = output.payload.as_ref().map(Blob::as_ref).unwrap_or_default();
                call.fail(&CallError::of_function(body, error), UNKNOWN)
            }
        }
    }
}

impl Invoke {
    /// How a replay answers it: by the recorded response, if that is there whole.
    pub(super) const REPLAY: Replay<InvokeFluentBuilder, Self> = Replay {
        call: |builder| {
            let input = builder.as_input();
            outbound(input.get_function_name(), input.get_qualifier(), input.get_payload())
        },
        answer: |builder, then| {
            if !replayed::is_accepted(then) {
                return Err(replayed::failed(then, InvokeError::generic));
            }
            let output = then.artifact("output");
            let kind = builder.as_input().get_invocation_type().as_ref().map(|kind| kind.as_str());
            if output.is_none() && !matches!(kind, Some(EVENT | DRY_RUN)) {
                return Err(replayed::not_recorded("the function's response was not recorded whole"));
            }
            let built = InvokeOutput::builder()
                .status_code(replayed::status(then).unwrap_or(200).into())
                // The runtimes' word for every error of a function.
                .set_function_error(then.error().map(|_| "Unhandled".to_owned()))
                .payload(Blob::new(output.map(|output| output.content()).unwrap_or_default()));
            Ok(built.build())
        },
    };
}

/// A call of a function, as it is recorded: without our field.
fn outbound<'a>(
    function: &'a Option<String>,
    qualifier: &Option<String>,
    payload: &'a Option<Blob>,
) -> OutboundCall<'a> {
    let function = function.as_deref().unwrap_or_default();
    let target = match qualifier {
        Some(qualifier) => Cow::Owned(format!("{function}:{qualifier}")),
        None => Cow::Borrowed(function),
    };
    let payload = payload.as_ref().map(Blob::as_ref).unwrap_or_default();
    OutboundCall::new(Primitive::FUNCTION_INVOKE, target)
        .with_content_type(JSON)
        .with_body(take(payload).payload().into_owned())
}

#[derive(Debug)]
pub(super) struct InvokeWithResponseStream;

impl InvokeWithResponseStream {
    /// How a replay answers it: it does not, because streams are not recorded.
    pub(super) const REPLAY: Replay<InvokeWithResponseStreamFluentBuilder, Self> = Replay {
        call: |builder| {
            let input = builder.as_input();
            outbound(input.get_function_name(), input.get_qualifier(), input.get_payload())
        },
        answer: |_, then| match replayed::is_accepted(then) {
            true => Err(replayed::not_recorded("a streamed response is not recorded")),
            false => Err(replayed::failed(then, InvokeWithResponseStreamError::generic)),
        },
    };
}

impl Operation for InvokeWithResponseStream {
    type Input = InvokeWithResponseStreamInput;
    type Output = InvokeWithResponseStreamOutput;
    type Error = InvokeWithResponseStreamError;
    const STREAMS: bool = true;
    const PASSES_XRAY: bool = true;

    fn open(input: &InvokeWithResponseStreamInput) -> CallSpan {
        let kind = input.invocation_type().map(|t| t.as_str());
        open("InvokeWithResponseStream", input.function_name(), kind)
    }

    fn outbound(input: &InvokeWithResponseStreamInput) -> OutboundCall<'_> {
        outbound(&input.function_name, &input.qualifier, &input.payload)
    }

    fn pack(input: &mut InvokeWithResponseStreamInput, packing: &mut Packing<'_>) {
        let kind = input.invocation_type.as_ref().map(|t| t.as_str());
        let function = input.function_name.as_deref();
        record_region(function, packing);
        pack(function, kind, &mut input.client_context, &mut input.payload, packing)
    }

    fn responded(_: &InvokeWithResponseStreamOutput, call: CallSpan, _: Entries, _: HandoffStatus) {
        call.end()
    }
}

pub(super) fn open(operation: &'static str, function: Option<&str>, kind: Option<&str>) -> CallSpan {
    let span = describe::invoke(function.unwrap_or_default(), None, operation);
    let span = match kind {
        Some(kind @ (EVENT | DRY_RUN)) => span.attribute(semconv::FUNCTION_INVOCATION_TYPE, kind),
        _ => span,
    };
    let span = span.open();
    if kind == Some(EVENT) { CallSpan::Handoff(Handoff::new(span)) } else { CallSpan::Response(span) }
}

/// Records the client's region, which is also the function's, unless an ARN names another.
fn record_region(function: Option<&str>, packing: &Packing<'_>) {
    let is_arn = function.is_some_and(|name| name.starts_with("arn:"));
    if let Some(region) = packing.config.load::<Region>().filter(|_| !is_arn) {
        packing.span.attribute(semconv::FAAS_INVOKED_REGION, region.as_ref())
    }
}

fn pack(
    function: Option<&str>,
    kind: Option<&str>,
    client_context: &mut Option<String>,
    payload: &mut Option<Blob>,
    packing: &Packing<'_>,
) {
    if let (Some(capture), Some(payload), Some(_)) = (packing.capture, &*payload, packing.span.id()) {
        capture.record_payload(packing.span, "input", JSON, &take(payload.as_ref()).payload())
    }
    match kind {
        _ if !packing.span.context().travels() => {}
        // No function runs.
        Some(DRY_RUN) => {}
        _ if is_in_payload(function, kind, packing) => into_payload(payload, packing.span),
        // The payload has the field already, so the function expects it.
        Some(EVENT) if payload.as_ref().is_some_and(|payload| take(payload.as_ref()).fields.is_some()) => {
            into_payload(payload, packing.span)
        }
        Some(EVENT) => {
            let why = "an `Event` call can carry its context only in the payload, and the function is not among those of \
                       `Propagate::in_payload_of`, nor is the call observed";
            packing.span.diagnostic(semconv::INJECTION_NOT_POSSIBLE, why)
        }
        _ => into_client_context(client_context, packing),
    }
}

fn is_in_payload(function: Option<&str>, kind: Option<&str>, packing: &Packing<'_>) -> bool {
    let name = describe::invoked_name(function.unwrap_or_default());
    packing.in_payload.iter().any(|wanted| wanted.is_wanted(name, kind != Some(EVENT)))
}

fn into_client_context(client_context: &mut Option<String>, packing: &Packing<'_>) {
    let mut merged = match client_context.as_deref().map(str::parse::<ClientContext>) {
        None => ClientContext::default(),
        Some(Ok(given)) => given,
        Some(Err(problem)) => return packing.span.diagnostic(semconv::INJECTION_NOT_POSSIBLE, &problem.to_string()),
    };
    if send_in(packing.span, &mut merged, ClientContext::inject) {
        *client_context = merged.encode()
    }
}

/// The largest payload, in bytes: of an asynchronous call formerly and today, and of a synchronous one.
const LIMITS: [usize; 3] = [256 * 1024, 1024 * 1024, 6 * 1024 * 1024];
/// The size of the hidden field without the headers in it, and of a header without its name and value.
const FIELD: usize = r#""__spanbridge":{},"#.len();
const HEADER: usize = r#""":"","#.len();

fn into_payload(payload: &mut Option<Blob>, span: &Span) {
    // Without a payload, a function gets an empty object.
    let bytes = payload.as_ref().map_or(&b"{}"[..], Blob::as_ref);
    let mut fields = take(bytes).fields.unwrap_or_default();
    let room = room(&LIMITS, bytes.len()).saturating_sub(FIELD);
    let budget = Budget::new(room, HEADER, usize::MAX);
    let is_written = send_in(span, &mut fields, |fields, context| inject_within(context, budget, fields));
    if !is_written || fields.is_empty() {
        return;
    }
    match splice(bytes, &fields) {
        // A character that has to be escaped takes more room than it was counted for.
        Some(with_context) if with_context.len() > bytes.len() + room + FIELD => {
            span.diagnostic(semconv::INJECTION_DROPPED, "no room for the context")
        }
        Some(with_context) => *payload = Some(Blob::new(with_context)),
        None => {
            let why = "the payload is not a JSON object, so it cannot carry the context";
            span.diagnostic(semconv::INJECTION_NOT_POSSIBLE, why)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::w3c::{Baggage, SAMPLED, TraceParent, TraceState};
    use spanbridge::{Context, Memory, Recorder, SpanId, TraceId, observe};

    /// A payload of this size, after a context was packed into it. `rest` is the context's baggage or, if it has quotes, its
    /// tracestate.
    fn packed(size: usize, rest: &str) -> Vec<u8> {
        let recorder = Recorder::builder("test").sink(Memory::new()).build().unwrap();
        let context = recorder.in_scope(|| {
            let (trace_id, span_id) = (TraceId::new(7).unwrap(), SpanId::new(7).unwrap());
            let (baggage, state) = if rest.contains('"') { ("", rest) } else { (rest, "") };
            let (baggage, (_, state, _)) = (Baggage::parse(baggage.as_bytes()).0, TraceState::parse(state.as_bytes()));
            Context::remote(TraceParent { trace_id, span_id, flags: SAMPLED }, None, state, baggage)
        });
        let span = observe::in_scope(&context, || observe::span("call").open());
        let mut payload = Some(Blob::new(format!(r#"{{"x":"{}"}}"#, "x".repeat(size - 8))));
        into_payload(&mut payload, &span);
        span.end();
        payload.unwrap().into_inner()
    }

    #[test]
    fn packing_exceeds_no_limit() {
        let quotes = format!("k={}", r#"""#.repeat(100));
        for limit in LIMITS {
            // No room; room for the traceparent; for everything as counted; and for everything as written.
            for (room, rest, ours) in [
                (0, "k=v", 0),
                (89, "k=v", 0),
                (90, "k=v", 89),
                (90 + 15, "k=v", 89),
                (90 + 16, "k=v", 89 + 16),
                (90 + 16 + 102, &quotes, 0),
                (90 + 16 + 202, &quotes, 89 + 16 + 202),
            ] {
                let size = limit - room;
                assert_eq!(packed(size, rest).len() - size, ours, "{room} bytes below {limit}");
            }
        }
        assert_eq!(packed(LIMITS[2] + 1, "k=v").len(), LIMITS[2] + 1);
    }
}
