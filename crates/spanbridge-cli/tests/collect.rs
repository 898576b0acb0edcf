//! `spanbridge collect` from a real Kafka.

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use spanbridge::record::{Body, End, Record, RunEnd, RunStart, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};
use spanbridge_query::Store;
use spanbridge_relay::Address;
use spanbridge_relay::format::encode;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const SOON: Duration = Duration::from_secs(60);

/// The URL of a topic that no other test uses.
fn topic(test: &str) -> Option<String> {
    let Some(brokers) = std::env::var("KAFKA_BROKERS").ok().filter(|brokers| !brokers.is_empty()) else {
        xtask::skip("KAFKA_BROKERS is not set; `cargo xtask kafka` starts a broker");
        return None;
    };
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    Some(format!("kafka://{brokers}/cli.{test}.{}.{n}", std::process::id()))
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).env_remove("SPANBRIDGE_DB").env_remove("KAFKA_PASSWORD");
    command
}

fn spanbridge(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

fn succeeds(args: &[&str]) -> String {
    let output = spanbridge(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// A store with runs of three spans each, and its path as an argument.
fn store(runs: u64) -> (tempfile::TempDir, String) {
    const NOW: u64 = 1_790_000_000_000_000_000;
    let dir = tempfile::tempdir().unwrap();
    let mut records = Vec::new();
    for run in 0..runs {
        let id = u128::from(run + 1) << 64 | 7;
        let at = NOW + run * 1_000_000_000;
        let bodies = [
            Body::RunStart(RunStart::new(format!("order {run}"), at)),
            span(1, at, Status::Ok),
            span(2, at, if run % 3 == 0 { Status::Error } else { Status::Ok }),
            span(3, at, Status::Ok),
            Body::RunEnd(RunEnd::new(at + 9_000_000, Status::Ok)),
        ];
        for (body, seq) in bodies.into_iter().zip(1..) {
            let record = Record::new(SegmentId::new(run + 1).unwrap(), seq, "orders", body);
            records.push(record.of_run(RunId::new(id), TraceId::new(id)));
        }
    }
    Store::open_or_create(dir.path()).unwrap().import(records).unwrap();
    let path = dir.path().to_str().unwrap().to_owned();
    (dir, path)
}

fn span(n: u64, at: u64, status: Status) -> Body<'static> {
    let mut span = SpanData::new(SpanId::new(n).unwrap(), format!("step {n}"), at + n * 1000);
    span.parent_span_id = SpanId::new(n - 1);
    Body::Span(span.with_end(Some(End::new(at + n * 1000 + 500, status))))
}

/// Sends what is in a store to a topic.
fn ship(from: &str, to: &str) {
    let to: Address = to.parse().unwrap();
    let mut config = ClientConfig::new();
    config.set(
        "bootstrap.servers",
        to.properties().into_iter().find(|(name, _)| *name == "bootstrap.servers").unwrap().1,
    );
    let producer: BaseProducer = config.create().unwrap();
    let mut records = Vec::new();
    Store::open(from).unwrap().records(None, |record| records.push(record.into_owned())).unwrap();
    for message in encode(records.iter().map(Record::view)) {
        let key = message.key.map(|key| key.to_string());
        let mut record = BaseRecord::<str, str>::to(to.topic()).payload(&message.value);
        record.key = key.as_deref();
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(SOON).unwrap();
}

/// What the commands say of a store.
fn told(db: &str) -> [String; 2] {
    let lines = succeeds(&["export", "--db", db, "--to", "lines"]);
    let mut lines: Vec<_> = lines.lines().collect();
    lines.sort_unstable();
    [succeeds(&["runs", "--db", db, "--limit", "1000", "--format", "json"]), lines.join("\n")]
}

#[test]
fn what_was_sent_is_collected() {
    let Some(topic) = topic("shipped") else { return };
    let (_dir, from) = store(40);
    let copy = tempfile::tempdir().unwrap();
    let copy = copy.path().join("copy");
    let to = copy.to_str().unwrap();
    ship(&from, &topic);
    // The second one has nothing to read.
    for expected in ["200 records in ", "0 records in 0 batches\n"] {
        let output = spanbridge(&["collect", "--from", &topic, "--to", to, "--once", "--no-trace"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && stderr.contains(expected), "{stderr}");
        assert_eq!(told(to), told(&from));
    }
}

/// A run for each batch, and none for storing it.
#[test]
fn its_own_work_is_recorded() {
    let Some(topic) = topic("traced") else { return };
    let (_dir, from) = store(10);
    let copy = tempfile::tempdir().unwrap();
    let to = copy.path().to_str().unwrap();
    ship(&from, &topic);
    succeeds(&["collect", "--from", &topic, "--to", to, "--once"]);
    let own = ["--db", to, "--service", "spanbridge-collect"];
    let count = || succeeds(&[&["runs", "--count"] as &[_], &own].concat()).trim().to_owned();
    assert_eq!(count(), "1");
    let lines = succeeds(&[&["export"] as &[_], &own].concat());
    for name in ["collect", "poll", "decode", "store", "commit"] {
        assert_eq!(lines.matches(&format!("\"name\":\"{name}\"")).count(), 1, "{name}: {lines}");
    }
    // Nothing to read, and so nothing to record.
    succeeds(&["collect", "--from", &topic, "--to", to, "--once"]);
    assert_eq!(count(), "1");
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn line_with(stderr: &mut BufReader<ChildStderr>, text: &str) -> String {
    let mut all = String::new();
    loop {
        let start = all.len();
        assert!(stderr.read_line(&mut all).unwrap() > 0, "{text:?} is not in {all}");
        if all[start..].contains(text) {
            return all[start..].trim().to_owned();
        }
    }
}

/// With figures while it runs, and code 0 when it is told to end.
#[test]
fn figures_and_a_graceful_end() {
    let Some(topic) = topic("figures") else { return };
    let (_dir, from) = store(20);
    let copy = tempfile::tempdir().unwrap();
    let to = copy.path().to_str().unwrap();
    ship(&from, &topic);
    let url = format!("{topic}?group=figures&statistics.interval.ms=200");
    let args =
        ["collect", "--from", &url, "--to", to, "--metrics", "127.0.0.1:0", "--batch-time", "50ms", "--no-trace"];
    let child = command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut child = Running(child);
    let mut stderr = BufReader::new(child.0.stderr.take().unwrap());
    let line = line_with(&mut stderr, "/metrics");
    let address = line.split_whitespace().last().unwrap();
    let figures = || ureq::get(address).call().unwrap().body_mut().read_to_string().unwrap();
    let deadline = Instant::now() + SOON;
    while !(figures().contains("spanbridge_collect_records_total 100\n")
        && figures().contains("spanbridge_collect_lag_messages{partition=\"0\"} 0\n"))
    {
        assert!(Instant::now() < deadline, "{}", figures());
        std::thread::sleep(Duration::from_millis(50));
    }
    for name in ["commits_total", "batches_total", "store_seconds_total", "rebalances_total", "bytes_total"] {
        let text = figures();
        let value = text.lines().find_map(|line| line.strip_prefix(&format!("spanbridge_collect_{name} ")));
        assert!(value.is_some_and(|value| value.parse::<f64>().unwrap() > 0.0), "{name}: {text}");
    }
    let pid = rustix::process::Pid::from_child(&child.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = child.0.wait().unwrap();
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert_eq!(status.code(), Some(0), "{rest}");
    assert!(rest.contains("100 records in "), "{rest}");
    assert_eq!(told(to), told(&from));
}

/// Without a Kafka.
#[test]
fn what_makes_no_sense_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let to = dir.path().join("store");
    let to = to.to_str().unwrap();
    for (from, to, code, expected) in [
        ("http://k/t", to, 2, "it does not begin with kafka://"),
        ("kafka://u:secret@k:port/t", to, 2, "a port is not a number"),
        ("kafka://u:secret@127.0.0.1:1/t?no.such=1", to, 2, "no.such"),
        ("kafka://127.0.0.1:1/t", "clickhouse://u:secret@db?clutser=c", 2, "a parameter is none of"),
    ] {
        let output = spanbridge(&["collect", "--from", from, "--to", to, "--no-trace"]);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{from}: {stderr}");
        assert!(stderr.contains(expected) && !stderr.contains("secret"), "{from}: {stderr}");
    }
}
