//! Requests of HTTP.

use super::native::{bytes, text};
use super::replay::Replay;
use super::{Replayer, Transport};
use crate::case::Input;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Version};
use http_body::Body;
use http_body_util::Full;
use std::fmt::Display;
use std::future::poll_fn;
use std::pin::pin;
use tower_service::Service;

const TRANSPORT: Transport = Transport { name: "http", takes: "requests of HTTP" };

impl Replayer {
    /// Hands the request to your service: what you give to your server, with its [`ServerLayer`](spanbridge_http::ServerLayer).
    /// The response is read to its end.
    ///
    /// ```no_run
    /// use spanbridge_http::ServerLayer;
    /// use spanbridge_replay::Replayer;
    /// use std::process::ExitCode;
    ///
    /// fn app() -> axum::Router {
    ///     let answer = || async { "42" };
    ///     axum::Router::new().route("/orders/{id}", axum::routing::get(answer)).layer(ServerLayer::new())
    /// }
    ///
    /// # async fn f() -> Result<ExitCode, Box<dyn std::error::Error>> {
    /// if let Some(replay) = Replayer::from_environment()? {
    ///     return Ok(replay.http(app()).await.finish());
    /// }
    /// // … bind, and serve app()
    /// # Ok(ExitCode::SUCCESS) }
    /// ```
    ///
    /// Values of credentials are not recorded: a handler that checks them finds `REDACTED`, and refuses the request. Put such a check
    /// outside of the service that you give here.
    ///
    /// A service that takes requests with another type of body gets that by tower's `map_request`.
    pub async fn http<S, B>(self, mut service: S) -> Replay
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>>,
        S::Error: Display,
        B: Body,
        B::Error: Display,
    {
        let answer = |request: Request<Full<Bytes>>| async move {
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(|error| error.to_string())?;
            let response = service.call(request).await.map_err(|error| error.to_string())?;
            read(response.into_body()).await.map_err(|error| error.to_string())
        };
        self.handle(TRANSPORT, request, answer).await
    }
}

/// Reads a body to its end, and drops it.
async fn read<B: Body>(body: B) -> Result<(), B::Error> {
    let mut body = pin!(body);
    while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        frame?;
    }
    Ok(())
}

fn request(input: &Input<'_>) -> Option<Request<Full<Bytes>>> {
    let properties = input.properties.as_object()?;
    let version = match properties.get("version")?.as_str()? {
        "HTTP/0.9" => Version::HTTP_09,
        "HTTP/1.0" => Version::HTTP_10,
        "HTTP/1.1" => Version::HTTP_11,
        "HTTP/2.0" => Version::HTTP_2,
        "HTTP/3.0" => Version::HTTP_3,
        _ => return None,
    };
    let mut headers = HeaderMap::new();
    for pair in properties.get("headers")?.as_array()? {
        let name = HeaderName::try_from(text(pair.get(0)?)?).ok()?;
        headers.append(name, HeaderValue::try_from(bytes(pair.get(1)?)?).ok()?);
    }
    let method = text(properties.get("method")?)?;
    let request = Request::builder().method(method.as_str()).uri(text(properties.get("target")?)?).version(version);
    let mut request = request.body(input.payload.as_deref().unwrap_or_default().to_vec().into()).ok()?;
    *request.headers_mut() = headers;
    Some(request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use std::borrow::Cow;

    fn made(properties: Value) -> Option<Request<Full<Bytes>>> {
        request(&Input { properties, payload: Some(Cow::Borrowed(b"{}")) })
    }

    #[test]
    fn a_request_is_made_as_it_was() {
        let request = made(json!({
            "transport": "http", "method": "POST", "target": "/orders?limit=1", "version": "HTTP/1.1",
            "headers": [["host", "shop"], ["x-raw", {"base64": "/w=="}], ["accept", "a"], ["accept", "b"]],
        }))
        .unwrap();
        assert_eq!((request.method().as_str(), request.uri().to_string().as_str()), ("POST", "/orders?limit=1"));
        assert_eq!((request.version(), request.body().size_hint().exact()), (Version::HTTP_11, Some(2)));
        assert_eq!(request.headers()["x-raw"].as_bytes(), [255]);
        assert_eq!(request.headers().get_all("accept").iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn other_forms_are_refused() {
        let good = json!({"method": "GET", "target": "/", "version": "HTTP/2.0", "headers": []});
        assert!(made(good.clone()).is_some());
        for (member, value) in [
            ("method", json!("")),
            ("target", json!("http://[")),
            ("version", json!("2")),
            ("headers", json!([["a b", ""]])),
            ("headers", json!([["a", "\n"]])),
            ("headers", json!({})),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            assert!(made(bad.clone()).is_none(), "{bad}");
        }
    }
}
