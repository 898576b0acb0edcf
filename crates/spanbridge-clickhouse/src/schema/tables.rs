//! The statements that make the tables.
//!
//! | table | rows |
//! |---|---|
//! | `record` | one for each record, ordered by run |
//! | `run` | one for each run and 17 seconds in which it has records, once parts are merged: what a list needs to choose. Filled by the view `run_feed` |
//! | `mention` | one for each id of a trace or a run that a run mentions. Filled by the view `mention_feed` |
//! | `shard` | in a cluster: what each shard knows of itself. Says which do not answer |
//! | `spanbridge` | the versions of this schema |
//!
//! In a cluster, these are distributed tables, and the rows are in tables of the same names with `_local` on each shard.

use crate::address::Address;
use crate::row::columns::{COLUMNS, Kind};
use crate::server::Version;
use std::fmt::Write;

/// What the flags of a run say, in the column `run.flags`.
pub(crate) mod flag {
    /// Its start is stored.
    pub(crate) const STARTED: u32 = 1;
    /// Its end is stored.
    pub(crate) const ENDED: u32 = 2;
    /// Its end says that it failed, or a span failed.
    pub(crate) const FAILED: u32 = 4;
    /// Its end says that it was cancelled, or a span was.
    pub(crate) const CANCELLED: u32 = 8;
    pub(crate) const SUSPENDED: u32 = 16;
    /// It has spans that say what became of a message.
    pub(crate) const MESSAGES: u32 = 32;
    /// It has a span below nothing, or below the run.
    pub(crate) const TOP: u32 = 64;
}

/// When a record happened, in nanoseconds since the Unix epoch.
pub(crate) const AT: &str = "bitOr(bitShiftLeft(toUInt64(at_high), 32), toUInt64(at_low))";
const UNTIL: &str = "bitOr(bitShiftLeft(toUInt64(at_high), 32), toUInt64(at_low)) + \
                     bitOr(bitShiftLeft(toUInt64(took_high), 32), toUInt64(took_low))";

/// The statements of the first version, for one node or with `ON CLUSTER`.
pub(crate) fn first_version(address: &Address, version: Version) -> Vec<String> {
    let tables = Tables { address, version };
    let on_cluster = tables.on_cluster();
    let mut statements = vec![
        tables.rows(
            "record",
            &tables.record_columns(),
            "ReplacingMergeTree",
            "version",
            " PARTITION BY day ORDER BY (run, segment, seq, hash)",
        ),
        tables.rows("run", RUN_COLUMNS, "AggregatingMergeTree", "", " ORDER BY (slot, run)"),
        tables.rows("mention", MENTION_COLUMNS, "ReplacingMergeTree", "", " ORDER BY (kind, id, run)"),
        tables.view("run", &run_feed()),
        tables.view("mention", &mention_feed()),
    ];
    if let Some(cluster) = &address.cluster {
        // A table function would ask the first shard for its columns, which may be the one that is missing.
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS shard{on_cluster} (cluster String, shard_num UInt32, is_local UInt8) \
             ENGINE = Distributed(`{cluster}`, system, clusters)"
        ));
        for table in ["record", "run", "mention"] {
            let database = &address.database;
            statements.push(format!(
                "CREATE TABLE IF NOT EXISTS {table}{on_cluster} AS {table}_local \
                 ENGINE = Distributed(`{cluster}`, `{database}`, {table}_local, cityHash64(run))"
            ));
        }
    }
    statements
}

/// `slot` is first, so that later releases can list the newest runs without looking at all.
const RUN_COLUMNS: &str = "slot UInt32, run FixedString(16), flags AggregateFunction(groupBitOr, UInt32), \
     started_at AggregateFunction(min, UInt64), last_start AggregateFunction(max, UInt64), \
     first_at AggregateFunction(min, UInt64), last_at AggregateFunction(max, UInt64), \
     names AggregateFunction(groupUniqArray, String), services AggregateFunction(groupUniqArray, String), \
     parent_run AggregateFunction(max, String)";

const MENTION_COLUMNS: &str = "kind FixedString(1), id FixedString(16), run FixedString(16)";

const NEVER: &str = "toUInt64(18446744073709551615)";
const ZERO_RUN: &str = "unhex('00000000000000000000000000000000')";
const ZERO_SPAN: &str = "unhex('0000000000000000')";

