//! What comes beside an event.

use lambda_runtime::Context;
use serde::Serialize;
use spanbridge::adapter::Properties;
use spanbridge::messaging::PartKind;

/// Writes what is needed beside the event to make the same invocation again, in the shapes of `docs/conventions.md`.
pub(crate) fn properties(context: &Context, to: &mut Properties<'_>) {
    to.member("transport").fixed("lambda");
    to.member("context").object(|to| {
        to.member("requestId").fixed(&context.request_id);
        to.member("deadline").number(context.deadline);
        to.member("invokedFunctionArn").fixed(&context.invoked_function_arn);
        if let Some(trace) = &context.xray_trace_id {
            to.member("xrayTraceId").fixed(trace)
        }
        json(to, "clientContext", context.client_context.as_ref());
        json(to, "identity", context.identity.as_ref());
        if let Some(tenant) = &context.tenant_id {
            to.member("tenantId").text(PartKind::Header("tenantId"), tenant.as_bytes())
        }
    })
}

fn json(to: &mut Properties<'_>, name: &str, value: Option<&impl Serialize>) {
    if let Some(json) = value.and_then(|value| serde_json::to_string(value).ok()) {
        to.member(name).json(PartKind::Header(name), &json)
    }
}
