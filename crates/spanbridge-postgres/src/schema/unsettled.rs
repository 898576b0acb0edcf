//! How the tables know of messages without a settlement.
//!
//! The column `run.unsettled` is a list of numbers of 8 bytes: how many messages, then of each when it is due and who received it, the one
//! that is due first in front, and then the receivers that settle messages of several runs with one call.

/// Runs that are ok and have such messages. Whether one of them counts is a matter of the time.
pub(crate) const HAS_MESSAGES: &str = "shown = 0 AND substring(unsettled FROM 1 FOR 8) > '\\x0000000000000000'::bytea";

/// A condition of these runs: a message is due at this time.
pub(crate) fn is_due(now: u64) -> String {
    format!("substring(unsettled FROM 9 FOR 8) <= '\\x{now:016x}'::bytea")
}

/// They are few, and listed with those that failed.
pub(super) fn index() -> String {
    format!("CREATE INDEX IF NOT EXISTS run_unsettled ON run (started_at, run) WHERE {HAS_MESSAGES}")
}

/// The mentions of receivers, from the column.
pub(super) const MENTIONS: &str = "\
INSERT INTO mention (kind, id, run)
    SELECT 's', lpad(encode(substring(unsettled FROM at::int FOR 8), 'hex'), 32, '0')::uuid, run
    FROM (SELECT run, unsettled, ('x' || encode(substring(unsettled FROM 5 FOR 4), 'hex'))::bit(32)::bigint AS messages
        FROM run WHERE unsettled IS NOT NULL) AS r,
        LATERAL generate_series(messages * 16 + 9, octet_length(unsettled)::bigint, 8) AS at
    ON CONFLICT DO NOTHING";
