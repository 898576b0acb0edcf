//! An HTTP server in a task.

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// A running HTTP server. It stops when it is dropped.
#[derive(Debug)]
pub(super) struct Server(AbortHandle);

impl Server {
    pub(super) fn serve(listener: TcpListener, router: axum::Router) -> Self {
        Server(tokio::spawn(async move { axum::serve(listener, router).await }).abort_handle())
    }

    pub(super) fn end(&self) {
        self.0.abort()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end()
    }
}
