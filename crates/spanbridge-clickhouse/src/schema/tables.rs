//! The statements that make the tables.
//!
//! | table | rows |
//! |---|---|
//! | `record` | one for each record, ordered by run |
//! | `summary` | one for each run, once parts are merged: what a list needs to choose. Filled by the view `summary_feed` |
//! | `active` | one for each run and 17 seconds in which it has records. A run began in one of these. Filled by `active_feed` |
//! | `mention` | one for each id of a trace or a run that a run mentions, filled by `mention_feed`; for each receiver that a run may show to settle messages of several runs, filled by `settler_feed`; and for each mark of a row that a run changed, inserted beside the records |
//! | `pruned` | one for each run that was removed lately, with the first day that stayed then |
//! | `horizon` | how far runs are removed: the first day that stays, up to where that is finished, and the time up to which changes of rows are forgotten. Of each, the largest counts. The same on each node |
//! | `shard` | in a cluster: what each shard knows of itself. Says which do not answer |
//! | `spanbridge` | the versions of this schema |
//!
//! In a cluster, these are distributed tables, and the rows are in tables of the same names with `_local` on each shard.

use super::feeds::{self, AT};
use super::settlers::settlers;
use crate::address::Address;
use crate::client::quoted;
use crate::identifier::identifier;
use crate::row::columns::{COLUMNS, Kind};
use crate::server::Version;
use std::fmt::Write;

/// The tables with rows of runs.
pub(super) const ROWS: [&str; 5] = ["record", "summary", "active", "mention", "pruned"];

/// The statements that make what is missing, for one node or with `ON CLUSTER`.
pub(super) fn all(address: &Address, version: Version) -> Vec<String> {
    let tables = Tables { address, version };
    let on_cluster = address.on_cluster();
    let mut statements = vec![
        tables.rows(
            "record",
            &tables.record_columns(),
            "ReplacingMergeTree",
            "version",
            " PARTITION BY day ORDER BY (run, segment, seq, hash)",
        ),
        tables.rows("summary", SUMMARY_COLUMNS, "AggregatingMergeTree", "", " ORDER BY run"),
        tables.rows("active", ACTIVE_COLUMNS, "ReplacingMergeTree", "late", " ORDER BY (slot, run)"),
        tables.rows("mention", MENTION_COLUMNS, "ReplacingMergeTree", "", " ORDER BY (kind, id, run)"),
        tables.rows("pruned", PRUNED_COLUMNS, "ReplacingMergeTree", "before", " ORDER BY run"),
        format!(
            "CREATE TABLE IF NOT EXISTS horizon{on_cluster} (before UInt16, finished UInt16, forgotten UInt64) \
             ENGINE = ReplacingMergeTree ORDER BY (before, finished, forgotten)"
        ),
        tables.view("summary_feed", "summary", &feeds::summary()),
        tables.view("active_feed", "active", &feeds::active()),
        tables.view("mention_feed", "mention", &feeds::mention()),
        tables.view("settler_feed", "mention", &settlers()),
    ];
    if let Some(cluster) = address.cluster.as_deref().map(identifier) {
        // A table function would ask the first shard for its columns, which may be the one that is missing.
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS shard{on_cluster} (cluster String, shard_num UInt32, is_local UInt8) \
             ENGINE = Distributed({cluster}, system, clusters)"
        ));
        for table in ROWS {
            let database = identifier(&address.database);
            statements.push(format!(
                "CREATE TABLE IF NOT EXISTS {table}{on_cluster} AS {table}_local \
                 ENGINE = Distributed({cluster}, {database}, {table}_local, cityHash64(run))"
            ));
        }
    }
    statements
}

const SUMMARY_COLUMNS: &str = "run FixedString(16), flags AggregateFunction(groupBitOr, UInt64), \
     began AggregateFunction(min, UInt64), first AggregateFunction(min, UInt32), last AggregateFunction(max, UInt32), \
     days AggregateFunction(groupUniqArray, UInt16), names AggregateFunction(groupUniqArrayArray, Array(String)), \
     services AggregateFunction(groupUniqArrayArray, Array(String)), \
     parents AggregateFunction(groupUniqArrayArray, Array(String)), \
     messages AggregateFunction(groupUniqArrayArray, Array(UInt64))";

const ACTIVE_COLUMNS: &str = "slot UInt32, run FixedString(16), late UInt16";

const MENTION_COLUMNS: &str = "kind FixedString(1), id FixedString(16), run FixedString(16)";

const PRUNED_COLUMNS: &str = "run FixedString(16), before UInt16";

const DEFAULT_CODEC: &str = "default_compression_codec = 'ZSTD(1)'";

/// How a column of `record` is packed by servers that know codecs.
fn codec(name: &str) -> &'static str {
    match name {
        // Nothing makes it smaller.
        "hash" => "NONE",
        "seq" | "at_high" => "T64, ZSTD(1)",
        // A third of all bytes.
        "attribute.value" => "ZSTD(3)",
        _ => "ZSTD(1)",
    }
}

