//! HTTP services on this machine: axum with spanbridge's layer.

use crate::services::in_service;
use anyhow::Context as _;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use spanbridge::Recorder;
use spanbridge_http::ServerLayer;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A service that listens on a free port.
pub(crate) struct HttpService {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

impl HttpService {
    /// Serves these routes as this service.
    pub(crate) async fn start(service: &Recorder, routes: Router) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("failed to listen on a free port")?;
        let address = listener.local_addr()?;
        let service = service.clone();
        // Only because the services of the demo share a process.
        let as_service = from_fn(move |request: Request, next: Next| {
            let service = service.clone();
            async move { in_service(&service, || next.run(request)).await }
        });
        let app = routes.layer(ServerLayer::new()).layer(as_service);
        let (stop, stopped) = oneshot::channel();
        let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
        Ok(HttpService { address, stop, task: tokio::spawn(server.into_future()) })
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Stops, after the requests that it is still answering.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}
