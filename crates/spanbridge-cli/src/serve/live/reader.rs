//! One reader: from its request to the end of its stream.

use super::event::COMMENT;
use super::missed::first_event;
use super::update::Interest;
use super::watchers::Watcher;
use crate::answers;
use crate::serve::app::App;
use crate::serve::refusal::Refusal;
use crate::serve::reply::reply;
use crate::serve::request::Parameters;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

/// How long nothing may be sent.
const SILENCE: Duration = Duration::from_secs(15);

pub(in crate::serve) async fn live(
    State(app): State<App>,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response, Refusal> {
    let run = parameters.text("runId")?;
    let (children, records) = (parameters.flag("children")?, parameters.flag("records")?);
    parameters.end()?;
    let last = headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let run = match run {
        Some(id) => Some(app.readers.ask(move |store| Ok(answers::run_of(store, &id)?)).await?),
        None => None,
    };
    let interest = Interest { run, children, records };
    // First, so that nothing is missed between what is asked now and what is told later. It may come twice.
    let watcher = app.live.watch(interest).await?;
    let place = app.store.clone();
    let first =
        move |store: &mut _| Ok(first_event(store, &place, last.as_deref().filter(|id| !id.is_empty()), interest)?);
    let first = app.readers.ask(first).await?;
    let reader = Reader { first: Some(first), watcher, stop: app.stop.clone() };
    let events =
        stream::unfold(reader, |mut reader| async { Some((Ok::<_, Infallible>(reader.next().await?), reader)) });
    let mut response = reply(StatusCode::OK, "text/event-stream", Body::from_stream(events));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies must not gather events.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

struct Reader {
    first: Option<Bytes>,
    watcher: Watcher,
    stop: watch::Receiver<bool>,
}

impl Reader {
    /// The next event, or a comment after a while without one. `None` when the server ends.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        tokio::select! {
            event = event(&mut self.watcher) => event,
            () = tokio::time::sleep(SILENCE) => Some(COMMENT),
            _ = self.stop.wait_for(|stop| *stop) => None,
        }
    }
}

/// The next event that is for this reader.
async fn event(watcher: &mut Watcher) -> Option<Bytes> {
    loop {
        let update = watcher.next().await?;
        if let Some(event) = update.event(watcher.interest()) {
            return Some(event);
        }
    }
}
