//! Plain rows, to compare with: a SQLite table with a row for each record, and an index on the run. A delivery is a transaction.

use rusqlite::{Connection, Result, params};
use spanbridge::RunId;
use spanbridge::record::{Attributes, Body, Record};
use std::fmt::Write;
use std::path::{Path, PathBuf};

pub(crate) struct Plain {
    connection: Connection,
    path: PathBuf,
}

impl Plain {
    pub(crate) fn create(path: PathBuf) -> Result<Self> {
        let connection = Connection::open(&path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             PRAGMA wal_autocheckpoint = 4000;
             PRAGMA cache_size = -65536;
             CREATE TABLE record(
                 run BLOB, trace BLOB, segment INTEGER, seq INTEGER, service TEXT, kind INTEGER, span INTEGER, parent INTEGER,
                 name TEXT, primitive TEXT, started_at INTEGER, ended_at INTEGER, status INTEGER, error TEXT, attributes TEXT
             );
             CREATE INDEX record_run ON record(run);",
        )?;
        Ok(Self { connection, path })
    }

    pub(crate) fn deliver(&self, records: &[Record<'_>]) -> Result<()> {
        self.connection.execute_batch("BEGIN")?;
        let sql = "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let mut add = self.connection.prepare_cached(sql)?;
        for record in records {
            let row = Row::of(&record.body);
            add.execute(params![
                record.run_id.map(|run| run.get().to_be_bytes()),
                record.trace_id.map(|trace| trace.get().to_be_bytes()),
                record.segment_id.get() as i64,
                record.segment_seq as i64,
                record.service,
                row.kind,
                row.span as i64,
                row.parent.map(|parent| parent as i64),
                row.name,
                row.primitive,
                row.started_at as i64,
                row.end.map(|end| end.ended_at as i64),
                row.end.map(|end| end.status as u8),
                row.end.and_then(|end| end.error.as_deref()),
                row.attributes.map(text),
            ])?;
        }
        self.connection.execute_batch("COMMIT")
    }

    /// Reads every column of a run's rows.
    pub(crate) fn read(&self, run: RunId) -> Result<bool> {
        let mut query = self.connection.prepare_cached("SELECT * FROM record WHERE run = ?")?;
        let mut rows = query.query([run.get().to_be_bytes()])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            for column in 0..15 {
                bytes += row.get_ref(column)?.as_bytes_or_null().ok().flatten().map_or(8, <[u8]>::len);
            }
        }
        Ok(bytes > 0)
    }

    /// The newest runs.
    pub(crate) fn list(&self) -> Result<bool> {
        let sql =
            "SELECT run, min(started_at), max(status), count(*) FROM record GROUP BY run ORDER BY 2 DESC LIMIT 50";
        self.connection
            .prepare_cached(sql)?
            .query_map([], |row| row.get::<_, i64>(1))?
            .collect::<Result<Vec<_>>>()
            .map(|rows| rows.len() == 50)
    }

    pub(crate) fn bytes(&self) -> Result<u64> {
        self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
        Ok(size(&self.path))
    }
}

/// Bytes of a file.
pub(crate) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |about| about.len())
}

/// What a row has of a body.
#[derive(Default)]
struct Row<'r> {
    kind: u8,
    span: u64,
    parent: Option<u64>,
    name: Option<&'r str>,
    primitive: Option<&'r str>,
    started_at: u64,
    end: Option<&'r spanbridge::record::End<'r>>,
    attributes: Option<&'r Attributes<'r>>,
}

impl<'r> Row<'r> {
    fn of(body: &'r Body<'r>) -> Self {
        match body {
            Body::Span(span) => Self {
                kind: 0,
                span: span.span_id.get(),
                parent: span.parent_span_id.map(|parent| parent.get()),
                name: Some(&span.name),
                primitive: Some(&span.primitive),
                started_at: span.started_at,
                end: span.end.as_ref(),
                attributes: Some(&span.attributes),
            },
            Body::SpanEnd(end) => Self { kind: 1, span: end.span_id.get(), end: Some(&end.end), ..Self::default() },
            Body::RunStart(start) => {
                Self { kind: 2, name: Some(&start.name), started_at: start.started_at, ..Self::default() }
            }
            Body::RunEnd(end) => Self { kind: 3, started_at: end.ended_at, ..Self::default() },
            Body::Segment(segment) => {
                Self { kind: 4, started_at: segment.started_at, attributes: Some(&segment.resource), ..Self::default() }
            }
            _ => Self { kind: 5, ..Self::default() },
        }
    }
}

/// Attributes as text, one on each line.
fn text(attributes: &Attributes<'_>) -> String {
    let mut all = String::with_capacity(256);
    for (key, value) in attributes.iter() {
        _ = writeln!(all, "{key}={value:?}");
    }
    all
}
