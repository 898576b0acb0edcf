//! Connections: how many, and how long each may keep us waiting.

mod body;
mod files;
mod timed;

use axum::Router;
pub(super) use body::limit_body_time;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use timed::Timed;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

/// How long the head of a request may take, and how long a connection may be idle between two.
const HEAD: Duration = Duration::from_secs(30);

/// How long to wait after an error of the operating system, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// How long answers may go on after the end was asked for.
const GRACE: Duration = Duration::from_secs(5);

const MAX_HEADERS: usize = 64;
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Places for connections. While all are taken, others wait until one of them ends.
pub(super) struct Connections {
    places: Arc<Semaphore>,
    all: usize,
}

impl Connections {
    pub(super) fn new() -> Self {
        let all = files::max_connections();
        Self { places: Arc::new(Semaphore::new(all)), all }
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.all.saturating_sub(self.places.available_permits())
    }
}

/// Serves connections until `stop` is true. Then it takes no new ones, and gives open requests a moment.
pub(super) async fn serve(
    listener: TcpListener,
    router: Router,
    connections: &Connections,
    mut stop: watch::Receiver<bool>,
) {
    let places = &connections.places;
    let mut tasks = JoinSet::new();
    loop {
        let next = async {
            let place = places.clone().acquire_owned().await;
            (listener.accept().await, place)
        };
        tokio::select! {
            (accepted, place) = next => match accepted {
                Ok((stream, _)) => {
                    let serving = connection(stream, router.clone(), stop.clone());
                    tasks.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            Some(_) = tasks.join_next() => {}
            () = stopped(&mut stop) => break,
        }
    }
    drop(listener);
    let all = async { while tasks.join_next().await.is_some() {} };
    // Whoever is still there is cut off, when the set is dropped.
    let _ = tokio::time::timeout(GRACE, all).await;
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Nobody is left to say so: that is the end, too.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn connection(stream: TcpStream, router: Router, mut stop: watch::Receiver<bool>) -> impl Future<Output = ()> + Send {
    // Answers and events are written whole.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    async move {
        let mut builder = Builder::new(TokioExecutor::new()).http1_only();
        let mut http = builder.http1();
        http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_headers(MAX_HEADERS).max_buf_size(MAX_HEAD_BYTES);
        let mut serving = pin!(builder.serve_connection(TokioIo::new(Timed::new(stream)), service));
        tokio::select! {
            _ = serving.as_mut() => return,
            () = stopped(&mut stop) => serving.as_mut().graceful_shutdown(),
        }
        // Errors are the client's: it has left, or was too slow.
        let _ = serving.await;
    }
}
