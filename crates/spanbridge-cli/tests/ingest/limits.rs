//! How much is taken, of one client and of all together.

use crate::support::{Serving, gzip, lines, post, span};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const RECORDS: &str = "/api/v1/records";
const TRACES: &str = "/v1/traces";

/// Ten gigabytes of zeros, as ten megabytes of gzip: a thousand streams behind each other.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; 10 << 20]).unwrap();
    encoder.finish().unwrap().repeat(1000)
}

/// `spanbridge serve` in a process of its own.
struct Process(Child);

impl Process {
    fn start(store: &Path) -> (Self, SocketAddr) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        command.arg("--db").arg(store).args(["--format", "json", "serve", "--listen", "127.0.0.1:0"]);
        command.env_remove("SPANBRIDGE_TOKEN").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        (Self(child), ready["address"].as_str().unwrap().parse().unwrap())
    }

    /// The most memory that it ever had, in bytes.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() << 10
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A stream that expands without end is refused, so that a client can read why, and in bounded memory.
#[cfg(target_os = "linux")]
#[test]
fn a_bomb_is_refused_in_bounded_memory() {
    let dir = tempfile::tempdir().unwrap();
    let (process, address) = Process::start(dir.path());
    assert_eq!(post(address, RECORDS, &[], &lines(&[span(0, "work")])).status, 200);
    let (bomb, before) = (bomb(), process.peak());
    assert!((9 << 20..11 << 20).contains(&bomb.len()), "{}", bomb.len());
    let media = ["application/x-ndjson", "application/x-protobuf", "application/json"];
    for (path, media) in [RECORDS, TRACES, TRACES].into_iter().zip(media) {
        let answer = post(address, path, &[("content-type", media), ("content-encoding", "gzip")], &bomb);
        assert_eq!(answer.status, 413, "{path} {media}");
        assert!(String::from_utf8_lossy(&answer.body).contains("it has more than 64 MiB uncompressed"), "{answer:?}");
    }
    let more = process.peak() - before;
    println!("{} bytes of gzip with 10 GB in it: {} MiB more at most", bomb.len(), more >> 20);
    assert!(more < 128 << 20, "{} MiB", more >> 20);
}

#[test]
fn a_bomb_of_zstd_is_refused() {
    let serving = Serving::start();
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let zeros = vec![0; 1 << 20];
    (0..100).for_each(|_| encoder.write_all(&zeros).unwrap());
    let answer = serving.post(RECORDS, &[("content-encoding", "zstd")], &encoder.finish().unwrap());
    assert_eq!(answer.status, 413);
    // A window of 128 MiB is not allocated.
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(27).unwrap();
    (0..20).for_each(|_| encoder.write_all(&zeros).unwrap());
    let answer = serving.post(RECORDS, &[("content-encoding", "zstd")], &encoder.finish().unwrap());
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[test]
fn a_request_has_limits() {
    let serving = Serving::start();
    let answer = serving.post(RECORDS, &[], &vec![b' '; (16 << 20) + 1]);
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (413, &"too_large".into()));
    let answer = serving.post(TRACES, &[("content-type", "application/json")], &vec![b' '; (16 << 20) + 1]);
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (413, Some(8)));
    let answer = serving.post(RECORDS, &[("content-encoding", "gzip")], &gzip("1\n".repeat(65_537).as_bytes()));
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (413, &"too_large".into()));
    assert_eq!(serving.records("1\n".repeat(65_536).as_bytes())["rejected"].as_array().unwrap().len(), 65_536);
}

/// A few bytes of an event become a record, so a request of some kilobytes could be millions of them, and all others would wait.
#[test]
fn a_request_has_not_too_many_events() {
    let serving = Serving::start();
    let json = |spans: usize, events: usize| {
        let events = vec!["{}"; events].join(",");
        let span = |n: usize| format!(r#"{{"traceId":"{:032x}","spanId":"{n:016x}","events":[{events}]}}"#, 1);
        let spans: Vec<String> = (1..=spans).map(span).collect();
        format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","))
    };
    let media = [("content-type", "application/json")];
    let answer = serving.post(TRACES, &media, json(5, 60_000).as_bytes());
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (413, Some(8)), "{answer:?}");
    assert_eq!(serving.stored().len(), 0);
    // As many as an SDK sends at most by default: 512 spans with 128 events each.
    let answer = serving.post(TRACES, &media, json(512, 128).as_bytes());
    assert_eq!((answer.status, answer.json()), (200, serde_json::json!({})), "{answer:?}");
}

#[test]
fn what_is_not_known_is_refused() {
    let serving = Serving::start();
    for (path, header, value) in [
        (RECORDS, "content-type", "text/html"),
        (RECORDS, "content-encoding", "br"),
        (TRACES, "content-type", "application/grpc"),
        (TRACES, "content-type", "text/plain"),
    ] {
        assert_eq!(serving.post(path, &[(header, value)], b"{}").status, 415, "{path} {header} {value}");
    }
    let zstd = [("content-type", "application/json"), ("content-encoding", "zstd")];
    assert_eq!(serving.post(TRACES, &zstd, b"{}").status, 415);
}

