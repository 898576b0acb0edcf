//! A server that runs while a test does, and how to ask it.
#![allow(dead_code, reason = "each test binary uses some of it")]

use crate::common::{Recording, run};
use serde_json::Value;
use spanbridge::record::Record;
use spanbridge_cli::serve::{Options, Server};
use spanbridge_query::Store;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::oneshot;
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request};

/// A server, and the directory of its store. It ends when this is dropped.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Serves this store.
    pub(crate) fn at(store: &Path) -> Self {
        Self::with(options(store))
    }

    pub(crate) fn with(options: Options) -> Self {
        let ((stop, stopped), (ready, started)) = (oneshot::channel(), mpsc::channel());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let server = Server::bind(options).await.unwrap();
                ready.send((server.url(), server.address())).unwrap();
                server.run(async { drop(stopped.await) }).await;
            });
        });
        let (url, address) = started.recv().unwrap();
        Self { url, address, stop: Some(stop), thread: Some(thread) }
    }

    /// Ends it, and says how long that took.
    pub(crate) fn end(&mut self) -> Duration {
        let began = Instant::now();
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        began.elapsed()
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &[])
    }

    /// JSON, which must be there.
    pub(crate) fn json(&self, path: &str) -> Value {
        let reply = self.get(path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.json()
    }

    pub(crate) fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        let agent: Agent = Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = agent.run(request.body(()).unwrap()).unwrap();
        let bytes = response.body_mut().read_to_vec().unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Reply { status: response.status().as_u16(), headers: response.headers().clone(), text, bytes }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Any free port.
pub(crate) fn options(store: &Path) -> Options {
    Options::new(store).listen("127.0.0.1:0".parse().unwrap())
}

/// A store in a temporary directory.
pub(crate) fn store() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    Store::open_or_create(&path).unwrap();
    (dir, path)
}

/// Stores records as another process would.
pub(crate) fn import(path: &Path, records: impl IntoIterator<Item = Record<'static>>) {
    Store::open_or_create(path).unwrap().import(records).unwrap();
}

/// A run with this number, of two spans.
pub(crate) fn order(n: u64) -> Vec<Record<'static>> {
    let mut shop = Recording::of(run(u128::from(n)), n, "shop");
    vec![
        shop.run_start("order", 0),
        shop.span(n * 8 + 1, 0, "order", 0, 9),
        shop.failed(n * 8 + 2, n * 8 + 1, "pay", 2, 3),
    ]
}
