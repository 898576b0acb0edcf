//! What capture costs on SQLite, beside the bare client, in one run: `cargo bench -p spanbridge-db --features rusqlite --bench capture`.
//!
//! Each work is done in turn by a bare connection, and by observed ones with the policies off, keys and values; the median of all
//! rounds is shown, as CPU time of the thread that runs statements, so that waiting for a core does not count. Databases are in memory,
//! so that nothing waits for a disk. A recorder is there, whose sink throws everything away; `no recorder` is an observed connection
//! without one.
//!
//! `-- values transactions` runs the variants and works that begin so, and `ROUNDS=3` fewer rounds: for counting instructions.

#[path = "../../spanbridge/benches/support/clock.rs"]
#[expect(dead_code, reason = "one of its two clocks is used")]
mod clock;

use rusqlite::Connection;
use spanbridge::{Receipt, RecordBatch, Recorder, Sink, SinkError, observe};
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::{ConnectionExt, SqliteConnection};
use std::time::Duration;

const ROWS: usize = 1000;
const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, status TEXT, cents INTEGER, note TEXT)";
const INSERT: &str = "INSERT INTO t VALUES (?1, 'new', 1999, 'a note of some length')";
const UPDATE: &str = "UPDATE t SET status = 'paid', cents = cents + 1 WHERE id = ?1";

struct Nowhere;

impl Sink for Nowhere {
    fn deliver(&mut self, _: &RecordBatch) -> Result<Receipt, SinkError> {
        Ok(Receipt::default())
    }

    fn name(&self) -> &str {
        "nowhere"
    }
}

/// What is done to a table, and how many rows and transactions that are.
type Work = (&'static str, usize, fn(&dyn Run));

trait Run {
    fn batch(&self, sql: &str);
    /// One statement for each row.
    fn each(&self, sql: &str, rows: usize);
}

impl Run for Connection {
    fn batch(&self, sql: &str) {
        self.execute_batch(sql).unwrap()
    }

    fn each(&self, sql: &str, rows: usize) {
        let mut statement = self.prepare_cached(sql).unwrap();
        (0..rows).for_each(|id| assert_eq!(statement.execute([id as i64]), Ok(1)))
    }
}

impl Run for SqliteConnection {
    fn batch(&self, sql: &str) {
        self.execute_batch(sql).unwrap()
    }

    fn each(&self, sql: &str, rows: usize) {
        let mut statement = self.prepare_cached(sql).unwrap();
        (0..rows).for_each(|id| assert_eq!(statement.execute([id as i64]), Ok(1)))
    }
}

const WORKS: [Work; 4] = [
    ("rows of one statement, in a transaction", ROWS, |db| db.batch("BEGIN; UPDATE t SET cents = cents + 1; COMMIT")),
    ("statements of one row, in a transaction", ROWS, |db| {
        db.batch("BEGIN");
        db.each(UPDATE, ROWS);
        db.batch("COMMIT")
    }),
    ("inserts of one row, in a transaction", ROWS, |db| {
        db.batch("DELETE FROM t; BEGIN");
        db.each(INSERT, ROWS);
        db.batch("COMMIT")
    }),
    ("transactions of one row", 200, |db| db.each(UPDATE, 200)),
];

fn main() {
    let rounds = std::env::var("ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(30);
    let recorder = Recorder::builder("bench").sink(Nowhere).build().unwrap();
    let open = || {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(TABLE).unwrap();
        Run::each(&db, INSERT, ROWS);
        db
    };
    let who: Vec<(&str, bool, Box<dyn Run>)> = vec![
        ("bare", false, Box::new(open())),
        ("no recorder", false, Box::new(open().observed(StatePolicy::values()))),
        ("off", true, Box::new(open().observed(StatePolicy::off()))),
        ("keys", true, Box::new(open().observed(StatePolicy::keys()))),
        ("values", true, Box::new(open().observed(StatePolicy::values()))),
    ];
    let (works, variants): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .partition(|argument| WORKS.iter().any(|(name, ..)| name.starts_with(argument.as_str())));
    let is_asked = |of: &[String], name: &str| of.is_empty() || of.iter().any(|asked| name.starts_with(asked.as_str()));
    let who: Vec<_> = who.into_iter().filter(|(name, ..)| is_asked(&variants, name)).collect();
    println!("median of {rounds} rounds, CPU time in nanoseconds each");
    for (name, count, work) in WORKS.into_iter().filter(|(name, ..)| is_asked(&works, name)) {
        let mut times = vec![Vec::new(); who.len()];
        for _ in 0..rounds {
            for ((_, is_recorded, db), times) in who.iter().zip(&mut times) {
                let timed = || {
                    let began = clock::thread();
                    work(&**db);
                    clock::thread() - began
                };
                times.push(match is_recorded {
                    true => recorder.in_scope(|| observe::span("bench").in_scope_value(timed)),
                    false => timed(),
                });
                recorder.flush_blocking(Duration::from_secs(9));
            }
        }
        println!("{name}");
        for ((who, ..), mut times) in who.iter().zip(times) {
            times.sort();
            println!("  {who:<12} {:>8}", times[times.len() / 2] as usize / count)
        }
    }
}