/// What is sent to the wrong endpoint would be lost without a word.
#[test]
fn a_mistaken_endpoint_is_said() {
    let serving = Serving::start();
    let (json, protobuf) = (("content-type", "application/json"), ("content-type", "application/x-protobuf"));
    for (path, media, body, status, words) in [
        (RECORDS, json, r#"{"resourceSpans":[]}"#, 400, "it has spans of OTLP, which go to /v1/traces"),
        (RECORDS, json, r#"{"resourceLogs":[]}"#, 400, "it has other signals of OTLP, and only traces are taken"),
        (RECORDS, protobuf, "", 415, "spans of OTLP go to /v1/traces"),
        (TRACES, json, r#"{"resourceMetrics":[]}"#, 400, "it has other signals of OTLP, and only traces are taken"),
        (TRACES, json, r#"{"records":[]}"#, 400, "it has records, which go to /api/v1/records"),
    ] {
        let answer = serving.post(path, &[media], body.as_bytes());
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        assert_eq!((answer.status, told.contains(words)), (status, true), "{path} {body}: {told}");
    }
}

/// A few bytes of a resource that many spans share are looked through for each run. A request of a megabyte took a minute.
#[test]
fn large_resources_have_limits() {
    let serving = Serving::start();
    let json = |size: usize, spans: u64, runs: u64| {
        let span = |n: u64| format!(r#"{{"traceId":"{:032x}","spanId":"{n:016x}"}}"#, 1 + n % runs);
        let spans: Vec<String> = (1..=spans).map(span).collect();
        let value = "x".repeat(size);
        format!(
            r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"k","value":{{"stringValue":"{value}"}}}}]}},"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
            spans.join(",")
        )
    };
    let media = [("content-type", "application/json")];
    let answer = serving.post(TRACES, &media, json(60 << 10, 20_000, 20_000).as_bytes());
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (413, Some(8)), "{answer:?}");
    let begun = Instant::now();
    let answer = serving.post(TRACES, &media, json(60 << 10, 16_000, 4).as_bytes());
    assert_eq!((answer.status, answer.json()), (200, serde_json::json!({})), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

/// Begins a request, and sends so much of its body.
fn begin(serving: &Serving, announced: usize, sent: usize) -> TcpStream {
    let mut stream = TcpStream::connect(serving.address).unwrap();
    let head = format!("POST {RECORDS} HTTP/1.1\r\nhost: {}\r\ncontent-length: {announced}\r\n\r\n", serving.address);
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&vec![b' '; sent]).unwrap();
    stream
}

/// A thousand connections that send a byte and then nothing: everybody else is served as before.
#[test]
fn slow_writers_are_in_nobodys_way() {
    let body = lines(&(0..512).map(|number| span(number, "work")).collect::<Vec<_>>());
    let is_stored_beside_them = || {
        let serving = Serving::start();
        let slow: Vec<TcpStream> = (0..1000).map(|_| begin(&serving, 1000, 1)).collect();
        assert_eq!(serving.records(&body)["stored"], 512);
        // Nobody had to be ended before, as the first of them is after a while.
        slow[0].set_nonblocking(true).unwrap();
        slow[0].peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    // A busy machine may need that long. Who waits for them does so each time.
    assert!((0..4).any(|_| is_stored_beside_them()));
}

/// Clients that together send more than is held are told to come again, and it is all there again when they are gone.
#[test]
fn what_is_held_of_all_is_bounded() {
    let serving = Serving::start();
    let full = (16 << 20) - 1;
    let large: Vec<TcpStream> = (0..13).map(|_| begin(&serving, full + 1, full)).collect();
    let busy = loop {
        let answer = serving.post(RECORDS, &[], &vec![b' '; 15 << 20]);
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!((busy.status, busy.retry_after.as_deref()), (503, Some("1")), "{busy:?}");
    drop(large);
    let begun = Instant::now();
    while serving.post(RECORDS, &[], &vec![b' '; 15 << 20]).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Thirteen clients that send nearly all of a large request, and then a byte now and then, hold nearly all that there is. They are told
/// that they are too slow long before the two minutes that a request may take, and everybody else is served again.
#[test]
fn who_holds_much_must_go_on() {
    let serving = Serving::start();
    let full = (16 << 20) - 64;
    let mut slow: Vec<TcpStream> = (0..12).map(|_| begin(&serving, full + 64, full)).collect();
    let begun = Instant::now();
    let mut was_busy = false;
    loop {
        let busy = serving.post(RECORDS, &[], &vec![b' '; 8 << 20]).status != 200;
        was_busy |= busy;
        if was_busy && !busy {
            break;
        }
        // Refused ones have closed their side.
        slow.iter_mut().for_each(|stream| drop(stream.write_all(b" ")));
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("after {:?}", begun.elapsed());
    let mut told = String::new();
    let _ = slow[0].read_to_string(&mut told);
    assert!(told.starts_with("HTTP/1.1 408 "), "{told}");
}

/// A client that leaves in the middle is forgotten.
#[test]
fn a_request_that_is_cut_off() {
    let serving = Serving::start();
    let mut stream = begin(&serving, 1000, 10);
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    assert_eq!(serving.stored(), [""; 0]);
}
