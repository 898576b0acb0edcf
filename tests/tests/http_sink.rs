//! A sink that sends what is recorded to a `spanbridge serve`: the real one, in this process, and with faults between them.

use flate2::read::GzDecoder;
use serde_json::Value;
use spanbridge::{Memory, Recorder, RecorderBuilder, Report, observe};
use spanbridge_cli::serve::{Options, Server};
use spanbridge_otel::HttpSink;
use spanbridge_query::Store;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

const SOON: Duration = Duration::from_secs(60);

/// A server in this process. It ends when it is dropped.
struct Serving {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    fn start(store: &Path) -> Self {
        Self::with(Options::new(store).listen((Ipv4Addr::LOCALHOST, 0).into()))
    }

    fn with(options: Options) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (listens, address) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let server = Server::bind(options).await.unwrap();
                listens.send(server.address()).unwrap();
                server.run(async { drop(stopped.await) }).await;
            });
        });
        Self { address: address.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}

struct Place {
    path: PathBuf,
    _dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { path: dir.path().join("store"), _dir: dir }
    }

    /// Everything that is stored, as sorted lines.
    fn stored(&self) -> Vec<String> {
        let mut lines = Vec::new();
        Store::open(&self.path).unwrap().records(None, |record| lines.push(record.to_json())).unwrap();
        lines.sort_unstable();
        lines
    }
}

/// A recorder with a sink to this address, and another one that keeps every record.
fn builder(url: impl Into<String>) -> (RecorderBuilder, Memory) {
    let memory = Memory::new();
    let sink = HttpSink::to(url).open().unwrap();
    (Recorder::builder("shop").sink(memory.clone()).sink(sink).interval(Duration::from_millis(5)), memory)
}

/// Spans of every kind of end, with attributes, events and text that JSON must escape.
fn record(recorder: &Recorder, runs: usize) {
    recorder.in_scope(|| {
        for number in 0..runs {
            let order = observe::run("order \"7\"\n\u{1f375}").attribute("number", number).open();
            observe::in_scope(order.context(), || {
                observe::span("pack").attribute("half", 0.5).in_scope(|| {
                    observe::event("packed", &[("left", (-1).into())]);
                    let _ = observe::span("label").in_scope(|| Err::<(), _>("no paper"));
                });
            });
            order.end();
        }
    });
}

fn in_memory(memory: &Memory) -> Vec<String> {
    let mut lines: Vec<String> = memory.records().iter().map(|record| record.to_json()).collect();
    lines.sort_unstable();
    lines
}

/// Created is delivered, rejected, dropped or left.
#[track_caller]
fn check_counts(report: &Report, memory: &Memory) {
    let sink = report.sinks.iter().find(|sink| sink.name == "http").unwrap();
    assert_eq!(sink.delivered + sink.rejected + sink.dropped + sink.left, memory.records().len() as u64, "{report:?}");
}

fn last_error(report: &Report) -> String {
    report.sinks.iter().find(|sink| sink.name == "http").unwrap().last_error.clone().unwrap_or_default()
}

/// What one sink keeps in memory and the other sends is the same in the store, record by record.
#[test]
fn everything_arrives_as_it_was_recorded() {
    let place = Place::new();
    let serving = Serving::start(&place.path);
    let (recorder, memory) = builder(serving.url());
    let recorder = recorder.build().unwrap();
    std::thread::scope(|scope| (0..4).for_each(|_| _ = scope.spawn(|| record(&recorder, 50))));
    let report = recorder.shutdown(SOON);
    assert!(report.complete && last_error(&report).is_empty(), "{report:?}");
    check_counts(&report, &memory);
    assert_eq!(place.stored(), in_memory(&memory));
    let runs = Store::open(&place.path).unwrap().runs(&spanbridge_query::RunFilter::default(), 999).unwrap();
    assert_eq!((runs.len(), runs[0].spans), (200, 2));
}

