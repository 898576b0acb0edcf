//! The setting that names the writer, sent together with a statement.
//!
//! The client sends a message when its future is polled for the first time, and the server works on messages in their order. So
//! three futures that are polled one after the other, by nobody else meanwhile, are three messages that belong together.

use crate::postgres::session::{Tag, TagEnd};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use tokio_postgres::Client;

/// Held while messages that belong together are sent, which waits for nothing.
#[derive(Debug, Default)]
pub(super) struct Order(Mutex<()>);

/// Runs a call of the client under a tag. `waits`: also until the end of the tag is answered. A call that returns before its
/// last row is here must not, because the answer comes behind the rows.
pub(super) async fn tagged<F: Future>(
    client: &Client,
    order: &Order,
    tag: Option<Tag>,
    waits: bool,
    call: F,
) -> F::Output {
    let Some(tag) = tag else { return call.await };
    let end = tag.end.sql();
    let (mut begun, mut call) = (pin!(client.batch_execute(&tag.begin)), pin!(call));
    let mut ended = pin!(client.batch_execute(end));
    let mut owed = OwedEnd { client, end, is_owed: false };
    let (mut is_sent, mut is_begun, mut output, mut is_ended) = (false, false, None, None);
    let output = poll_fn(|cx| {
        let _alone = (!is_sent).then(|| order.0.lock().unwrap_or_else(PoisonError::into_inner));
        owed.is_owed = !is_sent;
        is_begun = is_begun || begun.as_mut().poll(cx).is_ready();
        if output.is_none()
            && let Poll::Ready(value) = call.as_mut().poll(cx)
        {
            output = Some(value)
        }
        if is_ended.is_none()
            && let Poll::Ready(result) = ended.as_mut().poll(cx)
        {
            is_ended = Some(result.is_ok() || client.is_closed())
        }
        (owed.is_owed, is_sent) = (false, true);
        match output.take_if(|_| is_ended.is_some() || !waits) {
            Some(value) => Poll::Ready(value),
            None => Poll::Pending,
        }
    })
    .await;
    if is_ended == Some(false) && matches!(tag.end, TagEnd::Reset(_)) {
        // A cancellation that came too late for the statement has met the end of the tag.
        let _ = client.batch_execute(end).await;
    }
    output
}

/// Sends the end of a tag that has begun, if the call between them panics.
struct OwedEnd<'a> {
    client: &'a Client,
    end: &'a str,
    is_owed: bool,
}

impl Drop for OwedEnd<'_> {
    fn drop(&mut self) {
        if self.is_owed {
            send(self.client, self.end)
        }
    }
}

/// Sends statements, and waits for no answer.
pub(super) fn send(client: &Client, sql: &str) {
    let _ = pin!(client.batch_execute(sql)).poll(&mut Context::from_waker(Waker::noop()));
}