/// What makes tables of the first version those of the second. What is stored is packed anew as it is merged.
pub(super) fn second_version(address: &Address, version: Version) -> Vec<String> {
    let tables = Tables { address, version };
    let (on_cluster, local) = (address.on_cluster(), tables.local());
    let alter = |table: &str, change: String| format!("ALTER TABLE {table}{local}{on_cluster} {change}");
    let mut statements = Vec::new();
    if version.has_codecs() {
        let columns = COLUMNS.iter().filter(|(name, _)| codec(name) != codec(""));
        let changes = columns.map(|(name, kind)| format!("MODIFY COLUMN {}", tables.column(name, *kind)));
        statements.push(alter("record", changes.collect::<Vec<_>>().join(", ")));
    }
    if version.has_default_codec() {
        statements.extend(["record", "mention"].map(|table| alter(table, format!("MODIFY SETTING {DEFAULT_CODEC}"))));
    }
    statements
}

struct Tables<'a> {
    address: &'a Address,
    version: Version,
}

impl Tables<'_> {
    fn local(&self) -> &'static str {
        if self.address.cluster.is_some() { "_local" } else { "" }
    }

    /// A table with rows. Small granules: a run is a few dozen rows.
    fn rows(&self, name: &str, columns: &str, engine: &str, argument: &str, order: &str) -> String {
        let (on_cluster, local) = (self.address.on_cluster(), self.local());
        let path = quoted(&format!("/clickhouse/tables/{{shard}}/{}/{name}", self.address.database)) + ", '{replica}'";
        let (prefix, arguments) = match (self.address.replicated, argument.is_empty()) {
            (false, _) => ("", argument.to_owned()),
            (true, true) => ("Replicated", path),
            (true, false) => ("Replicated", format!("{path}, {argument}")),
        };
        let mut settings = "index_granularity = 1024".to_owned();
        if self.version.has_tokens() && !self.address.replicated {
            settings.push_str(", non_replicated_deduplication_window = 1000");
        }
        if self.version.has_default_codec() {
            let _ = write!(settings, ", {DEFAULT_CODEC}");
        }
        format!(
            "CREATE TABLE IF NOT EXISTS {name}{local}{on_cluster} ({columns}) \
             ENGINE = {prefix}{engine}({arguments}){order} SETTINGS {settings}"
        )
    }

    fn view(&self, name: &str, table: &str, select: &str) -> String {
        let (on_cluster, local) = (self.address.on_cluster(), self.local());
        let select = select.replace("{local}", local).replace("{some}", "");
        format!("CREATE MATERIALIZED VIEW IF NOT EXISTS {name}{on_cluster} TO {table}{local} AS {select}")
    }

    /// The type of a column, and how it is packed.
    fn column(&self, name: &str, kind: Kind) -> String {
        let codec = if self.version.has_codecs() { format!(" CODEC({})", codec(name)) } else { String::new() };
        let kind = match kind {
            Kind::Fixed(bytes) => format!("FixedString({bytes})"),
            Kind::Date => "Date".to_owned(),
            Kind::U8 => "UInt8".to_owned(),
            Kind::U32 => "UInt32".to_owned(),
            Kind::U64 => "UInt64".to_owned(),
            Kind::Text => "String".to_owned(),
            Kind::Word => "LowCardinality(String)".to_owned(),
            // Servers of 18.16 cannot send each other lists of these.
            Kind::Words if self.version.asks_for_low_cardinality() => "Array(String)".to_owned(),
            Kind::Words => "Array(LowCardinality(String))".to_owned(),
            Kind::Texts => "Array(String)".to_owned(),
            Kind::U8s => "Array(UInt8)".to_owned(),
        };
        format!("`{name}` {kind}{codec}")
    }

    fn record_columns(&self) -> String {
        let mut columns: String = COLUMNS.map(|(name, kind)| self.column(name, kind) + ", ").concat();
        // For people: nothing of ours reads these.
        let _ = write!(
            columns,
            "time DateTime ALIAS toDateTime(intDiv({AT}, 1000000000)), at UInt64 ALIAS {AT}, \
             took UInt64 ALIAS bitOr(bitShiftLeft(toUInt64(took_high), 32), toUInt64(took_low)), \
             run_id String ALIAS lower(hex(run)), span_id String ALIAS lower(hex(span)), \
             parent_span_id String ALIAS lower(hex(parent)), segment_id String ALIAS lower(hex(segment)), \
             trace_id String ALIAS lower(hex(if(length(trace) = 16, toFixedString(trace, 16), run))), \
             error String ALIAS arrayElement(arrayFilter((value, key) -> key = 'error', `field.value`, `field.key`), 1)"
        );
        columns
    }
}
