//! The columns of a file.

/// A column with one text a row, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    RunId,
    TraceId,
    SpanId,
    ParentSpanId,
    Service,
    Type,
    Name,
    Primitive,
    Kind,
    Status,
    Error,
    ErrorType,
    /// One letter for each attribute: see [`value`].
    AttributeTypes,
    Segment,
    RecordId,
    EventId,
    Via,
    SuspensionId,
    ResumptionId,
    PreviousResumptionId,
    RootPrimitive,
    ParentRunId,
    TriggeredBySpanId,
    Reason,
    ArtifactId,
    ArtifactKind,
    ContentType,
    Encoding,
    Hash,
    Preview,
    MutationId,
    Database,
    TableName,
    RowKey,
    Op,
    RowBefore,
    RowAfter,
    Position,
    FromTraceId,
    FromSpanId,
    FromRunId,
    FromArtifactId,
    ToTraceId,
    ToSpanId,
    ToRunId,
    ToArtifactId,
    Message,
}

/// How many columns of texts there are.
pub(crate) const TEXTS: usize = Text::Message as usize + 1;

/// A column with one number a row, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Number {
    Seq,
    /// When it began or happened: nanoseconds since the Unix epoch.
    StartedAt,
    /// When it ended, of records that say only that.
    EndedAt,
    DurationNs,
    SizeBytes,
    Count,
}

/// How many columns of numbers there are.
pub(crate) const NUMBERS: usize = Number::Count as usize + 1;

/// What a column has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Text(Text, Coding),
    Number(Number, Coding),
    /// A map: the attributes, in their order.
    Attributes,
    /// A list of texts: the columns that a mutation wrote.
    ChangedColumns,
    /// A list of structs.
    Links,
}

/// How values are encoded, before they are compressed. `benches/bytes.rs` says what each column takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Each value once, and numbers in their place.
    Dictionary,
    /// As they are.
    Plain,
    /// All lengths, then all texts.
    Lengths,
    /// Numbers, by their differences.
    Delta,
}

use Coding::{Delta, Dictionary, Lengths, Plain};

/// All columns, in their order.
pub(crate) const COLUMNS: [(&str, Column); TEXTS + NUMBERS + 3] = [
    ("run_id", Column::Text(Text::RunId, Dictionary)),
    ("trace_id", Column::Text(Text::TraceId, Dictionary)),
    ("span_id", Column::Text(Text::SpanId, Plain)),
    ("parent_span_id", Column::Text(Text::ParentSpanId, Plain)),
    ("service", Column::Text(Text::Service, Dictionary)),
    ("type", Column::Text(Text::Type, Dictionary)),
    ("name", Column::Text(Text::Name, Dictionary)),
    ("primitive", Column::Text(Text::Primitive, Dictionary)),
    ("kind", Column::Text(Text::Kind, Dictionary)),
    ("status", Column::Text(Text::Status, Dictionary)),
    ("started_at", Column::Number(Number::StartedAt, Delta)),
    ("duration_ns", Column::Number(Number::DurationNs, Delta)),
    ("ended_at", Column::Number(Number::EndedAt, Delta)),
    ("error", Column::Text(Text::Error, Dictionary)),
    ("error_type", Column::Text(Text::ErrorType, Dictionary)),
    ("attributes", Column::Attributes),
    ("attribute_types", Column::Text(Text::AttributeTypes, Dictionary)),
    ("links", Column::Links),
    ("segment", Column::Text(Text::Segment, Dictionary)),
    ("seq", Column::Number(Number::Seq, Delta)),
    ("record_id", Column::Text(Text::RecordId, Lengths)),
    ("event_id", Column::Text(Text::EventId, Lengths)),
    ("message", Column::Text(Text::Message, Dictionary)),
    ("count", Column::Number(Number::Count, Delta)),
    ("via", Column::Text(Text::Via, Dictionary)),
    ("root_primitive", Column::Text(Text::RootPrimitive, Dictionary)),
    ("parent_run_id", Column::Text(Text::ParentRunId, Dictionary)),
    ("triggered_by_span_id", Column::Text(Text::TriggeredBySpanId, Plain)),
    ("suspension_id", Column::Text(Text::SuspensionId, Lengths)),
    ("reason", Column::Text(Text::Reason, Dictionary)),
    ("resumption_id", Column::Text(Text::ResumptionId, Lengths)),
    ("previous_resumption_id", Column::Text(Text::PreviousResumptionId, Lengths)),
    ("artifact_id", Column::Text(Text::ArtifactId, Lengths)),
    ("artifact_kind", Column::Text(Text::ArtifactKind, Dictionary)),
    ("content_type", Column::Text(Text::ContentType, Dictionary)),
    ("encoding", Column::Text(Text::Encoding, Dictionary)),
    ("size_bytes", Column::Number(Number::SizeBytes, Delta)),
    ("hash", Column::Text(Text::Hash, Lengths)),
    ("preview", Column::Text(Text::Preview, Lengths)),
    ("mutation_id", Column::Text(Text::MutationId, Lengths)),
    ("database", Column::Text(Text::Database, Dictionary)),
    ("table_name", Column::Text(Text::TableName, Dictionary)),
    ("row_key", Column::Text(Text::RowKey, Lengths)),
    ("op", Column::Text(Text::Op, Dictionary)),
    ("row_before", Column::Text(Text::RowBefore, Lengths)),
    ("row_after", Column::Text(Text::RowAfter, Lengths)),
    ("changed_columns", Column::ChangedColumns),
    ("position", Column::Text(Text::Position, Lengths)),
    ("from_trace_id", Column::Text(Text::FromTraceId, Dictionary)),
    ("from_span_id", Column::Text(Text::FromSpanId, Plain)),
    ("from_run_id", Column::Text(Text::FromRunId, Dictionary)),
    ("from_artifact_id", Column::Text(Text::FromArtifactId, Lengths)),
    ("to_trace_id", Column::Text(Text::ToTraceId, Dictionary)),
    ("to_span_id", Column::Text(Text::ToSpanId, Plain)),
    ("to_run_id", Column::Text(Text::ToRunId, Dictionary)),
    ("to_artifact_id", Column::Text(Text::ToArtifactId, Lengths)),
];

/// What kind of value an attribute has: a letter in the column `attribute_types`.
pub(crate) mod value {
    pub(crate) const I64: char = 'i';
    pub(crate) const F64: char = 'f';
    pub(crate) const BOOL: char = 'b';
    pub(crate) const STR: char = 's';
    pub(crate) const JSON: char = 'j';
}

/// The name of a column of texts.
pub(crate) fn name_of(text: Text) -> &'static str {
    let found = COLUMNS.iter().find(|(_, column)| matches!(column, Column::Text(of, _) if *of == text));
    found.map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_is_there_once() {
        let mut texts: Vec<_> =
            COLUMNS.iter().filter_map(|(_, c)| matches!(c, Column::Text(..)).then_some(c)).collect();
        let place = |column: &&Column| match column {
            Column::Text(text, _) => *text as usize,
            _ => usize::MAX,
        };
        texts.sort_by_key(place);
        assert!(texts.iter().map(place).eq(0..TEXTS));
        let mut names = COLUMNS.map(|(name, _)| name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        let mut numbers: Vec<_> = COLUMNS
            .iter()
            .filter_map(
                |(_, column)| if let Column::Number(number, _) = column { Some(*number as usize) } else { None },
            )
            .collect();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..NUMBERS));
    }
}
