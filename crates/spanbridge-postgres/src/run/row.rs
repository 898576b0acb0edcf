//! What a row says, and what it cannot.

use crate::session::Uuid;
use spanbridge::RunId;
use spanbridge_graph::{RunStatus, Unsettled, UnsettledMessage};
use spanbridge_query::RunRow;

/// The columns that [`read`] reads, of the table `run`.
pub(crate) const SHOWN: &str = "run, started_at, ended_at, status, name, services, spans, errors, failed, dead_lettered, recovered, \
                                parent, unsettled";

/// Whether the table can hold this row. If not, it is made of the run's records each time.
pub(super) fn can_hold(row: &RunRow) -> bool {
    let is_time = |time: u64| time < i64::MAX as u64;
    is_time(row.started_at)
        && row.ended_at.is_none_or(is_time)
        && !row.name.contains('\0')
        && !row.services.iter().any(|service| service.contains('\0'))
        && row.failed_work.never_settled == 0
}

/// The number of a status.
pub(super) fn number(status: RunStatus) -> i16 {
    match status {
        RunStatus::Ok => 0,
        RunStatus::Error => 1,
        RunStatus::Cancelled => 2,
        RunStatus::Suspended => 3,
        RunStatus::Open => 4,
        // This release knows no other.
        _ => 5,
    }
}

/// The messages without a settlement. `None`: there are none.
pub(super) fn unsettled(row: &RunRow) -> Option<Vec<u8>> {
    let all = row.unsettled();
    if all.is_empty() {
        return None;
    }
    let mut out = (all.messages.len() as u64).to_be_bytes().to_vec();
    let messages = all.messages.iter().flat_map(|message| [message.due, message.receiver]);
    for n in messages.chain(all.settle_others.iter().copied()) {
        out.extend_from_slice(&n.to_be_bytes());
    }
    Some(out)
}

/// What [`unsettled`] has written.
pub(crate) fn read_unsettled(bytes: &[u8]) -> Option<Unsettled> {
    let (all, rest) = bytes.as_chunks::<8>();
    let mut all = all.iter().copied().map(u64::from_be_bytes);
    let mut found = Unsettled::default();
    for _ in 0..all.next()? {
        found.messages.push(UnsettledMessage { due: all.next()?, receiver: all.next()? });
    }
    found.settle_others.extend(all);
    rest.is_empty().then_some(found)
}

/// Reads the columns of [`SHOWN`]. `None`: this release would not have written it.
pub(crate) fn read(row: &tokio_postgres::Row) -> Result<Option<RunRow>, tokio_postgres::Error> {
    let count = |at: usize| row.try_get::<_, i64>(at).map(|n| n as u64);
    let small = |at: usize| row.try_get::<_, i16>(at).map(|n| n as u64);
    let status: i16 = row.try_get(3)?;
    let status = RunStatus::ALL.into_iter().find(|known| number(*known) == status);
    let Some((run, status)) = RunId::new(row.try_get::<_, Uuid>(0)?.0).zip(status) else { return Ok(None) };
    let mut read = RunRow::new(run, row.try_get::<_, String>(4)?, status, count(1)?);
    read.ended_at = row.try_get::<_, Option<i64>>(2)?.map(|time| time as u64);
    read.services = row.try_get(5)?;
    (read.spans, read.errors) = (count(6)?, count(7)?);
    let work = &mut read.failed_work;
    (work.failed, work.dead_lettered, work.recovered) = (small(8)?, small(9)?, small(10)?);
    read.parent_run_id = row.try_get::<_, Option<Uuid>>(11)?.and_then(|parent| RunId::new(parent.0));
    let unsettled = row.try_get::<_, Option<&[u8]>>(12)?.map_or(Some(Unsettled::default()), read_unsettled);
    Ok(unsettled.map(|unsettled| read.with_unsettled(unsettled)))
}
