//! What is recorded of errors: a class by kind, and a text without URLs.

use crate::support::*;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use http::Extensions;
use reqwest::dns::{Name, Resolve, Resolving};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Middleware, Next};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use spanbridge_graph::SpanStatus;
use spanbridge_graph::testing::record_async;
use spanbridge_http::{ClientExt, ClientMiddleware};
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What every part of a URL may hide.
const SECRETS: &str = "/path-5ecret-token/a?token=query-5ecret&sig=5ecret#5ecret";

/// The class and the text of the error of a request, which the caller gets as it is.
async fn error(client: ClientWithMiddleware, url: &str) -> (String, String) {
    let recorded = record_async(|| async {
        let mut request = Request::new(http::Method::GET, url.parse().unwrap());
        *request.timeout_mut() = Some(SOON);
        client.execute(request).await.unwrap_err()
    });
    let recorded = recorded.await;
    let (status, class, text) = end(recorded.span("GET"));
    assert_eq!(status, SpanStatus::Error);
    for secret in ["5ecret", "://", "pa55", "u5er"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    (class, text.to_owned())
}

#[tokio::test]
async fn a_refused_connection() {
    let (class, text) = error(client(), &format!("http://u5er:pa55@127.0.0.1:1{SECRETS}")).await;
    assert_eq!(class, "connect");
    assert!(text.starts_with("error sending request: client error (Connect): tcp connect error"), "{text}");
    assert!(text.contains("onnection refused"), "{text}");
}

/// A resolver whose error quotes everything it knows.
struct Loud(String);

impl Resolve for Loud {
    fn resolve(&self, name: Name) -> Resolving {
        let error = format!("no address for {} of {}", name.as_str(), self.0);
        Box::pin(async { Err(error.into()) })
    }
}

#[tokio::test]
async fn a_name_that_does_not_resolve() {
    let url = format!("http://u5er:pa55@nowhere.invalid{SECRETS}");
    let resolver = Arc::new(Loud(url.clone()));
    let client = reqwest::Client::builder().no_proxy().dns_resolver(resolver).build().unwrap();
    let (class, text) = error(client.observed(), &url).await;
    assert_eq!(class, "dns");
    assert!(text.ends_with("no address for nowhere.invalid of REDACTED"), "{text}");
    let real = error(crate::support::client(), &url).await;
    assert_eq!(real.0, "dns");
}

/// A server that says nothing: reqwest's time limit is an error, unlike a caller's.
#[tokio::test]
async fn a_timeout_before_the_headers() {
    let silent = serve(Router::new().fallback(std::future::pending::<()>)).await;
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(50)).build().unwrap();
    let url = format!("http://{silent}{SECRETS}");
    let recorded = record_async(|| async { client.observed().get(&url).send().await.unwrap_err() }).await;
    assert!(recorded.output.is_timeout());
    let (status, class, text) = end(recorded.span("GET"));
    assert_eq!(
        (status, class.as_str(), text),
        (SpanStatus::Error, "timeout", "error sending request: operation timed out")
    );
}

#[tokio::test]
async fn a_circle_of_redirects() {
    let again = get(async || Redirect::temporary("/again?sig=5ecret&token=5ecret-of-redirect"));
    let address = serve(Router::new().fallback_service(again)).await;
    let (class, text) = error(client(), &format!("http://{address}{SECRETS}")).await;
    assert_eq!((class.as_str(), text.as_str()), ("redirect", "error following redirect: too many redirects"));
}

#[tokio::test]
async fn a_scheme_that_is_none() {
    let (class, text) = error(client(), &format!("ftp://u5er:pa55@example.com{SECRETS}")).await;
    assert_eq!((class.as_str(), text.as_str()), ("builder", "builder error: URL scheme is not allowed"));
}

/// Something answers that does not speak HTTP.
#[tokio::test]
async fn an_answer_that_is_none() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let _ = connection.read(&mut [0; 4096]).await;
        let _ = connection.write_all(b"SSH-2.0-OpenSSH\r\n\r\n").await;
    });
    let (class, text) = error(client(), &format!("http://{address}{SECRETS}")).await;
    assert_eq!(class, "request");
    assert!(text.contains("invalid HTTP version"), "{text}");
}

/// An error that quotes, and so does its source.
#[derive(Debug)]
struct Quotes(String, Option<Box<Quotes>>);

impl fmt::Display for Quotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Quotes {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|source| source as _)
    }
}

/// A middleware that refuses, and says what.
struct Refuses;

#[async_trait::async_trait]
impl Middleware for Refuses {
    async fn handle(&self, request: Request, _: &mut Extensions, _: Next<'_>) -> reqwest_middleware::Result<Response> {
        let url = request.url();
        let texts = [
            format!("not allowed to go to <{url}>"),
            format!("{:?} may not see {}", url.username(), url.path()),
            format!("password {} of {:?}", url.password().unwrap(), url),
            format!("query {:?} (see https://help.example.com/?sig=5ecret)", url.query()),
            "the token query-5ecret is old".to_owned(),
        ];
        let chain = texts.into_iter().rev().fold(None, |source, text| Some(Box::new(Quotes(text, source))));
        Err(reqwest_middleware::Error::middleware(*chain.unwrap()))
    }
}

/// Texts of others are searched for all that a URL may hide, through all sources.
#[tokio::test]
async fn an_error_of_another_middleware() {
    let client = ClientBuilder::new(plain()).with(ClientMiddleware::new()).with(Refuses).build();
    let (class, text) = error(client, &format!("http://u5er:pa55@example.com{SECRETS}")).await;
    assert_eq!(class, "_OTHER");
    assert!(
        text.starts_with("not allowed to go to <REDACTED>: \"REDACTED\" may not see REDACTED: password REDACTED"),
        "{text}"
    );
    assert!(text.ends_with(": query Some(\"REDACTED\") (see REDACTED): the token REDACTED is old"), "{text}");
}

/// Around a retry, the error is that of the retry, and the class that of what reqwest said.
#[tokio::test]
async fn an_error_after_retries() {
    let at_once = ExponentialBackoff::builder().retry_bounds(Duration::from_nanos(1), Duration::from_nanos(2));
    let client = ClientBuilder::new(plain())
        .with(ClientMiddleware::new())
        .with(RetryTransientMiddleware::new_with_policy(at_once.build_with_max_retries(2)))
        .build();
    let (class, text) = error(client, &format!("http://u5er:pa55@127.0.0.1:1{SECRETS}")).await;
    assert_eq!(class, "connect");
    assert!(
        text.starts_with("Request failed after 2 retries: error sending request: client error (Connect)"),
        "{text}"
    );
}
