//! The names of fields and the kinds of values.

/// What an attribute's value is.
pub mod value {
    /// A signed integer.
    pub const I64: u8 = 1;
    /// A floating-point number.
    pub const F64: u8 = 2;
    /// `true` or `false`.
    pub const BOOL: u8 = 3;
    /// Text.
    pub const STR: u8 = 4;
    /// JSON text.
    pub const JSON: u8 = 5;
}

/// The names of fields.
#[expect(missing_docs, reason = "they are those of the JSON form")]
pub mod field {
    pub const RECORD_ID: &str = "recordId";
    pub const VIA: &str = "via";
    pub const SUSPENSION_ID: &str = "suspensionId";
    pub const RESUMPTION_ID: &str = "legId";
    pub const PREVIOUS_RESUMPTION_ID: &str = "afterLegId";
    pub const ROOT_PRIMITIVE: &str = "rootPrimitive";
    pub const PARENT_RUN_ID: &str = "parentRunId";
    pub const TRIGGERED_BY: &str = "triggeredBySpanId";
    pub const REASON: &str = "reason";
    pub const ERROR: &str = "error";
    pub const ERROR_TYPE: &str = "errorType";
    /// The trace and the span, 48 digits. What belongs to it follows.
    pub const LINK: &str = "link";
    /// The attributes of the link before: the kind of the value, a colon, the key.
    pub const LINK_ATTRIBUTE: &str = "link.";
    pub const EVENT_ID: &str = "eventId";
    pub const ARTIFACT_ID: &str = "artifactId";
    pub const ARTIFACT_KIND: &str = "kind";
    pub const CONTENT_TYPE: &str = "contentType";
    pub const ENCODING: &str = "encoding";
    pub const SIZE_BYTES: &str = "sizeBytes";
    pub const HASH: &str = "hash";
    pub const PREVIEW: &str = "preview";
    pub const MUTATION_ID: &str = "mutationId";
    pub const DATABASE: &str = "database";
    pub const TABLE: &str = "table";
    pub const KEY: &str = "key";
    pub const OP: &str = "op";
    pub const BEFORE: &str = "before";
    pub const AFTER: &str = "after";
    pub const COLUMN: &str = "column";
    pub const COMMITTED_AT: &str = "committedAt";
    pub const POSITION: &str = "position";
    /// The two ends of an edge: the trace and the span, 48 digits; a run; an artifact.
    pub const FROM: [&str; 3] = ["from.span", "from.run", "from.artifact"];
    pub const TO: [&str; 3] = ["to.span", "to.run", "to.artifact"];
    pub const MESSAGE: &str = "message";
    pub const COUNT: &str = "count";
}
