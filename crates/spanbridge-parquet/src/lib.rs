//! Keeps spanbridge records in Parquet files, for lakes, DuckDB and everything else that reads them, and takes them back as they were.
//!
//! ```no_run
//! use spanbridge_parquet::Writer;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let records: Vec<spanbridge::record::Record<'static>> = Vec::new();
//! let mut writer = Writer::new(std::fs::File::create("spans.parquet")?)?;
//! for record in &records {
//!     writer.write(record.view())?;
//! }
//! writer.finish()?;
//! # Ok(()) }
//! ```
//!
//! Each record is a row; its `type` is that of [records as JSON](spanbridge::record). Ids are texts, with the digits that everything
//! else shows. Columns that a type does not have are null, and take next to no place.
//!
//! | columns | what they have |
//! |---|---|
//! | `run_id`, `trace_id`, `span_id`, `parent_span_id` | ids |
//! | `service`, `type`, `name`, `primitive`, `kind`, `status`, `error`, `error_type` | as in JSON. The name of an edge is its type, that of a diagnostic its code |
//! | `started_at` | when it began or happened: UTC, in nanoseconds |
//! | `duration_ns` | how long a span took that began and ended in one record (`span`) |
//! | `ended_at` | when it ended, of `span:end` and `run:end` |
//! | `attributes` | a map of texts. If a key repeats, its last value counts |
//! | `attribute_types` | a letter for each attribute, in their order: `s` text, `i` integer, `f` float, `b` truth value, `j` JSON |
//! | `links` | a list of `trace_id`, `span_id`, `attributes`, `attribute_types` |
//! | `segment`, `seq`, `record_id` | who recorded it, and which of its records it is |
//! | all others | what one type of record has: events, artifacts, mutations, edges, suspensions |
//!
//! Rows of a row group are ordered by `run_id`, `segment` and `seq`, and say so. A filter (split-block Bloom) for `run_id` lets readers
//! pass over row groups. The metadata of the file has its version, `spanbridge.format`.
//!
//! Times after 2262, which a timestamp cannot hold, come out before 1970, and are read back right.
//!
//! The layers, lowest first: `columns` says what there is, `row` is about records, `leaf` about columns in a file, `schema`, `group` and
//! `writer` write, `reader` reads.

mod columns;
mod error;
mod group;
mod leaf;
mod reader;
mod row;
mod schema;
mod writer;

pub use error::{Error, ErrorKind};
pub use reader::{Batch, Lost, Reader, RowRead};
pub use writer::Writer;
