//! `spanbridge ship`, as a process, and a server as another.

#![cfg(feature = "serve")]

use spanbridge::record::{Body, End, Record, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};
use spanbridge_query::Store;
use spanbridge_store::StoreSink;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

const KILLS: usize = 30;

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn spanbridge(args: &[&str], db: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).arg("--db").arg(db).env_remove("SPANBRIDGE_TOKEN");
    command
}

/// Starts a server, and returns its URL.
fn serve(db: &Path, listen: &str) -> (Running, String) {
    let mut command = spanbridge(&["serve", "--listen", listen], db);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let running = Running(child);
    loop {
        let mut line = String::new();
        assert!(out.read_line(&mut line).unwrap() > 0, "it ended");
        if let Some(at) = line.find("http://") {
            let url = line[at..].split_whitespace().next().unwrap().trim_end_matches(['/', '.', ',']);
            return (running, url.to_owned());
        }
    }
}

/// Ships what is there. Returns the exit code, and what was said.
fn once(db: &Path, to: &str) -> (Option<i32>, String) {
    let output = spanbridge(&["ship", "--once", "--to", to], db).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Writes a delivery of so many spans, from this number on.
fn write(sink: &mut StoreSink, from: u64, spans: u64) -> Vec<String> {
    let span = |number: u64| {
        let (run, at) = (u128::from(number / 5) + 1, 1_790_000_000_000_000_000 + number);
        let data = SpanData::new(SpanId::new(number + 1).unwrap(), "step".to_owned(), at);
        let data = data.with_end(Some(End::new(at + 9, Status::Ok)));
        Record::new(SegmentId::new(7).unwrap(), number + 1, "shop", Body::Span(data))
            .of_run(RunId::new(run), TraceId::new(run))
    };
    let records: Vec<_> = (from..from + spans).map(span).collect();
    assert!(sink.deliver_records(1, from + 1, &records).unwrap().rejected().is_empty());
    records.iter().map(Record::to_json).collect()
}

fn stored(db: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    Store::open(db).unwrap().records(None, |record| lines.push(record.to_json())).unwrap();
    lines.sort_unstable();
    lines
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Shippers are killed while an application writes, and so is the server.
#[test]
fn a_server_gets_every_record_once() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // The server comes back at its address.
    let port = xtask::Port::reserve().unwrap();
    let listen = format!("127.0.0.1:{}", port.number());
    let (server, url) = serve(to.path(), &listen);
    let mut server = Some(server);
    let is_over = AtomicBool::new(false);
    let mut sink = StoreSink::open(from.path()).unwrap();
    let position = |db: &Path| {
        let entries = std::fs::read_dir(db).unwrap().map_while(Result::ok).map(|entry| entry.path());
        let file = entries.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "json"));
        file.and_then(|file| std::fs::metadata(file).ok()?.modified().ok())
    };
    let written = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut lines = Vec::new();
            while !is_over.load(SeqCst) {
                lines.extend(write(&mut sink, lines.len() as u64, 7));
                // A host that does other things, too.
                std::thread::sleep(Duration::from_millis(5));
            }
            lines
        });
        for kill in 0..KILLS {
            if kill % 10 == 5 {
                drop(server.take());
                server = Some(serve(to.path(), &listen).0);
            }
            let before = position(from.path());
            let args = ["ship", "--to", &url, "--interval", "1ms", "--batch-records", "50"];
            let mut shipper = spanbridge(&args, from.path());
            let shipper = Running(shipper.stderr(Stdio::null()).spawn().unwrap());
            until("a position", || position(from.path()) != before);
            std::thread::sleep(Duration::from_micros(RandomState::new().hash_one(0) % 30_000));
            drop(shipper);
        }
        is_over.store(true, SeqCst);
        writing.join().unwrap()
    });
    let (code, told) = once(from.path(), &url);
    assert_eq!((code, told.lines().count()), (Some(0), 1), "{told}");
    drop(server);
    let written: BTreeSet<String> = written.into_iter().collect();
    assert_eq!(stored(to.path()), written.into_iter().collect::<Vec<_>>());
}

