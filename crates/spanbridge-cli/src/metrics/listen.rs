//! `GET /metrics`, for commands that answer nothing else.

use super::MEDIA;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::runtime::Builder;

/// Answers `GET /metrics` at this address with what `text` writes, from a thread of its own, until the process ends. Returns the address,
/// with the port that was chosen if none was given.
///
/// # Errors
/// Somebody else listens there, or there is no thread to be had.
pub fn listen(address: SocketAddr, text: impl Fn() -> String + Send + Sync + 'static) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let text = Arc::new(text);
    let answer = move || {
        let text = text.clone();
        async move { ([(CONTENT_TYPE, MEDIA)], text()) }
    };
    let router = Router::new().route("/metrics", get(answer));
    let serve = async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        axum::serve(listener, router).await
    };
    let thread = std::thread::Builder::new().name("spanbridge-metrics".to_owned());
    thread.spawn(move || runtime.block_on(serve))?;
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn figures_are_answered() {
        let address = listen((Ipv4Addr::LOCALHOST, 0).into(), || "figure 7\n".to_owned()).unwrap();
        let mut answer = ureq::get(format!("http://{address}/metrics")).call().unwrap();
        assert_eq!(answer.headers()["content-type"], MEDIA);
        assert_eq!(answer.body_mut().read_to_string().unwrap(), "figure 7\n");
        let taken = listen(address, String::new).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }
}
