//! Calls of functions.

use super::failure::Failure;
use super::open::{Entries, Open, Packing, room};
use super::operation::Operation;
use crate::carrier::ClientContext;
use crate::describe;
use aws_sdk_lambda::config::Region;
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeInput, InvokeOutput};
use aws_sdk_lambda::operation::invoke_with_response_stream::{
    InvokeWithResponseStreamError, InvokeWithResponseStreamInput, InvokeWithResponseStreamOutput,
};
use aws_sdk_lambda::primitives::Blob;
use spanbridge::carrier::{Budget, Outgoing, inject_within, outgoing};
use spanbridge::messaging::Handoff;
use spanbridge::payload::{HiddenFields, splice, take};
use spanbridge::semconv;

const EVENT: &str = "Event";
const DRY_RUN: &str = "DryRun";

#[derive(Debug)]
pub(super) struct Invoke;

impl Operation for Invoke {
    type Input = InvokeInput;
    type Output = InvokeOutput;
    type Error = InvokeError;
    const TAKES_XRAY: bool = true;

    fn open(input: &InvokeInput) -> Open {
        open("Invoke", input.function_name(), input.invocation_type().map(|t| t.as_str()))
    }

    fn pack(input: &mut InvokeInput, packing: &mut Packing<'_>) {
        let kind = input.invocation_type.as_ref().map(|t| t.as_str());
        tell_region(input.function_name.as_deref(), packing);
        pack(kind, &mut input.client_context, &mut input.payload, packing)
    }

    fn answered(output: &InvokeOutput, call: Open, _: Entries) {
        match &output.function_error {
            None => call.ended(),
            Some(error) => {
                let body = output.payload.as_ref().map(Blob::as_ref).unwrap_or_default();
                call.failed(&Failure::of_function(body, error))
            }
        }
    }
}

#[derive(Debug)]
pub(super) struct InvokeWithResponseStream;

impl Operation for InvokeWithResponseStream {
    type Input = InvokeWithResponseStreamInput;
    type Output = InvokeWithResponseStreamOutput;
    type Error = InvokeWithResponseStreamError;
    const STREAMS: bool = true;
    const TAKES_XRAY: bool = true;

    fn open(input: &InvokeWithResponseStreamInput) -> Open {
        let kind = input.invocation_type().map(|t| t.as_str());
        open("InvokeWithResponseStream", input.function_name(), kind)
    }

    fn pack(input: &mut InvokeWithResponseStreamInput, packing: &mut Packing<'_>) {
        let kind = input.invocation_type.as_ref().map(|t| t.as_str());
        tell_region(input.function_name.as_deref(), packing);
        pack(kind, &mut input.client_context, &mut input.payload, packing)
    }

    fn answered(_: &InvokeWithResponseStreamOutput, call: Open, _: Entries) {
        call.ended()
    }
}

pub(super) fn open(operation: &'static str, function: Option<&str>, kind: Option<&str>) -> Open {
    let span = describe::invoke(function.unwrap_or_default(), None, operation);
    let span = match kind {
        Some(kind @ (EVENT | DRY_RUN)) => span.attribute(semconv::FUNCTION_INVOCATION_TYPE, kind),
        _ => span,
    };
    let span = span.open();
    if kind == Some(EVENT) { Open::HandedOff(Handoff::new(span)) } else { Open::Answered(span) }
}

/// The client's region is that of the function, unless its name says another.
fn tell_region(function: Option<&str>, packing: &Packing<'_>) {
    let is_arn = function.is_some_and(|name| name.starts_with("arn:"));
    if let Some(region) = packing.config.load::<Region>().filter(|_| !is_arn) {
        packing.span.attribute(semconv::FAAS_INVOKED_REGION, region.as_ref())
    }
}

fn pack(kind: Option<&str>, client_context: &mut Option<String>, payload: &mut Option<Blob>, packing: &Packing<'_>) {
    match kind {
        _ if packing.span.context().is_empty() => {}
        // Nothing runs.
        Some(DRY_RUN) => {}
        Some(EVENT) => into_payload(payload, packing),
        _ if packing.in_payload => into_payload(payload, packing),
        _ => into_client_context(client_context, packing),
    }
}

fn into_client_context(client_context: &mut Option<String>, packing: &Packing<'_>) {
    let mut users = match client_context.as_deref().map(ClientContext::read) {
        None => ClientContext::default(),
        Some(Ok(users)) => users,
        Some(Err(problem)) => return packing.span.diagnostic("inject.not_possible", &problem.to_string()),
    };
    match outgoing(packing.span.context(), &users) {
        Outgoing::Keep(theirs) => packing.span.link(&theirs),
        Outgoing::Write => {
            packing.left_out(users.inject(packing.span.context()));
            *client_context = users.encode()
        }
    }
}

/// The most that a payload may be, in bytes: of an asynchronous call in former times and today, and of one that waits.
const LIMITS: [usize; 3] = [256 * 1024, 1024 * 1024, 6 * 1024 * 1024];
/// What the hidden field costs beside the headers in it, and what each of those costs beside its name and value.
const FIELD: usize = r#""__spanbridge":{},"#.len();
const HEADER: usize = r#""":"","#.len();

fn into_payload(payload: &mut Option<Blob>, packing: &Packing<'_>) {
    let span = packing.span;
    // A function that gets no payload is given an empty object.
    let bytes = payload.as_ref().map_or(&b"{}"[..], Blob::as_ref);
    let there = take(bytes).fields;
    if let Some(Outgoing::Keep(theirs)) = there.map(|fields| outgoing(span.context(), &fields)) {
        return span.link(&theirs);
    }
    let room = room(&LIMITS, bytes.len()).saturating_sub(FIELD);
    let mut fields = HiddenFields::default();
    let budget = Budget { bytes: room, per_header: HEADER, headers: usize::MAX };
    packing.left_out(inject_within(span.context(), budget, &mut fields));
    if fields.traceparent.is_empty() {
        return;
    }
    match splice(bytes, &fields) {
        Some(with_context) => *payload = Some(Blob::new(with_context)),
        None => span.diagnostic("inject.not_possible", "the payload is not a JSON object, so it carries no context"),
    }
}
