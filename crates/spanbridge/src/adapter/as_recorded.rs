//! A call as a record of it is.

use crate::messaging::{CapturePolicy, PartKind};
use crate::stand_in::OutboundCall;
use std::borrow::Cow;

/// A call as its record is, for [`ask`](super::ask): body and headers as the redaction hook of the policy leaves them. A body for
/// which the hook fails is not compared, nor is such a header.
pub fn as_recorded<'a>(call: OutboundCall<'a>, capture: Option<&'a CapturePolicy>) -> OutboundCall<'a> {
    let Some(capture) = capture else { return call };
    call.map_body(|body| match body {
        Cow::Borrowed(body) => capture.redacted(PartKind::Payload, body),
        Cow::Owned(body) => capture.redacted(PartKind::Payload, &body).map(|left| Cow::Owned(left.into_owned())),
    })
    .map_headers(|name, value, each| {
        if let Some(left) = capture.redacted(PartKind::Header(name), value) {
            each(name, &left)
        }
    })
}