/// A server that goes and comes back at the same address: what was recorded meanwhile arrives, and each record once.
#[test]
fn a_server_down_and_up_again() {
    let (place, port) = (Place::new(), xtask::Port::reserve().unwrap());
    let address = (Ipv4Addr::LOCALHOST, port.number()).into();
    let serving = Serving::with(Options::new(&place.path).listen(address));
    let (recorder, memory) = builder(serving.url());
    let recorder = recorder.build().unwrap();
    record(&recorder, 10);
    assert!(recorder.flush_blocking(SOON).complete);
    drop(serving);
    record(&recorder, 10);
    let flushed = recorder.flush(SOON);
    let begun = Instant::now();
    while !last_error(&recorder.report()).contains("did not answer") {
        assert!(begun.elapsed() < SOON);
        std::thread::yield_now();
    }
    drop(flushed);
    let report = recorder.flush_blocking(Duration::from_millis(300));
    assert!(!report.complete && last_error(&report).contains("did not answer"), "{report:?}");
    check_counts(&report, &memory);
    let serving = Serving::with(Options::new(&place.path).listen(address));
    assert!(recorder.flush_blocking(SOON).complete);
    let report = recorder.shutdown(SOON);
    assert!(report.complete, "{report:?}");
    assert_eq!(place.stored(), in_memory(&memory));
    drop(serving);
}

