//! A server in this process, and requests to it.

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use spanbridge::record::{Body, End, Record, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};
use spanbridge_cli::serve::{Options, Server};
use spanbridge_query::Store;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) store: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media: String,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

impl Serving {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        let (stop, stopped) = oneshot::channel::<()>();
        let (listens, address) = std::sync::mpsc::channel();
        let options = Options::new(&store).listen((Ipv4Addr::LOCALHOST, 0).into());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let server = Server::bind(options).await.unwrap();
                listens.send(server.address()).unwrap();
                server.run(async { drop(stopped.await) }).await;
            });
        });
        Self { address: address.recv().unwrap(), store, stop: Some(stop), thread: Some(thread), _dir: dir }
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        post(self.address, path, headers, body)
    }

    /// Sends records as lines.
    pub(crate) fn records(&self, body: &[u8]) -> Value {
        let answer = self.post("/api/v1/records", &[("content-type", "application/x-ndjson")], body);
        assert_eq!((answer.status, &*answer.media), (200, "application/json"), "{answer:?}");
        answer.json()
    }

    /// Everything that is stored, as sorted lines.
    pub(crate) fn stored(&self) -> Vec<String> {
        let mut lines = Vec::new();
        Store::open(&self.store).unwrap().records(None, |record| lines.push(record.to_json())).unwrap();
        lines.sort_unstable();
        lines
    }
}

pub(crate) fn post(address: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.post(format!("http://{}{path}", address));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.send(body).unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (media, retry_after) = (header("content-type").unwrap_or_default(), header("retry-after"));
    let body = response.body_mut().with_config().limit(64 << 20).read_to_vec().unwrap();
    Answer { status: response.status().as_u16(), media, retry_after, body }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_some_and(|ended| ended.is_ok()));
    }
}

/// The span with this number, with a name, of a run that it shares with some others.
pub(crate) fn span(number: u64, name: &str) -> Record<'static> {
    let run = u128::from(number / 3) + 1;
    let data = SpanData::new(SpanId::new(number + 1).unwrap(), name.to_owned(), 1_790_000_000_000_000_000 + number);
    let data = data.with_end(Some(End::new(1_790_000_000_000_000_009 + number, Status::Ok)));
    Record::new(SegmentId::new(7).unwrap(), number + 1, "shop", Body::Span(data))
        .of_run(RunId::new(run), TraceId::new(run))
}

pub(crate) fn lines(records: &[Record<'_>]) -> Vec<u8> {
    records.iter().flat_map(|record| (record.to_json() + "\n").into_bytes()).collect()
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}
