//! A receiver of OTLP over HTTP, for what services in other languages export.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use spanbridge_otel::otlp;
use spanbridge_otel::otlp::model::Span;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Keeps the body of every request to `/v1/traces` as it came, and accepts it. It ends with the test's runtime.
#[derive(Debug)]
pub struct OtlpReceiver {
    address: SocketAddr,
    requests: Requests,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct OtlpRequest {
    /// Its `Content-Type`, `Content-Encoding` and `Transfer-Encoding`.
    pub form: [Option<String>; 3],
    /// Its body, as it was sent.
    pub body: Bytes,
}

type Requests = Arc<Mutex<Vec<OtlpRequest>>>;

impl OtlpReceiver {
    /// Listens on a free port.
    ///
    /// # Panics
    ///
    /// There is none.
    pub async fn start() -> Self {
        let requests = Requests::default();
        let app = Router::new().route("/v1/traces", axum::routing::post(keep));
        let app = app.layer(DefaultBodyLimit::disable()).with_state(requests.clone());
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async { axum::serve(listener, app).await });
        OtlpReceiver { address, requests }
    }

    /// What a sender needs to know: `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What has come so far.
    pub fn requests(&self) -> Vec<OtlpRequest> {
        self.requests.lock().expect("requests").clone()
    }

    /// The spans that have come so far.
    ///
    /// # Panics
    ///
    /// A request cannot be read.
    pub fn spans(&self) -> Vec<Span<'static>> {
        let mut spans = vec![];
        for request in self.requests() {
            let read = otlp::read_file(
                &request.body[..],
                |_, _, span| spans.push(span.into_owned()),
                |_, why| panic!("{why}: {request:?}"),
            );
            assert_eq!(read.expect("a request").rejected, 0);
        }
        spans
    }

    /// Writes the body of each request to a file of its own, for `spanbridge import --from otlp`.
    ///
    /// # Panics
    ///
    /// The files cannot be written.
    pub fn save(&self, directory: &Path) -> Vec<PathBuf> {
        let requests = self.requests().into_iter().enumerate();
        requests
            .map(|(number, request)| {
                let file = directory.join(format!("request-{number}"));
                std::fs::write(&file, &request.body).expect("a file");
                file
            })
            .collect()
    }
}

async fn keep(State(requests): State<Requests>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let form = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::TRANSFER_ENCODING]
        .map(|name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned));
    requests.lock().expect("requests").push(OtlpRequest { form, body });
    StatusCode::OK
}
