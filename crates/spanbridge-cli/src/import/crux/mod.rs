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

mod detail;
mod envelope;
mod fields;
mod ids;
mod run;
mod span;
mod values;

pub use fields::Fields;

use envelope::Envelope;
use spanbridge::RunId;
use spanbridge::record::{Body, Record};
use std::collections::HashMap;

/// What became of a record of Crux.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Converted {
    /// It is a record of ours.
    Record {
        /// What it says.
        record: Record<'static>,
        /// What it says beyond that, as attributes of its span or its run.
        more: Option<Record<'static>>,
    },
    /// It resumes a run and does not say from which suspension: that is one of several, or in another part of the input.
    /// [`Suspensions::resolve`] finds it.
    Resumed {
        /// What it says. The suspension is that of its own segment.
        record: Record<'static>,
        /// As for [`Converted::Record`].
        more: Option<Record<'static>>,
    },
    /// Its type is not known here.
    Unknown(String),
}

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

/// The suspensions of the runs of an input: Crux does not name them, and says only sometimes which of them a resume ends.
#[derive(Debug, Default)]
pub struct Suspensions {
    of_runs: HashMap<RunId, Vec<(u64, String)>>,
    len: usize,
}

/// So many suspensions are remembered. A resume that is about another one keeps its own segment's.
const MAX_SUSPENSIONS: usize = 1 << 16;

impl Suspensions {
    /// Remembers a suspension, if the record is one.
    pub fn add(&mut self, record: &Record<'_>) {
        if let (Some(run), Body::RunSuspend(suspend)) = (record.run_id, &record.body)
            && self.len < MAX_SUSPENSIONS
        {
            self.len += 1;
            let of_run = self.of_runs.entry(run).or_default();
            of_run.push((suspend.suspended_at, suspend.suspension_id.clone().into_owned()));
        }
    }

    /// Gives a resume the suspension that it ends: that of its own segment, else the last one of the run before it.
    pub fn resolve(&self, record: &mut Record<'static>) {
        let Body::RunResume(resume) = &mut record.body else { return };
        let Some(of_run) = record.run_id.and_then(|run| self.of_runs.get(&run)) else { return };
        let before = of_run.iter().filter(|(at, _)| *at <= resume.resumed_at);
        if !of_run.iter().any(|(_, id)| *id == resume.suspension_id)
            && let Some((_, last)) = before.max()
        {
            resume.suspension_id = last.clone().into();
        }
    }
}
