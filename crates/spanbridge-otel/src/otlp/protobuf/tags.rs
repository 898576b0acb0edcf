//! The numbers of the fields, from the protocol's `.proto` files, and their tags on the wire.

pub(super) const FIXED32: u32 = 5;

pub(super) const fn varint_tag(field: u32) -> u8 {
    (field << 3) as u8
}

pub(super) const fn fixed64_tag(field: u32) -> u8 {
    (field << 3 | 1) as u8
}

pub(super) const fn length_tag(field: u32) -> u8 {
    (field << 3 | 2) as u8
}

/// `ExportTraceServiceRequest`, and `TracesData`, which is the same on the wire.
pub(super) mod request {
    pub(in super::super) const RESOURCE_SPANS: u32 = 1;
}

pub(super) mod resource_spans {
    pub(in super::super) const RESOURCE: u32 = 1;
    pub(in super::super) const SCOPE_SPANS: u32 = 2;
}

pub(super) mod resource {
    pub(in super::super) const ATTRIBUTES: u32 = 1;
}

pub(super) mod scope_spans {
    pub(in super::super) const SCOPE: u32 = 1;
    pub(in super::super) const SPANS: u32 = 2;
}

pub(super) mod scope {
    pub(in super::super) const NAME: u32 = 1;
    pub(in super::super) const VERSION: u32 = 2;
    pub(in super::super) const ATTRIBUTES: u32 = 3;
}

pub(super) mod span {
    pub(in super::super) const TRACE_ID: u32 = 1;
    pub(in super::super) const SPAN_ID: u32 = 2;
    pub(in super::super) const TRACE_STATE: u32 = 3;
    pub(in super::super) const PARENT_SPAN_ID: u32 = 4;
    pub(in super::super) const NAME: u32 = 5;
    pub(in super::super) const KIND: u32 = 6;
    pub(in super::super) const START: u32 = 7;
    pub(in super::super) const END: u32 = 8;
    pub(in super::super) const ATTRIBUTES: u32 = 9;
    pub(in super::super) const DROPPED_ATTRIBUTES: u32 = 10;
    pub(in super::super) const EVENTS: u32 = 11;
    pub(in super::super) const DROPPED_EVENTS: u32 = 12;
    pub(in super::super) const LINKS: u32 = 13;
    pub(in super::super) const DROPPED_LINKS: u32 = 14;
    pub(in super::super) const STATUS: u32 = 15;
    pub(in super::super) const FLAGS: u32 = 16;
}

pub(super) mod event {
    pub(in super::super) const TIME: u32 = 1;
    pub(in super::super) const NAME: u32 = 2;
    pub(in super::super) const ATTRIBUTES: u32 = 3;
    pub(in super::super) const DROPPED_ATTRIBUTES: u32 = 4;
}

pub(super) mod link {
    pub(in super::super) const TRACE_ID: u32 = 1;
    pub(in super::super) const SPAN_ID: u32 = 2;
    pub(in super::super) const TRACE_STATE: u32 = 3;
    pub(in super::super) const ATTRIBUTES: u32 = 4;
    pub(in super::super) const DROPPED_ATTRIBUTES: u32 = 5;
    pub(in super::super) const FLAGS: u32 = 6;
}

pub(super) mod status {
    pub(in super::super) const MESSAGE: u32 = 2;
    pub(in super::super) const CODE: u32 = 3;
}

pub(super) mod key_value {
    pub(in super::super) const KEY: u32 = 1;
    pub(in super::super) const VALUE: u32 = 2;
}

pub(super) mod any_value {
    pub(in super::super) const STRING: u32 = 1;
    pub(in super::super) const BOOL: u32 = 2;
    pub(in super::super) const INT: u32 = 3;
    pub(in super::super) const DOUBLE: u32 = 4;
    pub(in super::super) const ARRAY: u32 = 5;
    pub(in super::super) const MAP: u32 = 6;
    pub(in super::super) const BYTES: u32 = 7;
}

/// `ArrayValue` and `KeyValueList`.
pub(super) mod list {
    pub(in super::super) const VALUES: u32 = 1;
}

/// `ExportTraceServiceResponse`.
pub(super) mod response {
    pub(in super::super) const PARTIAL_SUCCESS: u32 = 1;
}

/// `ExportTracePartialSuccess`.
pub(super) mod partial_success {
    pub(in super::super) const REJECTED_SPANS: u32 = 1;
    pub(in super::super) const ERROR_MESSAGE: u32 = 2;
}

/// `google.rpc.Status`.
pub(super) mod rpc_status {
    pub(in super::super) const CODE: u32 = 1;
    pub(in super::super) const MESSAGE: u32 = 2;
}