/// Passes requests on to the server, and loses some answers, which the client must not take for anything else.
fn lossy(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let Ok(mut client) = client else { return };
            let Ok(mut upstream) = TcpStream::connect(server) else { continue };
            let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            std::thread::spawn(move || {
                let mut answer = [0; 4096];
                while let Ok(read @ 1..) = upstream.read(&mut answer) {
                    if number % 3 != 2 {
                        // The request was taken, and nobody hears of it.
                        let _ = client.shutdown(Shutdown::Both);
                        return;
                    }
                    if client.write_all(&answer[..read]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// Of three answers two are lost. The same batch comes again and again, and nothing is there twice.
#[test]
fn lost_answers_cost_nothing() {
    let place = Place::new();
    let serving = Serving::start(&place.path);
    let (recorder, memory) = builder(format!("http://{}", lossy(serving.address)));
    let recorder = recorder.on_flush_only().build().unwrap();
    for _ in 0..5 {
        record(&recorder, 20);
        assert!(recorder.flush_blocking(SOON).complete);
    }
    let report = recorder.shutdown(SOON);
    assert!(report.complete && last_error(&report).contains("did not answer"), "{report:?}");
    check_counts(&report, &memory);
    assert_eq!(place.stored(), in_memory(&memory));
}

/// Passes one request on, whose fourth line is no record any more.
fn corrupting(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        client.read_exact(&mut body).unwrap();
        let mut lines = String::new();
        GzDecoder::new(&body[..]).read_to_string(&mut lines).unwrap();
        let lines: Vec<_> = lines.lines().enumerate().map(|(n, line)| if n == 3 { "none" } else { line }).collect();
        let body = lines.join("\n");
        let mut upstream = TcpStream::connect(server).unwrap();
        let head = format!(
            "POST /api/v1/records HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        upstream.write_all((head + &body).as_bytes()).unwrap();
        std::io::copy(&mut upstream, &mut client).unwrap();
    });
    address
}

/// One of many records is damaged on its way. The receipt names it, and the others are stored.
#[test]
fn one_of_many_is_rejected() {
    let place = Place::new();
    let serving = Serving::start(&place.path);
    let (recorder, memory) = builder(format!("http://{}", corrupting(serving.address)));
    let recorder = recorder.on_flush_only().build().unwrap();
    recorder.in_scope(|| (0..9).for_each(|_| observe::span("pack").in_scope(|| ())));
    let report = recorder.shutdown(SOON);
    check_counts(&report, &memory);
    let rejected = report.sinks.iter().find(|sink| sink.name == "http").unwrap().rejected;
    assert_eq!((rejected, report.complete), (1, true), "{report:?}");
    assert!(last_error(&report).starts_with("failed to read a record"), "{report:?}");
    let mut expected: Vec<String> = memory.records().iter().map(|record| record.to_json()).collect();
    expected.remove(3);
    expected.sort_unstable();
    assert_eq!(place.stored(), expected);
}

/// A batch that is too large for one request goes in several.
#[test]
fn a_huge_batch_is_split() {
    let place = Place::new();
    let serving = Serving::start(&place.path);
    let (recorder, memory) = builder(serving.url());
    let recorder = recorder.memory_limit(512 << 20).on_flush_only().build().unwrap();
    recorder.in_scope(|| {
        for number in 0..20_000 {
            let text = if number % 100 == 0 { "x".repeat(60 << 10) } else { String::new() };
            observe::span("pack").attribute("text", text).in_scope(|| ());
        }
    });
    let report = recorder.shutdown(SOON);
    assert!(report.complete, "{report:?}");
    assert_eq!(place.stored(), in_memory(&memory));
    assert!(place.stored().iter().map(String::len).sum::<usize>() > 16 << 20);
}

/// The records of a wrong token are rejected at once, and the report says why.
#[test]
fn a_wrong_token_is_told() {
    let place = Place::new();
    let serving = Serving::with(Options::new(&place.path).listen((Ipv4Addr::LOCALHOST, 0).into()).token("right"));
    for (token, says) in
        [(None, "the server wants a token"), (Some("wrong"), "is not this server's token"), (Some("right"), "")]
    {
        let memory = Memory::new();
        let sink = HttpSink::to(serving.url());
        let sink = token.into_iter().fold(sink, |sink, token: &str| sink.token(token)).open().unwrap();
        let recorder = Recorder::builder("shop").sink(memory.clone()).sink(sink).on_flush_only().build().unwrap();
        record(&recorder, 1);
        let report = recorder.shutdown(SOON);
        check_counts(&report, &memory);
        assert!(last_error(&report).contains(says), "{report:?}");
        assert!(!last_error(&report).contains("wrong"), "a token is shown");
    }
    assert!(!place.stored().is_empty());
}

/// Nobody answers: the end comes in time, and says what is left.
#[test]
fn a_shutdown_is_bounded() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    for url in [format!("http://{}", silent.local_addr().unwrap()), "http://127.0.0.1:9".to_owned()] {
        let (recorder, memory) = builder(url);
        let recorder = recorder.build().unwrap();
        record(&recorder, 10);
        let begun = Instant::now();
        let report = recorder.shutdown(Duration::from_millis(500));
        // A request has five seconds.
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert!(!report.complete, "{report:?}");
        let sink = report.sinks.iter().find(|sink| sink.name == "http").unwrap();
        assert_eq!((sink.delivered, sink.left + sink.dropped), (0, memory.records().len() as u64), "{report:?}");
    }
}

/// What carries records is not recorded itself: when the application is silent, nothing more is stored.
#[test]
fn sending_records_is_not_recorded() {
    let place = Place::new();
    let serving = Serving::start(&place.path);
    let sink = HttpSink::to(serving.url()).open().unwrap();
    let telemetry = spanbridge_otel::Exporter::url(format!("{}/v1/traces", serving.url()));
    let telemetry = spanbridge_otel::Telemetry::new("shop").exporter(telemetry);
    let recorder = spanbridge_otel::WithTelemetry::with_telemetry(Recorder::builder("shop").sink(sink), telemetry);
    // For the whole process, as an application has it: the server's threads are observed, too.
    let recorder = recorder.unwrap().interval(Duration::from_millis(5)).install().unwrap();
    observe::span("pack").in_scope(|| ());
    assert!(recorder.flush_blocking(SOON).complete);
    let stored = place.stored();
    for _ in 0..20 {
        assert!(recorder.flush_blocking(SOON).complete);
    }
    assert_eq!(place.stored(), stored);
    assert!(recorder.shutdown(SOON).complete);
    let names: Vec<Value> = stored.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(names.iter().all(|record| record["name"].is_null() || record["name"] == "pack"), "{names:?}");
}