/// Minima, maxima and sets: they are the same however often a record comes.
fn run_feed() -> String {
    let is_top = format!(
        "type IN ('span', 'span:start') AND (parent = {ZERO_SPAN} OR parent = toFixedString(substring(run, 9, 8), 8) \
         OR parent = unhex('0000000000000001'))"
    );
    let bits = [
        (flag::STARTED, "type = 'run:start'".to_owned()),
        (flag::ENDED, "type = 'run:end'".to_owned()),
        (flag::FAILED, "status IN ('error', 'panicked')".to_owned()),
        (flag::CANCELLED, "status = 'cancelled'".to_owned()),
        (flag::SUSPENDED, "type = 'run:suspend'".to_owned()),
        (
            flag::MESSAGES,
            "primitive IN ('messaging.process', 'messaging.settle') OR type = 'span:attributes'".to_owned(),
        ),
        (flag::TOP, is_top.clone()),
    ];
    let flags: Vec<String> = bits.iter().map(|(bit, says)| format!("if({says}, {bit}, 0)")).collect();
    let first = |says: &str| format!("minState(if({says}, {AT}, {NEVER}))");
    format!(
        "SELECT toUInt32(if(near_last > 0, intDiv(toUInt64(near_last) * 1000000000, 17179869184), intDiv(at_high, 4))) AS slot, \
         run, groupBitOrState(toUInt32({})) AS flags, {} AS started_at, \
         maxState(if(type = 'run:start', {AT}, toUInt64(0))) AS last_start, {} AS first_at, \
         maxState(greatest({AT}, {UNTIL})) AS last_at, \
         groupUniqArrayState(if(type = 'run:start' OR ({is_top}), toString(name), '')) AS names, \
         groupUniqArrayState(if(type = 'mutation', '', toString(service))) AS services, \
         maxState(if(type = 'run:start', {PARENT}, '')) AS parent_run \
         FROM record{{local}} WHERE run != {ZERO_RUN} GROUP BY slot, run",
        flags.join(" + "),
        first("type = 'run:start'"),
        first(HAS_TIME),
    )
}

const HAS_TIME: &str =
    "type NOT IN ('run:attributes', 'span:attributes', 'artifact', 'edge', 'diagnostic') AND near_last = 0";

/// The digits of the run that started a run.
const PARENT: &str = "arrayElement(arrayFilter((value, key) -> key = 'parentRunId', `field.value`, `field.key`), 1)";

/// `t` and a trace, `p` and a run, `l` and a linked trace. (No lambda uses a column, which 18.16 does not find here.)
fn mention_feed() -> String {
    let fields = |key: &str| format!("arrayFilter((value, key) -> key = '{key}', `field.value`, `field.key`)");
    let ids = |mark: char, fields: &str| {
        format!("arrayMap(value -> concat('{mark}', unhex(substring(value, 1, 32))), {fields})")
    };
    let links = format!("if(type = 'edge' AND name = 'custom.link', {}, {})", fields("to.span"), fields("link"));
    format!(
        "SELECT toFixedString(substring(arrayJoin(arrayConcat([if(length(trace) = 16, concat('t', trace), '')], {}, {})) \
         AS found, 1, 1), 1) AS kind, toFixedString(substring(found, 2, 16), 16) AS id, run \
         FROM record{{local}} WHERE run != {ZERO_RUN} AND length(found) = 17 \
         AND (kind = 'p' OR substring(found, 2, 16) != toString(run)) \
         AND (kind != 'l' OR substring(found, 2, 16) != trace)",
        ids('p', &fields("parentRunId")),
        ids('l', &links),
    )
}

struct Tables<'a> {
    address: &'a Address,
    version: Version,
}

impl Tables<'_> {
    fn on_cluster(&self) -> String {
        match &self.address.cluster {
            Some(cluster) if self.address.on_cluster => format!(" ON CLUSTER `{cluster}`"),
            _ => String::new(),
        }
    }

    fn local(&self) -> &'static str {
        if self.address.cluster.is_some() { "_local" } else { "" }
    }

    /// A table with rows. Small granules: a run is a few dozen rows.
    fn rows(&self, name: &str, columns: &str, engine: &str, argument: &str, order: &str) -> String {
        let (on_cluster, local) = (self.on_cluster(), self.local());
        let path = format!("'/clickhouse/tables/{{shard}}/{}/{name}', '{{replica}}'", self.address.database);
        let (prefix, arguments) = match (self.address.replicated, argument.is_empty()) {
            (false, _) => ("", argument.to_owned()),
            (true, true) => ("Replicated", path),
            (true, false) => ("Replicated", format!("{path}, {argument}")),
        };
        let window = match self.version.has_tokens() && !self.address.replicated {
            true => ", non_replicated_deduplication_window = 1000",
            false => "",
        };
        format!(
            "CREATE TABLE IF NOT EXISTS {name}{local}{on_cluster} ({columns}) \
             ENGINE = {prefix}{engine}({arguments}){order} SETTINGS index_granularity = 1024{window}"
        )
    }

    fn view(&self, table: &str, select: &str) -> String {
        let (on_cluster, local) = (self.on_cluster(), self.local());
        let select = select.replace("{local}", local);
        format!("CREATE MATERIALIZED VIEW IF NOT EXISTS {table}_feed{on_cluster} TO {table}{local} AS {select}")
    }

    fn record_columns(&self) -> String {
        let codec = if self.version.has_codecs() { " CODEC(ZSTD(1))" } else { "" };
        let mut columns = String::new();
        for (name, kind) in COLUMNS {
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
            let _ = write!(columns, "`{name}` {kind}{codec}, ");
        }
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
