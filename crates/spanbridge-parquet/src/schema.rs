//! The schema of the files that this crate writes, and how they are written.

use crate::columns::{COLUMNS, Coding, Column, Number, Text};
use crate::error::Result;
use crate::leaf::leaves_of;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::{ColumnPath, TypePtr};
use std::sync::Arc;

/// The key of the metadata that says in which version of this form a file is.
pub(crate) const FORMAT_KEY: &str = "spanbridge.format";

/// The version that this release writes. Readers take it and all before.
pub(crate) const FORMAT: u32 = 1;

/// Of the runs in a row group, at most so many go into the filter that says which runs are not in it, with at most this share of
/// errors. What fewer need not use is cut off.
const FILTERED_RUNS: u64 = 1 << 18;
const FILTER_ERRORS: f64 = 0.01;

/// Runs and traces of a row group, each once, before they are written as they are.
const DICTIONARY_BYTES: usize = 4 << 20;

const ZSTD_LEVEL: i32 = 3;

const MAP: &str =
    "(MAP) { repeated group key_value { required binary key (STRING); required binary value (STRING); } }";

/// What stands between the name of a column and the end of its line.
fn declared(name: &str, column: Column) -> String {
    let text = |is_required| if is_required { "required" } else { "optional" };
    match column {
        Column::Text(of, _) => {
            let is_required = matches!(of, Text::Segment | Text::Service | Text::Type);
            format!("{} binary {name} (STRING);", text(is_required))
        }
        Column::Number(Number::StartedAt | Number::EndedAt, _) => {
            format!("optional int64 {name} (TIMESTAMP(NANOS,true));")
        }
        Column::Number(Number::DurationNs, _) => format!("optional int64 {name};"),
        Column::Number(of, _) => format!("{} int64 {name} (INTEGER(64,false));", text(of == Number::Seq)),
        Column::Attributes => format!("required group {name} {MAP}"),
        Column::ChangedColumns => {
            format!("required group {name} (LIST) {{ repeated group list {{ required binary element (STRING); }} }}")
        }
        Column::Links => format!(
            "required group {name} (LIST) {{ repeated group list {{ required group element {{ \
             required binary trace_id (STRING); required binary span_id (STRING); \
             required group attributes {MAP} optional binary attribute_types (STRING); }} }} }}"
        ),
    }
}

/// The schema.
pub(crate) fn schema() -> Result<TypePtr> {
    let columns: String = COLUMNS.iter().map(|(name, column)| declared(name, *column)).collect();
    Ok(Arc::new(parse_message_type(&format!("message spanbridge {{ {columns} }}"))?))
}

/// How files are written.
pub(crate) fn properties() -> Result<WriterProperties> {
    let format = KeyValue::new(FORMAT_KEY.to_owned(), FORMAT.to_string());
    let run = || ColumnPath::from("run_id");
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_created_by(concat!("spanbridge version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![format]))
        .set_sorting_columns(Some(sorting()))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_column_bloom_filter_enabled(run(), true)
        .set_column_bloom_filter_fpp(run(), FILTER_ERRORS)
        .set_column_bloom_filter_max_ndv(run(), FILTERED_RUNS);
    for (name, column) in COLUMNS {
        for (below, _) in leaves_of(column) {
            let path = ColumnPath::new(format!("{name}{below}").split('.').map(str::to_owned).collect());
            let coding = coding_of(column, below);
            // Ids and free texts are in no order, and nobody asks for a range of them.
            let statistics = match coding {
                Coding::Dictionary | Coding::Delta if below.is_empty() => EnabledStatistics::Page,
                _ => EnabledStatistics::None,
            };
            properties = properties
                .set_column_dictionary_enabled(path.clone(), coding == Coding::Dictionary)
                .set_column_statistics_enabled(path.clone(), statistics);
            properties = match coding {
                Coding::Dictionary => properties,
                Coding::Plain => properties.set_column_encoding(path, Encoding::PLAIN),
                Coding::Lengths => properties.set_column_encoding(path, Encoding::DELTA_LENGTH_BYTE_ARRAY),
                Coding::Delta => properties.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            };
        }
    }
    Ok(properties.build())
}

fn coding_of(column: Column, below: &str) -> Coding {
    match column {
        Column::Text(_, coding) | Column::Number(_, coding) => coding,
        _ if below.ends_with(".value") => Coding::Lengths,
        _ if below.ends_with("_id") => Coding::Plain,
        _ => Coding::Dictionary,
    }
}

/// The order of the rows of a row group.
fn sorting() -> Vec<SortingColumn> {
    let leaves = COLUMNS.iter().flat_map(|(name, column)| leaves_of(*column).into_iter().map(move |_| name));
    let place = |of: &str| leaves.clone().position(|name| *name == of).unwrap_or_default() as i32;
    let sorted = |column_idx| SortingColumn { column_idx, descending: false, nulls_first: true };
    [place("run_id"), place("segment"), place("seq")].map(sorted).to_vec()
}
