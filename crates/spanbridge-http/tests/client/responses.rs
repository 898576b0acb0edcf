//! Responses that are recorded: as they pass, as far as the policy says.

use crate::support::*;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{any, get};
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use spanbridge::record::{Artifact, Body as Content, Record};
use spanbridge_graph::testing::record_async;
use spanbridge_http::{CaptureMode, CapturePolicy, ClientMiddleware, PartKind};
use std::convert::Infallible;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const KIB: usize = 1024;
const WHOLE: CaptureMode = CaptureMode::Whole { max: 64 * KIB };

fn with(capture: impl Into<CapturePolicy>) -> ClientWithMiddleware {
    ClientBuilder::new(plain()).with(ClientMiddleware::new().capture(capture)).build()
}

fn artifacts(records: &[Record<'static>], kind: &str) -> Vec<Artifact<'static>> {
    let of = |record: &Record<'static>| match &record.body {
        Content::Artifact(artifact) if artifact.kind == kind => Some(artifact.clone()),
        _ => None,
    };
    records.iter().filter_map(of).collect()
}

fn diagnostics(records: &[Record<'static>]) -> Vec<String> {
    let of = |record: &Record<'static>| match &record.body {
        Content::Diagnostic(diagnostic) => Some(diagnostic.code.to_string()),
        _ => None,
    };
    records.iter().filter_map(of).collect()
}

/// What is recorded of a response as `output`: its media type, its size, what is there of it, and the rest.
async fn output(
    client: &ClientWithMiddleware,
    url: String,
) -> (Option<(String, u64, Option<String>)>, Vec<Record<'static>>) {
    let recorded = record_async(|| async { client.get(url).send().await.unwrap().bytes().await }).await;
    let records = recorded.records().to_vec();
    let all = artifacts(&records, "output");
    assert!(all.len() <= 1, "{all:?}");
    let of = |a: &Artifact<'_>| (a.content_type.to_string(), a.size_bytes, a.preview.as_deref().map(str::to_owned));
    (all.first().map(of), records)
}

/// Pieces of a chunked body, then trailers.
fn pieces(count: usize, size: usize) -> Body {
    let data = stream::iter(0..count).map(move |n| Frame::data(Bytes::from(vec![b'a' + (n % 26) as u8; size])));
    let trailers = HeaderMap::from_iter([(http::HeaderName::from_static("x-sum"), HeaderValue::from_static("7"))]);
    let all = data.chain(stream::iter([Frame::trailers(trailers)])).map(Ok::<_, Infallible>);
    Body::new(StreamBody::new(all))
}

fn app() -> Router {
    let sized = || async { ([("content-type", "application/json")], r#"{"id":17}"#) };
    let gzip = || async { ([("content-encoding", "gzip")], vec![0x1f, 0x8b, 8, 0]) };
    let secret = || async { ([("set-cookie", "session=5ecret"), ("x-odd", "\u{e4}")], "hello") };
    Router::new()
        .route("/sized", any(sized))
        .route("/chunked", get(async || pieces(3, 10)))
        .route("/large", get(async || pieces(160, 64 * KIB)))
        .route("/large-sized", get(async || vec![b'x'; 10 * KIB * KIB]))
        .route("/gzip", get(gzip))
        .route("/secret", get(secret))
        .route("/none", get(async || StatusCode::NO_CONTENT))
        .route("/unmodified", get(async || StatusCode::NOT_MODIFIED))
        .route("/failed", get(async || (StatusCode::BAD_GATEWAY, "out of paper")))
        .route(
            "/slow",
            get(async || Body::from_stream(stream::iter([Ok::<_, Infallible>("hel")]).chain(stream::pending()))),
        )
}

/// As much is recorded as was asked for, whether the body says its length or not; the caller gets all of it.
#[tokio::test]
async fn a_response_is_its_output() {
    let address = serve(app()).await;
    let url = |path: &str| format!("http://{address}{path}");
    let json = "application/json".to_owned();
    let whole = (json.clone(), 9, Some(r#"{"id":17}"#.to_owned()));
    assert_eq!(output(&with(WHOLE), url("/sized")).await.0, Some(whole.clone()));
    assert_eq!(output(&with(CaptureMode::Inline { max: 9 }), url("/sized")).await.0, Some(whole));
    let inline = with(CaptureMode::Inline { max: 4 });
    assert_eq!(output(&inline, url("/sized")).await.0, Some((json.clone(), 9, Some(r#"{"id"#[..4].to_owned()))));
    let hashed = CapturePolicy::from(CaptureMode::Reference).hashed();
    let (told, records) = output(&with(hashed), url("/sized")).await;
    assert_eq!(told, Some((json, 9, None)));
    let hash = artifacts(&records, "output")[0].hash.clone();
    assert_eq!(
        hash,
        artifacts(&output(&with(CapturePolicy::from(WHOLE).hashed()), url("/sized")).await.1, "output")[0].hash
    );
    for nothing in [CaptureMode::Reference, CaptureMode::Off] {
        assert_eq!(output(&with(nothing), url("/sized")).await.0, None);
    }
    assert_eq!(output(&client(), url("/sized")).await.0, None);

    let unknown = "application/octet-stream".to_owned();
    let letters = "aaaaaaaaaabbbbbbbbbbcccccccccc".to_owned();
    assert_eq!(output(&with(WHOLE), url("/chunked")).await.0, Some((unknown.clone(), 30, Some(letters))));
    // As it passes: nothing is decoded that reqwest does not decode.
    let (gzip, _) = output(&with(WHOLE), url("/gzip")).await;
    assert_eq!(gzip, Some((unknown, 4, Some("1f8b0800".to_owned()))));
    let (failed, _) = output(&with(WHOLE), url("/failed")).await;
    assert_eq!(failed.unwrap().2.as_deref(), Some("out of paper"));
}

/// 10 MB and more, with a bound of 64 KiB: all of it passes, and the beginning is recorded.
#[tokio::test]
async fn a_large_response_is_cut() {
    let address = serve(app()).await;
    for path in ["/large", "/large-sized"] {
        let recorded = record_async(|| async {
            let response = with(CapturePolicy::from(WHOLE).hashed()).get(format!("http://{address}{path}"));
            response.send().await.unwrap().bytes().await.unwrap()
        })
        .await;
        let artifact = &artifacts(recorded.records(), "output")[0];
        assert_eq!((artifact.size_bytes, recorded.output.len()), (10 << 20, 10 << 20));
        assert_eq!(artifact.preview.as_deref().unwrap().as_bytes(), &recorded.output[..4 * KIB]);
        let whole = record_async(|| async {
            spanbridge::observe::span("all")
                .run_value(async || {
                    let span = spanbridge::observe::active_span().unwrap();
                    let policy = CapturePolicy::from(CaptureMode::Reference).hashed();
                    let mut copy = policy.streamed("output", "a/b", None).unwrap();
                    copy.passed(&recorded.output);
                    copy.ended(span.context())
                })
                .await
        })
        .await;
        assert_eq!(artifact.hash, artifacts(whole.records(), "output")[0].hash, "of all of it");
    }
}

/// What breaks off, or is given up, says so by its size. Nothing is said of what nobody reads.
#[tokio::test]
async fn an_incomplete_response_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let breaks = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let _ = connection.read(&mut [0; 4096]).await;
            let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhel").await;
        }
    });
    let (told, _) = output(&with(WHOLE), format!("http://{breaks}/")).await;
    let unknown = "application/octet-stream".to_owned();
    assert_eq!(told, Some((unknown.clone(), 100, Some("hel".to_owned()))));

    let address = serve(app()).await;
    let recorded = record_async(|| async {
        let mut response = with(WHOLE).get(format!("http://{address}/slow")).send().await.unwrap();
        assert_eq!(response.chunk().await.unwrap().as_deref(), Some(&b"hel"[..]));
        drop(response);
        drop(with(WHOLE).get(format!("http://{address}/sized")).send().await.unwrap());
    })
    .await;
    let [one] = &artifacts(recorded.records(), "output")[..] else { panic!("{:?}", recorded.records()) };
    assert_eq!((one.size_bytes, one.preview.as_deref(), &one.hash), (4, Some("hel"), &None));
    assert_eq!(artifacts(recorded.records(), "output.properties").len(), 2);
}

/// A response without a body has an empty one. After an upgrade there is no response.
#[tokio::test]
async fn without_a_body_the_output_is_empty() {
    let address = serve(app()).await;
    for path in ["/none", "/unmodified"] {
        let (told, _) = output(&with(WHOLE), format!("http://{address}{path}")).await;
        assert_eq!(told.map(|(_, size, text)| (size, text)), Some((0, Some(String::new()))), "{path}");
    }
    let recorded = record_async(|| async {
        with(WHOLE).head(format!("http://{address}/sized")).send().await.unwrap().bytes().await.unwrap()
    })
    .await;
    assert_eq!(artifacts(recorded.records(), "output")[0].size_bytes, 0);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        assert_ne!(connection.read(&mut [0; 4096]).await.unwrap(), 0);
        let head = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nping";
        connection.write_all(head).await.unwrap();
    });
    let recorded = record_async(|| async {
        let request = with(WHOLE).get(format!("http://{address}/"));
        let request = request.header("connection", "upgrade").header("upgrade", "echo");
        let mut connection = request.send().await.unwrap().upgrade().await.unwrap();
        let mut answer = [0; 4];
        connection.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
    })
    .await;
    assert!(artifacts(recorded.records(), "output").is_empty());
}

/// Version and headers stand beside it, without credentials.
#[tokio::test]
async fn a_response_has_its_properties() {
    let address = serve(app()).await;
    let (_, records) = output(&with(WHOLE), format!("http://{address}/secret")).await;
    let artifact = &artifacts(&records, "output.properties")[0];
    let json: serde_json::Value = serde_json::from_str(artifact.preview.as_deref().unwrap()).unwrap();
    assert_eq!((&*artifact.content_type, &json["version"]), ("application/json", &"HTTP/1.1".into()));
    let headers = json["headers"].as_array().unwrap();
    assert!(headers.contains(&serde_json::json!(["set-cookie", "REDACTED"])), "{json}");
    assert!(headers.contains(&serde_json::json!(["x-odd", "\u{e4}"])), "{json}");
    assert!(!artifact.preview.as_deref().unwrap().contains("5ecret"));
    for mode in [CaptureMode::Inline { max: 100 }, CaptureMode::Reference] {
        let (_, records) = output(&with(mode), format!("http://{address}/secret")).await;
        assert!(artifacts(&records, "output.properties").is_empty());
    }
}

/// The hook sees a whole body, in however many pieces it comes. What it cannot see is not recorded, and what it fails for
/// neither.
#[tokio::test]
async fn the_hook_sees_a_whole_response() {
    let address = serve(app()).await;
    let url = |path: &str| format!("http://{address}{path}");
    let hook = CapturePolicy::from(WHOLE).redact(|part| {
        if part.kind() == PartKind::Payload {
            let text = std::str::from_utf8(part.bytes())?.replace("abb", "***");
            part.replace(text)
        }
        Ok::<_, std::str::Utf8Error>(())
    });
    let client = with(hook);
    let (told, records) = output(&client, url("/chunked")).await;
    assert_eq!(told.unwrap().2.as_deref(), Some("aaaaaaaaa***bbbbbbbbcccccccccc"));
    assert!(diagnostics(&records).is_empty());
    for path in ["/large", "/large-sized"] {
        let (told, records) = output(&client, url(path)).await;
        assert_eq!(told.map(|(_, size, text)| (size, text)), Some((10 << 20, None)), "{path}");
        assert_eq!(diagnostics(&records), ["redaction.failed"]);
    }
    let (told, records) = output(&client, url("/gzip")).await;
    assert_eq!((told, diagnostics(&records)), (None, vec!["redaction.failed".to_owned()]));

    let panics = CapturePolicy::from(WHOLE).redact(|part| -> Result<(), &str> {
        match part.kind() {
            PartKind::Payload | PartKind::Header(_) => panic!("no"),
            _ => Ok(()),
        }
    });
    let (told, records) = output(&with(panics), url("/sized")).await;
    assert_eq!((told, artifacts(&records, "output.properties").len()), (None, 0));
    assert!(diagnostics(&records).iter().all(|code| code == "redaction.failed"));
}
