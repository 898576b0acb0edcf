//! A replay answers requests, and none leaves.

use crate::support::*;
use http::HeaderValue;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use spanbridge::adapter::{OutboundCall, Recorded as Then, RecordedArtifact, RecordedError, Reply};
use spanbridge::conformance::{Answers, Asked};
use spanbridge::messaging::{CaptureMode, CapturePolicy, PartKind};
use spanbridge_graph::SpanStatus;
use spanbridge_graph::testing::{RecordOptions, Recorded};
use spanbridge_http::ClientMiddleware;
use std::sync::Mutex;
use std::time::Duration;

/// What the work returned and what was recorded of it, and what was asked: of headers those that are looked at here.
async fn replay<F: Future>(
    answer: impl Fn(&OutboundCall<'_>) -> Reply + Send + Sync + 'static,
    work: impl FnOnce() -> F,
) -> (Recorded<F::Output>, Vec<String>) {
    let answers = Answers::new(answer);
    let recorded = RecordOptions::new().stand_in(answers.clone()).record_async(work).await;
    let line = |asked: &Asked| {
        let looked_at = asked.headers.iter().filter(|(name, _)| name.starts_with("x-") || name == "authorization");
        let headers = looked_at.map(|(name, value)| format!(" {name}={}", String::from_utf8_lossy(value)));
        asked.to_string() + &headers.collect::<String>()
    };
    (recorded, answers.asked().iter().map(line).collect())
}

fn properties() -> RecordedArtifact {
    let json =
        br#"{"version": "HTTP/2", "headers": [["content-type", "application/json"], ["x-a", "1"], ["x-a", "2"]]}"#;
    RecordedArtifact::new("output.properties", *json)
}

fn ok(body: &str) -> Then {
    Then::new()
        .with_attribute("http.response.status_code", 200)
        .with_attribute("network.protocol.version", "2")
        .with_artifact(RecordedArtifact::new("output", body).content_type("application/json"))
}

/// The caller gets reqwest's own response, with all that was recorded of it; the server sees no request.
#[tokio::test]
async fn a_response_is_made_again() {
    let echo = Echo::start().await;
    let url = echo.url("/orders?sig=5ecret#top");
    let answer = |_: &OutboundCall<'_>| ok(r#"{"total": 3}"#).with_artifact(properties()).into();
    let (recorded, asked) = replay(answer, || async {
        let request =
            client().post(&url).header("x-tenant", "acme").header("authorization", "Bearer 5ecret").body("{}");
        let response = request.send().await.unwrap();
        let seen = (response.status(), response.version(), response.url().clone(), response.headers().clone());
        (seen, response.text().await.unwrap())
    })
    .await;
    let ((status, version, seen_url, headers), body) = &recorded.output;
    assert_eq!((status.as_u16(), *version, body.as_str()), (200, http::Version::HTTP_2, r#"{"total": 3}"#));
    assert_eq!(seen_url.as_str(), url);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(
        headers.get_all("x-a").iter().collect::<Vec<_>>(),
        ["1", "2"].map(HeaderValue::from_static).iter().collect::<Vec<_>>()
    );
    assert_eq!(
        asked,
        [format!("http.client POST {} {{}} x-tenant=acme authorization=REDACTED", echo.url("/orders?sig=REDACTED"))]
    );
    let span = recorded.span("POST");
    assert_eq!((span.status, attribute(span, "http.response.status_code").as_str()), (SpanStatus::Ok, "200"));
    assert!(echo.seen().is_empty());
}

/// A request that is refused fails by the text of the replay, and nothing connects.
#[tokio::test]
async fn a_refused_request_connects_to_nothing() {
    let echo = Echo::start().await;
    let refuse = |_: &OutboundCall<'_>| Reply::refused("a replay refused the call: no such call was recorded");
    let (recorded, asked) =
        replay(refuse, async || client().post(echo.url("/")).body("{}").send().await.unwrap_err()).await;
    assert!(recorded.output.is_middleware());
    assert_eq!(recorded.output.to_string(), "a replay refused the call: no such call was recorded");
    let span = recorded.span("POST");
    assert_eq!(end(span).2, "a replay refused the call: no such call was recorded");
    assert_eq!((asked.len(), echo.seen().len()), (1, 0));
}

/// What was asked for by name is made.
#[tokio::test]
async fn a_live_request_is_made() {
    let echo = Echo::start().await;
    let (recorded, _) =
        replay(|_| Reply::Live, async || client().get(echo.url("/")).send().await.unwrap().text().await.unwrap()).await;
    assert_eq!((recorded.output.as_str(), echo.seen().len()), ("hello", 1));
}

fn failed(class: &'static str, text: &'static str) -> impl Fn(&OutboundCall<'_>) -> Reply {
    move |_| Then::new().with_error(RecordedError::new(text).of_class(class)).into()
}

/// A recorded error is one of reqwest's of the same kind, so that whoever asks what it is decides as before.
#[tokio::test]
async fn an_error_is_of_its_kind() {
    let echo = Echo::start().await;
    for class in ["timeout", "connect", "dns", "redirect", "request", "_OTHER"] {
        let text = "error sending request: it did not work";
        let url = echo.url("/");
        let (recorded, _) = replay(failed(class, text), async || client().get(&url).send().await.unwrap_err()).await;
        let error = &recorded.output;
        assert_eq!(error.is_timeout(), class == "timeout", "{class}");
        assert_eq!(error.is_connect(), matches!(class, "timeout" | "connect" | "dns"), "{class}");
        if let reqwest_middleware::Error::Reqwest(error) = error {
            assert_eq!((error.is_dns(), error.url().unwrap().as_str()), (class == "dns", url.as_str()));
        } else {
            assert_eq!(error.to_string(), text, "{class}");
        }
        let span = recorded.span("GET");
        assert_eq!(end(span), (SpanStatus::Error, class.to_owned(), text));
    }
    assert!(echo.seen().is_empty());
}

/// Retries take a recorded timeout for one, so that the second recorded answer is asked for, too.
#[tokio::test]
async fn a_retry_decides_as_before() {
    let echo = Echo::start().await;
    let answers = Mutex::new(vec![ok("done"), Then::new().with_error(RecordedError::new("late").of_class("timeout"))]);
    let policy = ExponentialBackoff::builder().retry_bounds(Duration::ZERO, Duration::ZERO).build_with_max_retries(3);
    let (recorded, asked) = replay(
        move |_| answers.lock().unwrap().pop().unwrap().into(),
        || async {
            let retries = RetryTransientMiddleware::new_with_policy(policy);
            let client: ClientWithMiddleware =
                ClientBuilder::new(plain()).with(retries).with(ClientMiddleware::new()).build();
            client.get(echo.url("/")).send().await.unwrap().text().await.unwrap()
        },
    )
    .await;
    assert_eq!((recorded.output.as_str(), asked.len(), echo.seen().len()), ("done", 2, 0));
}

/// A body that was not recorded fails only who reads it; one that broke off breaks off again.
#[tokio::test]
async fn a_body_is_as_it_was() {
    let echo = Echo::start().await;
    let status = |code| Then::new().with_attribute("http.response.status_code", code);
    let read = async |answer: Then| {
        let url = echo.url("/");
        let (recorded, _) = replay(
            move |_| answer.clone().into(),
            || async {
                let response = client().get(&url).send().await.unwrap();
                let status = response.status().as_u16();
                (status, response.text().await.map_err(|error| format!("{error:?}")))
            },
        )
        .await;
        recorded.output
    };
    let (code, body) = read(status(200)).await;
    assert_eq!(code, 200);
    assert!(body.unwrap_err().contains("a replay refused to read the body of a response"));
    assert_eq!(read(status(204)).await, (204, Ok(String::new())));
    let broke_off = status(200).with_error(RecordedError::new("error reading a body: broken pipe").of_class("body"));
    assert!(read(broke_off).await.1.unwrap_err().contains("error reading a body: broken pipe"));
    let missing = status(404).with_error(RecordedError::new("404 Not Found").of_class("404"));
    let missing = missing.with_artifact(RecordedArtifact::new("output", "no such order"));
    assert_eq!(read(missing).await, (404, Ok("no such order".to_owned())));
    assert!(echo.seen().is_empty());
}

/// It is asked about as it was recorded: what the redaction hook replaced then is replaced now.
#[tokio::test]
async fn it_is_asked_as_it_was_recorded() {
    let capture = CapturePolicy::from(CaptureMode::Inline { max: 100 }).redact(|part| {
        match part.kind() {
            PartKind::Url => part.replace("http://shop/orders/*"),
            PartKind::Payload => part.replace("{}"),
            _ => {}
        }
        Ok::<_, std::convert::Infallible>(())
    });
    let (_, asked) = replay(
        |_| ok("").into(),
        || async {
            let client = ClientBuilder::new(plain()).with(ClientMiddleware::new().capture(&capture)).build();
            client.post("http://127.0.0.1:1/orders/7").body("a name").send().await.unwrap()
        },
    )
    .await;
    assert_eq!(asked, ["http.client POST http://shop/orders/* {}"]);
}
