//! Removing old runs: a day in each transaction, by the functions of the schema.

use crate::error::{Error, ErrorKind, Result};
use crate::schema::FIRST;
use crate::session::{Pool, Session, Uuid};
use crate::transaction::Transaction;
use spanbridge::RunId;
use spanbridge_query::engine::{Old, Removed};

const DOING: &str = "remove old runs";

/// What all tables take. A partition is a table, too.
const BYTES: &str = "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class \
                     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'm')";

/// Runs that are old, by the parameters 1, a time, and 2, the runs that stay.
const GONE: &str = "last_at < $1 AND day < to_timestamp($1 / 1e9) AT TIME ZONE 'UTC' \
                    AND NOT EXISTS (SELECT FROM unnest($2::uuid[]) kept WHERE kept = run)";

pub(super) fn prune(pool: &Pool, old: &Old, after_step: &mut dyn FnMut(&Removed) -> bool) -> Result<Removed> {
    let too_late = || Error::new(ErrorKind::Refused, format!("{DOING}: there is no such day"));
    let before = i64::try_from(old.first_day()).ok().and_then(|day| i32::try_from(day - i64::from(FIRST)).ok());
    let (before, until) = before.zip(i64::try_from(old.before).ok()).ok_or_else(too_late)?;
    let keep: Vec<Uuid> = old.keep.iter().map(|run| Uuid(run.get())).collect();
    let session = pool.session()?;
    let bytes = |session: &Session<'_>| session.value::<i64>(DOING, BYTES, &[]).map(|bytes| bytes as u64);
    let had = bytes(&session)?;
    let kept = format!("SELECT run FROM run WHERE {} ORDER BY run", GONE.replace("NOT EXISTS", "EXISTS"));
    let mut removed = Removed::default();
    removed.bytes_left = had;
    for row in session.query(DOING, &kept, &[&until, &keep])? {
        let run: Uuid = row.try_get(0).map_err(|error| session.failed(DOING, &error))?;
        removed.kept.extend(RunId::new(run.0));
    }
    let days = format!(
        "SELECT day - date '2000-01-01', count(*), coalesce(sum(spans), 0)::bigint, coalesce(sum(records), 0)::bigint \
         FROM run WHERE {GONE} GROUP BY day ORDER BY day"
    );
    let days = session.query(DOING, &days, &[&until, &keep])?;
    if !old.dry_run {
        // From here on, nothing is stored any more that would be half of a run.
        session.execute(DOING, "SELECT prune_from(date '2000-01-01' + $1::int)", &[&before])?;
    }
    drop(session);
    for row in days {
        let session = pool.session()?;
        let number = |at: usize| row.try_get::<_, i64>(at);
        let read = || Ok((row.try_get(0)?, number(1)?, number(2)?, number(3)?));
        let (day, runs, spans, records) = read().map_err(|error| session.failed(DOING, &error))?;
        let (runs, spans, left) = match old.dry_run {
            true => (runs, spans, removed.bytes_left.saturating_sub(share(&session, day, records)?)),
            false => {
                let transaction = Transaction::begin(session, "BEGIN")?;
                let query =
                    "SELECT runs, spans FROM prune_day(date '2000-01-01' + $1::int, date '2000-01-01' + $2::int, $3)";
                let done = transaction.query(DOING, query, &[&day, &before, &keep])?;
                let read = || done.first().map_or(Ok((0, 0)), |row| Ok((row.try_get(0)?, row.try_get::<_, i64>(1)?)));
                let (runs, spans) = read().map_err(|error| transaction.failed(DOING, &error))?;
                transaction.commit()?;
                (runs, spans, bytes(&pool.session()?)?)
            }
        };
        removed.runs += runs as u64;
        removed.spans += spans as u64;
        (removed.bytes, removed.bytes_left) = (had.saturating_sub(left), left);
        if !old.dry_run && !after_step(&removed) {
            return Ok(removed);
        }
    }
    if !old.dry_run {
        let transaction = Transaction::begin(pool.session()?, "BEGIN")?;
        transaction.execute(DOING, "SELECT prune_rest(date '2000-01-01' + $1::int)", &[&before])?;
        transaction.commit()?;
    }
    Ok(removed)
}

/// About how many bytes these records of a day take.
fn share(session: &Session<'_>, day: i32, records: i64) -> Result<u64> {
    let query = "SELECT coalesce((pg_total_relation_size(to_regclass('record_' || to_char(date '2000-01-01' + $1::int, 'YYYYMMDD'))) \
                 * least($2::bigint / nullif((SELECT sum(records) FROM run WHERE day = date '2000-01-01' + $1::int), 0), 1))::bigint, 0)";
    session.value::<i64>(DOING, query, &[&day, &records]).map(|bytes| bytes as u64)
}

/// Whether the tables know what was removed. Those of the first version do not.
fn knows(session: &Session<'_>) -> Result<bool> {
    session.value(DOING, "SELECT to_regclass('pruned') IS NOT NULL", &[])
}

/// Which of these runs were removed.
pub(super) fn pruned(session: &Session<'_>, runs: &[RunId]) -> Result<Vec<RunId>> {
    if runs.is_empty() || !knows(session)? {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = runs.iter().map(|run| Uuid(run.get())).collect();
    let query = "SELECT run FROM pruned WHERE run = ANY($1)";
    let mut found = Vec::new();
    for row in session.query(DOING, query, &[&ids])? {
        let run: Uuid = row.try_get(0).map_err(|error| session.failed(DOING, &error))?;
        found.extend(RunId::new(run.0));
    }
    Ok(found)
}

/// The time up to which changes of rows were removed.
pub(super) fn changes_forgotten(session: &Session<'_>) -> Result<Option<u64>> {
    if !knows(session)? {
        return Ok(None);
    }
    let at: Option<i64> = session.value(DOING, "SELECT max(changes_forgotten) FROM pruning", &[])?;
    Ok(at.and_then(|at| u64::try_from(at).ok()))
}
