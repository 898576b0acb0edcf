//! A stream out of a future that sends its items.

use futures_core::Stream;
use futures_core::stream::BoxStream;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

/// Where the future puts the item that it sends.
pub(super) struct Sender<T>(Arc<Mutex<Option<T>>>);

impl<T> Sender<T> {
    /// Sends an item, and goes on when the next one is asked for.
    pub(super) async fn send(&self, item: T) {
        put(&self.0, Some(item));
        let mut is_sent = false;
        poll_fn(|_| match std::mem::replace(&mut is_sent, true) {
            true => Poll::Ready(()),
            // The stream returns the item now, so it is polled again.
            false => Poll::Pending,
        })
        .await
    }
}

fn put<T>(place: &Mutex<Option<T>>, item: Option<T>) -> Option<T> {
    std::mem::replace(&mut *place.lock().unwrap_or_else(PoisonError::into_inner), item)
}

struct Sent<F, T> {
    /// `None` when it has ended.
    work: Option<Pin<Box<F>>>,
    place: Arc<Mutex<Option<T>>>,
}

/// The stream of what a future sends. An error of the future is its last item.
pub(super) fn stream<'e, T, E, F>(work: impl FnOnce(Sender<T>) -> F) -> BoxStream<'e, Result<T, E>>
where
    T: Send + 'e,
    E: 'e,
    F: Future<Output = Result<(), E>> + Send + 'e,
{
    let place = Arc::new(Mutex::new(None));
    let work = work(Sender(place.clone()));
    Box::pin(Sent { work: Some(Box::pin(work)), place })
}

impl<F: Future<Output = Result<(), E>>, T, E> Stream for Sent<F, T> {
    type Item = Result<T, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(work) = &mut self.work else { return Poll::Ready(None) };
        match work.as_mut().poll(cx) {
            Poll::Pending => {
                let item = put(&self.place, None);
                Poll::Ready(Some(Ok(ready!(item.map_or(Poll::Pending, Poll::Ready)))))
            }
            Poll::Ready(result) => {
                self.work = None;
                Poll::Ready(result.err().map(Err))
            }
        }
    }
}
