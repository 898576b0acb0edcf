//! `spanbridge doctor` finds nothing missing in what `cargo demo` records; and `cargo demo --serve` serves it.

use spanbridge_graph::Checkup;
use spanbridge_query::state::{RowKey, RowQuery};
use spanbridge_query::{RunFilter, Store};
#[cfg(unix)]
use std::io::{BufRead, BufReader, Read, Write};
#[cfg(unix)]
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

#[test]
fn nothing_is_missing_in_what_the_demo_records() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("records.db");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    let output = demo.arg("--db").arg(&path).envs([("AMQP_URL", ""), ("KAFKA_BROKERS", "")]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");

    let store = Store::open(&path).unwrap();
    let runs: Vec<_> = store.runs(&RunFilter::default(), 10).unwrap().iter().map(|row| row.run_id).collect();
    assert_eq!(runs.len(), 1);
    let later = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(5);
    let checkup = Checkup::new(later.as_nanos() as u64).grace(Duration::ZERO).silence(Duration::ZERO);
    let gaps = store.gaps(&runs, checkup).unwrap();
    assert!(gaps.is_empty(), "{gaps:?}");
}

/// Each run has a database of its own. So what the second one does is no change that is missing in the history of the first.
#[test]
fn demos_have_databases_of_their_own() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for _ in 0..2 {
        let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
        let demo = demo.arg("--db").arg(directory.path()).envs([("AMQP_URL", ""), ("KAFKA_BROKERS", "")]);
        assert!(demo.output().unwrap().status.success());
    }
    let store = Store::open(directory.path()).unwrap();
    for (table, key) in [("orders", "1"), ("stock", "umbrella")] {
        let rows = store.state(&RowQuery::new(table, RowKey::parse(key).unwrap())).unwrap().rows;
        assert_eq!(rows.len(), 2, "{rows:?}");
        let unexplained: Vec<_> =
            rows.iter().flat_map(|row| &row.changes).flat_map(|change| &change.unexplained).collect();
        assert!(unexplained.is_empty() && rows.iter().all(|row| row.database.ends_with("orders.db")), "{rows:?}");
    }
}

/// The order fails: why says which rows were changed before, and that what was taken from the stock is not in the database.
#[test]
fn a_failing_demo_says_what_was_rolled_back() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("records.db");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.arg("--fail").arg("--db").arg(&path).envs([("AMQP_URL", ""), ("KAFKA_BROKERS", "")]);
    let output = demo.output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let store = Store::open(&path).unwrap();
    let run = store.runs(&RunFilter::default(), 1).unwrap()[0].run_id;
    let why = store.why(&[run]).unwrap().unwrap();
    let failure = why.failures.iter().find(|failure| failure.step().unwrap().name == "print label").unwrap();
    let rows: Vec<String> = failure.changes.iter().map(|change| change.mutation.row()).collect();
    assert_eq!(rows, ["orders id=1", "orders id=1"]);
    assert_eq!(failure.changes[1].mutation.summary(), "status 'new' → 'paid'");
    let undone: Vec<&str> = failure.rolled_back.iter().flat_map(|one| &one.statements).map(|s| &*s.name).collect();
    assert_eq!(undone, ["UPDATE stock"; 3]);
}

#[cfg(unix)]
#[test]
fn the_demo_serves_its_run() {
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_demo"));
    demo.arg("--serve").arg("--db").arg(directory.path()).envs([("AMQP_URL", ""), ("KAFKA_BROKERS", "")]);
    let mut demo = Killed(demo.stdout(Stdio::piped()).spawn().unwrap());
    let mut lines = BufReader::new(demo.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    let url = lines.find_map(|line| line.strip_prefix("The run in your browser: ").map(str::to_owned)).unwrap();
    let (address, run) = url.strip_prefix("http://").unwrap().split_once("/runs/").unwrap();
    let mut server = TcpStream::connect(address).unwrap();
    write!(server, "GET /api/v1/runs/{run} HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    server.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.contains(run), "{answer}");
    let pid = rustix::process::Pid::from_raw(demo.0.id().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(demo.0.wait().unwrap().success());
}

/// Ends the process, whatever the test comes to.
#[cfg(unix)]
struct Killed(std::process::Child);

#[cfg(unix)]
impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
