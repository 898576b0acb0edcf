//! Records of Crux, schema versions 2 to 5, as records of ours (docs/adr/0036).
//!
//! Each record is read alone, so order makes no difference: a child may come before its parent, and an end before its start.
//! What ours have a field for goes there, everything else becomes attributes: nothing that a record says is dropped but what
//! follows from the rest (`durationMs`, the status of something that begins).
//!
//! | of Crux | here |
//! |---|---|
//! | `runId`, `segmentId`, `spanId`, `traceId` | the hexadecimal digits behind the prefix if there are as many as ours have (a UUID's for runs); otherwise a hash of the whole, FNV-1a with as many bits. The text is kept as `crux.runId`, `crux.segmentId`, `crux.spanId` |
//! | `recordId`, `eventId`, `artifactId` | the same texts |
//! | `family`, `primitive`, types of edges | the same; a family that does not follow from the primitive is `crux.family` |
//! | `model`, `provider`, `agentId`, `toolName`, `sessionId`, `userId`, `metrics.inputTokens`, `metrics.outputTokens` | the attribute of OpenTelemetry's conventions |
//! | any other member | the attribute `crux.<member>`; of `metrics`, `crux.metrics.<member>` |
//! | what a record of ours has no attributes for (artifacts, edges, the waits and the end of a run) | a second record: the attribute `crux.<type>.<id>` of the span, or of the run, as JSON |

mod converted;
mod detail;
mod envelope;
mod fields;
mod ids;
mod run;
mod span;
mod suspensions;
mod values;

pub use converted::Converted;
pub use fields::Fields;
pub use suspensions::Suspensions;

use envelope::Envelope;

/// Whether the ids of a record are those of Crux.
pub fn is_record(fields: &Fields<'_>) -> bool {
    let begins = |name: &str, prefix: &str| fields.peek_text(name).is_some_and(|id| id.starts_with(prefix));
    begins("segmentId", "seg_") || begins("recordId", "rec_") || begins("runId", "run_")
}

/// Reads a record.
///
/// # Errors
/// It is none. The text follows "failed to read a record of Crux: ".
pub fn read(mut fields: Fields<'_>) -> Result<Converted, String> {
    let record_type = fields.required_text("type")?;
    let envelope = match record_type.as_str() {
        "run:start" | "run:suspend" | "run:resume" | "run:end" | "span:start" | "span:end" | "span" | "span:event"
        | "artifact" | "edge" => Envelope::read(&mut fields, &record_type)?,
        _ => return Ok(Converted::Unknown(record_type)),
    };
    match record_type.as_str() {
        "run:start" => run::start(envelope, fields),
        "run:suspend" => run::suspend(envelope, fields),
        "run:resume" => run::resume(envelope, fields),
        "run:end" => run::end(envelope, fields),
        "span:start" => span::start(envelope, fields),
        "span:end" => span::end(envelope, fields),
        "span" => span::whole(envelope, fields),
        "span:event" => span::event(envelope, fields),
        "artifact" => detail::artifact(envelope, fields),
        _ => detail::edge(envelope, fields),
    }
}