/// A token that is wrong is no reason to lose records.
#[test]
fn records_wait_for_the_right_token() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut lines = write(&mut StoreSink::open(from.path()).unwrap(), 0, 9);
    let mut server = spanbridge(&["serve", "--listen", "127.0.0.1:0"], to.path());
    let mut server = server.env("SPANBRIDGE_TOKEN", "right").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let _server = Running(server);
    let at = line.find("http://").unwrap();
    let url =
        line[at..].split_whitespace().next().unwrap().split("/?").next().unwrap().trim_end_matches('/').to_owned();
    let (code, told) = once(from.path(), &url);
    assert_eq!(code, Some(3), "{told}");
    assert!(told.contains("does not take records; they wait: the server wants a token"), "{told}");
    let right = spanbridge(&["ship", "--once", "--to", &url], from.path()).env("SPANBRIDGE_TOKEN", "right").status();
    assert_eq!(right.unwrap().code(), Some(0));
    lines.sort_unstable();
    assert_eq!(stored(to.path()), lines);
}

#[test]
fn figures_are_answered_and_a_signal_ends_it() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&mut StoreSink::open(from.path()).unwrap(), 0, 9);
    let to = to.path().join("store");
    let args = ["ship", "--to", to.to_str().unwrap(), "--interval", "10ms", "--metrics", "0"];
    let mut shipper = spanbridge(&args, from.path()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(shipper.stderr.take().unwrap());
    let mut shipper = Running(shipper);
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("spanbridge: metrics at ").unwrap_or_else(|| panic!("{line}")).to_owned();
    let ask = || ureq::get(&url).call().unwrap().body_mut().read_to_string().unwrap();
    until("all is shipped", || ask().contains("spanbridge_ship_records_total 9\n"));
    let text = ask();
    for line in ["backlog_bytes 0", "away 0", "batches_total 1", "lost_logs 0", "rejected_records_total 0"] {
        assert!(text.contains(&format!("spanbridge_ship_{line}\n")), "{line}: {text}");
    }
    let other = spanbridge(&["ship", "--once", "--to", to.to_str().unwrap()], from.path()).output().unwrap();
    assert_eq!(other.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&other.stderr).contains("another process sends the records of this store to"));
    let pid = rustix::process::Pid::from_child(&shipper.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(shipper.0.wait().unwrap().code(), Some(0));
    let mut rest = String::new();
    told.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "spanbridge: 9 records in 1 batch\n");
    assert_eq!(stored(&to).len(), 9);
}

#[test]
fn what_cannot_be_is_usage() {
    let dir = tempfile::tempdir().unwrap();
    Store::open_or_create(dir.path()).unwrap();
    let db = dir.path().to_str().unwrap();
    for (to, why) in [
        (db, "failed to ship the store to itself: --to is --db"),
        ("kafka://u:secret@h:port/t", "failed to read the URL of Kafka: a port is not a number"),
        ("http://u:secret@:port", "the endpoint has no host"),
        #[cfg(not(feature = "kafka"))]
        ("kafka://u:secret@h/t", "this spanbridge was built without the feature kafka"),
        #[cfg(feature = "kafka")]
        ("kafka://u:secret@h/t?no.such.property=1", "the property no.such.property is none"),
        #[cfg(not(feature = "clickhouse"))]
        ("clickhouse://u:secret@h/d", "this spanbridge was built without the feature clickhouse"),
    ] {
        let (code, told) = once(dir.path(), to);
        assert_eq!(code, Some(2), "{told}");
        assert!(told.contains(why) && !told.contains("secret"), "{told}");
    }
    let nobody = once(dir.path(), "http://127.0.0.1:1");
    let nothing = "spanbridge: 0 records in 0 batches\n".to_owned();
    assert_eq!(nobody, (Some(0), nothing), "there is nothing to send");
}

#[test]
fn a_place_is_forgotten() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(&mut StoreSink::open(from.path()).unwrap(), 0, 9);
    let to = to.path().to_str().unwrap();
    assert_eq!(once(from.path(), to).0, Some(0));
    for told in ["is forgotten", "was not known"] {
        let output = spanbridge(&["ship", "--forget", "--to", to], from.path()).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{to} {told}\n"));
    }
}
