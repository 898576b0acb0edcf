//! Which operation a run belongs to.
//!
//! An operation is a run that no stored run started, with all that it started, directly or through others. Of runs that started each
//! other in a circle, the one with the smallest id is taken for the first.
//!
//! Each other run has the row of the first one in its row, and when that one began. So the list of operations is in the order of an
//! index, whatever the filter. What changes that is rare: a run that comes later than what it started, or turns out to have begun
//! earlier, or is pruned.

use super::order::unordered;
use super::run::halves;
use crate::Result;
use rusqlite::{Connection, OptionalExtension, params};
use spanbridge::RunId;
use spanbridge_graph::hash::{Map, Set};

/// What the row of a run says about its operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) row: i64,
    pub(super) run: RunId,
    /// As it is stored.
    pub(super) started_at: i64,
    pub(super) status: i64,
    pub(super) parent: Option<RunId>,
    /// The first run of the operation and when it began, as it is stored. `None`: it is that itself.
    pub(super) root: Option<(i64, i64)>,
}

const COLUMNS: &str = "id, head, tail, started_at, status, parent, root, root_at";

impl Member {
    fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Self>> {
        let id = u128::from(unordered(row.get(1)?)) << 64 | u128::from(row.get::<_, i64>(2)? as u64);
        let Some(run) = RunId::new(id) else { return Ok(None) };
        let parent = row.get::<_, Option<[u8; 16]>>(5)?.and_then(|id| RunId::new(u128::from_be_bytes(id)));
        let root = row.get::<_, Option<i64>>(6)?.zip(row.get(7)?);
        Ok(Some(Self { row: row.get(0)?, run, started_at: row.get(3)?, status: row.get(4)?, parent, root }))
    }

    pub(super) fn find(connection: &Connection, run: RunId) -> Result<Option<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM run WHERE head = ? AND tail = ?");
        let found = connection.prepare_cached(&sql)?.query_row(halves(run), Self::read).optional()?;
        Ok(found.flatten())
    }

    pub(super) fn at(connection: &Connection, row: i64) -> Result<Option<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM run WHERE id = ?");
        let found = connection.prepare_cached(&sql)?.query_row([row], Self::read).optional()?;
        Ok(found.flatten())
    }

    /// What the runs that it started have as their root.
    fn as_root(&self) -> (i64, i64) {
        self.root.unwrap_or((self.row, self.started_at))
    }
}

/// The stored runs that this one started.
pub(super) fn started_by(connection: &Connection, run: RunId) -> Result<Vec<RunId>> {
    let mut query = connection.prepare_cached("SELECT run FROM mention WHERE kind = 1 AND id = ?")?;
    let rows = query.query_map([run.get().to_be_bytes()], |row| row.get::<_, [u8; 16]>(0))?;
    let ids = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(ids.into_iter().filter_map(|id| RunId::new(u128::from_be_bytes(id))).collect())
}

/// Whether any stored run may have been started by another.
pub(super) fn has_parts(connection: &Connection) -> Result<bool> {
    let mut query = connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM mention WHERE kind = 1)")?;
    Ok(query.query_row([], |row| row.get(0))?)
}

/// Notes which operation these runs belong to, and those that they started.
pub(super) fn place(connection: &Connection, runs: impl Iterator<Item = RunId>) -> Result<()> {
    if !has_parts(connection)? {
        return Ok(());
    }
    let mut roots = Roots { connection, known: Map::default(), changed: Vec::new() };
    for run in runs {
        let Some(member) = roots.of(run)? else { continue };
        // Runs above it may have changed, too.
        let mut open = std::mem::take(&mut roots.changed);
        open.push(member);
        while let Some(parent) = open.pop() {
            for run in started_by(connection, parent.run)? {
                // What is known was written, and what it started is looked at if that changed.
                if roots.known.contains_key(&run) {
                    continue;
                }
                let Some(found) = Member::find(connection, run)?.filter(|found| found.parent == Some(parent.run))
                else {
                    continue;
                };
                let placed = Member { root: Some(parent.as_root()), ..found };
                if placed.root != found.root {
                    write(connection, &placed)?;
                    open.push(placed);
                }
            }
        }
    }
    Ok(())
}

/// Notes of all runs what started them, by the mentions, and which operation they belong to.
pub(super) fn place_all(connection: &Connection) -> Result<()> {
    let mut query = connection.prepare("SELECT id, run FROM mention WHERE kind = 1 ORDER BY run, id")?;
    let rows = query.query_map([], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, [u8; 16]>(1)?)))?;
    let mut set = connection.prepare("UPDATE run SET parent = ?3 WHERE head = ?1 AND tail = ?2 AND parent IS NULL")?;
    let mut runs = Vec::new();
    for pair in rows {
        let (parent, run) = pair?;
        let Some(run) = RunId::new(u128::from_be_bytes(run)) else { continue };
        let [head, tail] = halves(run);
        set.execute(params![head, tail, parent])?;
        runs.push(run);
    }
    place(connection, runs.into_iter())
}

fn write(connection: &Connection, member: &Member) -> Result<()> {
    let mut set = connection.prepare_cached("UPDATE run SET root = ?2, root_at = ?3 WHERE id = ?1")?;
    let (root, at) = member.root.unzip();
    set.execute(params![member.row, root, at])?;
    Ok(())
}

/// Finds the first runs of operations by what started each run.
struct Roots<'c> {
    connection: &'c Connection,
    /// Runs with the right root.
    known: Map<RunId, Member>,
    /// Those that had another one.
    changed: Vec<Member>,
}

impl Roots<'_> {
    /// The run, with its root, which is noted. `None`: it is not stored.
    fn of(&mut self, run: RunId) -> Result<Option<Member>> {
        let (mut path, mut seen) = (Vec::<Member>::new(), Set::default());
        let mut next = Some(run);
        let root = loop {
            let Some(run) = next else { break path.last().map(|last| (last.row, last.started_at)) };
            if let Some(known) = self.known.get(&run) {
                break Some(known.as_root());
            }
            if !seen.insert(run) {
                // A circle: that run, and all after it.
                let circle = path.iter().skip_while(|member| member.run != run);
                break circle.min_by_key(|member| member.run).map(|first| (first.row, first.started_at));
            }
            match Member::find(self.connection, run)? {
                Some(member) => {
                    next = member.parent;
                    path.push(member);
                }
                // What started the last one is not stored.
                None => next = None,
            }
        };
        let Some(root) = root else { return Ok(None) };
        for member in path {
            let placed = Member { root: Some(root).filter(|(row, _)| *row != member.row), ..member };
            if placed.root != member.root {
                write(self.connection, &placed)?;
                self.changed.push(placed);
            }
            self.known.insert(placed.run, placed);
        }
        Ok(self.known.get(&run).copied())
    }
}
