//! Spans of anybody's, as OTLP.

use super::batch::Batch;
use super::form::Form;
use super::limits::{MAX_MADE, MAX_TOLD};
use super::refused::Refused;
use crate::import::is_ours;
use spanbridge::SpanId;
use spanbridge::record::Record;
use spanbridge_otel::otlp::model::{Resource, Scope, Span};
use spanbridge_otel::otlp::{ReadReport, json, protobuf};
use spanbridge_otel::spans::{self, RecordMaker};

/// Looks through a request: how many spans it has in all, and how many of them have ids that are none.
///
/// # Errors
/// It is not what it says it is, or its spans would become too many records.
pub(super) fn check(form: Form, bytes: &[u8]) -> Result<(u64, u64), Refused> {
    let (mut lines, mut made, mut told) = (0, 0, 0);
    let report = read(form, bytes, |resource, scope, span| match span {
        None => lines += spans::lines(scope).count() as u64,
        Some(span) => {
            made += (1 + span.events.len() + span.links.len()) as u64;
            told += spans::told_bytes(resource) as u64;
        }
    });
    let report = report.map_err(|why| Refused::malformed(why.to_string()))?;
    if told > MAX_TOLD {
        let limit = MAX_TOLD >> 20;
        let why = format!("take the request: its resources, for each of their spans, are more than {limit} MiB");
        return Err(Refused::too_large(why));
    }
    if made > MAX_MADE {
        let why = format!("take the request: its spans, events and links are more than {MAX_MADE}");
        return Err(Refused::too_large(why));
    }
    Ok((report.spans + report.rejected + lines, report.rejected))
}

/// Puts the records that are made of the spans of a request into the batch, each under the number of its span.
pub(super) fn push<'j>(request: usize, form: Form, bytes: &'j [u8], batch: &mut Batch<'_, 'j>) -> Result<(), Refused> {
    let (mut number, mut result) = (0, Ok(()));
    let (mut maker, mut of_span) = (RecordMaker::default(), Vec::new());
    let read = read(form, bytes, |resource, scope, span| {
        if result.is_ok() {
            result = match span {
                None => push_lines(request, scope, batch),
                // Its records are there, and say more.
                Some(_) if spans::are_recorded(scope) => Ok(()),
                Some(span) => {
                    number += 1;
                    let (weight, exported) = (span.size(), is_ours(resource).then_some(span.span_id));
                    maker.records(resource, span, |record| of_span.push(record));
                    push_span((request, number), weight, exported, &mut of_span, batch)
                }
            }
        }
    });
    // It was read before.
    read.map_err(|why| Refused::malformed(why.to_string()))?;
    result
}

/// Records of ours, in a file that `spanbridge export` wrote.
fn push_lines(request: usize, scope: &Scope<'_>, batch: &mut Batch<'_, '_>) -> Result<(), Refused> {
    for line in spans::lines(scope) {
        if let Ok(Some(record)) = Record::from_json(line) {
            batch.push(request, 0, line.len(), record.into_owned(), None)?;
        }
    }
    Ok(())
}

/// `weight`: about how many bytes the span has. `exported`: it, if spanbridge may have recorded it.
fn push_span<'j>(
    (request, number): (usize, u64),
    weight: usize,
    exported: Option<SpanId>,
    of_span: &mut Vec<Record<'j>>,
    batch: &mut Batch<'_, 'j>,
) -> Result<(), Refused> {
    batch.outcome(request).read += of_span.len() as u64;
    let each = weight / of_span.len().max(1);
    of_span.drain(..).try_for_each(|record| batch.push(request, number, each, record, exported))
}

pub(super) fn read<'a>(
    form: Form,
    bytes: &'a [u8],
    take: impl FnMut(&Resource<'a>, &Scope<'a>, Option<Span<'a>>),
) -> Result<ReadReport, spanbridge_otel::Error> {
    match form {
        Form::Json => json::read_scopes(bytes, take),
        _ => protobuf::read_scopes(bytes, take),
    }
}
