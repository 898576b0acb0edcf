//! The statements that make the tables.
//!
//! | table | rows |
//! |---|---|
//! | `record` | one for each record, in partitions by the day of its run |
//! | `run` | one for each run: what lists say, and in which partition its records are |
//! | `shape` | one for each combination of service, type, name, primitive, kind and status |
//! | `mention` | one for each id that a run mentions: `t` another trace, `p` the run that started it, `l` a trace that it links to, `m` the mark of a row of a database that it changed, `s` a receiver that it shows to settle messages of several runs |
//! | `pruned` | one for each run that was removed lately |
//! | `pruning` | at most one: how far runs were removed |
//! | `spanbridge` | the versions of this schema |
//!
//! Widths go down from left to right, because a value begins at a multiple of its width.

use super::{prune, unsettled};

/// All statements of this version.
pub(super) fn all(version: i32) -> String {
    format!("{TABLES}; {VIEWS}; {}; {}; INSERT INTO spanbridge VALUES ({version})", prune::all(), unsettled::index())
}

/// What makes tables of the first version those of this one.
pub(super) fn from_first(version: i32) -> String {
    format!("DROP FUNCTION prune(date); {}; {}", prune::all(), from_second(version))
}

/// What makes tables of the second version those of this one.
pub(super) fn from_second(version: i32) -> String {
    format!(
        "{}; {}; {}; INSERT INTO spanbridge VALUES ({version})",
        prune::rest(),
        unsettled::index(),
        unsettled::MENTIONS
    )
}

/// A run that is not in the index of current ones is in that of others, which is short.
const TABLES: &str = "\
CREATE TABLE spanbridge (version int PRIMARY KEY);
CREATE TABLE shape (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, digest uuid NOT NULL UNIQUE, service text NOT NULL, type text NOT NULL,
    name text NOT NULL, primitive text NOT NULL, kind text NOT NULL, status text NOT NULL, exact bytea);
CREATE TABLE record (
    run uuid NOT NULL, id bigint NOT NULL, tx bigint NOT NULL, segment bigint NOT NULL, seq bigint NOT NULL, at bigint, took bigint,
    span bigint, parent bigint, near_first bigint, near_last bigint, day date NOT NULL, shape int NOT NULL, flags smallint NOT NULL,
    trace uuid, attributes json, fields json, exact bytea, PRIMARY KEY (run, id, day)) PARTITION BY RANGE (day);
CREATE INDEX record_span ON record (span) WHERE flags & 4 <> 0;
CREATE INDEX record_tx ON record (tx);
CREATE TABLE record_of_no_run PARTITION OF record FOR VALUES FROM (MINVALUE) TO ('2000-01-01');
CREATE TABLE run (
    run uuid PRIMARY KEY, records bigint NOT NULL, folded bigint NOT NULL, last_at bigint NOT NULL, started_at bigint NOT NULL,
    ended_at bigint, spans bigint NOT NULL, errors bigint NOT NULL, day date NOT NULL, shown smallint NOT NULL,
    status smallint NOT NULL, failed smallint NOT NULL, dead_lettered smallint NOT NULL, recovered smallint NOT NULL,
    is_current boolean NOT NULL, parent uuid, name text NOT NULL, services text[] NOT NULL, unsettled bytea);
CREATE INDEX run_started ON run (started_at, run);
CREATE INDEX run_shown ON run (shown, started_at, run) WHERE shown <> 0;
CREATE INDEX run_not_current ON run (run) WHERE NOT is_current;
CREATE INDEX run_day ON run (day, last_at);
CREATE TABLE mention (kind \"char\" NOT NULL, id uuid NOT NULL, run uuid NOT NULL, PRIMARY KEY (id, kind, run))";

/// For people and their tools: nothing of ours reads these.
const VIEWS: &str = "\
CREATE VIEW spans AS SELECT encode(uuid_send(r.run), 'hex') AS run_id, encode(uuid_send(coalesce(r.trace, r.run)), 'hex') AS trace_id,
    encode(int8send(r.span), 'hex') AS span_id, encode(int8send(r.parent), 'hex') AS parent_span_id, s.service, s.name, s.primitive,
    s.kind, s.status, to_timestamp(r.at / 1e9) AS started_at, coalesce(r.took, 0) / 1e6 AS ms, r.attributes,
    r.fields ->> 'error' AS error, r.day
    FROM record r JOIN shape s ON s.id = r.shape WHERE s.type IN ('span', 'span:start');
CREATE VIEW runs AS SELECT encode(uuid_send(run), 'hex') AS run_id, name, services,
    (ARRAY['ok', 'error', 'cancelled', 'suspended', 'open', 'conflicted'])[status + 1] AS status, spans, errors,
    failed + dead_lettered AS failed_work, to_timestamp(started_at / 1e9) AS started_at, (ended_at - started_at) / 1e6 AS ms,
    encode(uuid_send(parent), 'hex') AS parent_run_id, is_current FROM run";
