//! Answers are packed with gzip if the client takes it and it is worth it.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use std::io::Write;

/// Smaller answers fit into a packet as they are.
const LEAST: u64 = 1024;

/// Larger answers are packed on a thread that may take its time.
const QUICK: u64 = 32 * 1024;

pub(super) async fn compress(request: Request, next: Next) -> Response {
    let wanted = accepts_gzip(request.headers());
    let mut response = next.run(request).await;
    let text = response.headers().get(header::CONTENT_TYPE).is_some_and(is_text);
    if text {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    let packed = response.headers().contains_key(header::CONTENT_ENCODING);
    // A stream has no exact size. It is never packed: its parts must arrive at once.
    match response.body().size_hint().exact() {
        Some(size) if wanted && text && !packed && size >= LEAST => pack(response, size).await,
        _ => response,
    }
}

async fn pack(response: Response, size: u64) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(whole) = body.collect().await.map(|all| all.to_bytes()) else {
        return Response::from_parts(head, Body::empty());
    };
    let packed = match size {
        0..QUICK => gzip(&whole),
        _ => {
            let whole = whole.clone();
            tokio::task::spawn_blocking(move || gzip(&whole)).await.ok().flatten()
        }
    };
    let Some(packed) = packed else { return Response::from_parts(head, whole.into()) };
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, packed.into())
}

fn gzip(whole: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(whole.len() / 4), Compression::fast());
    encoder.write_all(whole).ok()?;
    encoder.finish().ok()
}

fn is_text(media: &HeaderValue) -> bool {
    let media = media.as_bytes();
    media.starts_with(b"text/") || media.starts_with(b"application/") || media.starts_with(b"image/svg")
}

/// Whether gzip is among what the client takes: RFC 9110, section 12.5.3. A weight of 0 is a refusal.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let weight = |wanted: &str| {
        let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        lists.flat_map(|list| list.split(',')).find_map(|one| {
            let (name, parameters) = one.split_once(';').unwrap_or((one, ""));
            let weight = parameters.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
            name.trim().eq_ignore_ascii_case(wanted).then_some(weight)
        })
    };
    weight("gzip").or_else(|| weight("*")).is_some_and(|weight: f32| weight > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_only_where_the_client_takes_it() {
        for (value, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("identity", false),
            ("gzip;q=0", false),
            ("gzip; q=0.0, *", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, value.parse().unwrap())]);
            assert_eq!(accepts_gzip(&headers), expected, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
