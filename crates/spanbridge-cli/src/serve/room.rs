//! Memory for answers that clients have not taken yet.

use super::refusal::Refusal;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of answers that wait for their clients, of all together.
const ROOM: usize = 256 << 20;

/// Smaller answers do not count.
const LEAST: usize = 64 << 10;

/// What is counted.
const UNIT: usize = 1 << 10;

/// The memory that all answers share. Copies are the same.
#[derive(Clone)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn new() -> Self {
        Self::of(ROOM)
    }

    fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / UNIT)))
    }

    /// Takes room for an answer of so many bytes, or all that there is for one that is larger. `None` if others have it.
    fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let units = bytes.min(ROOM).div_ceil(UNIT);
        self.0.clone().try_acquire_many_owned(u32::try_from(units).unwrap_or(u32::MAX)).ok()
    }
}

/// A large answer has its part of the memory until the client has taken it. While many clients that do not read have it all, others
/// are told to come again; small answers are given all along.
pub(super) async fn hold(State(room): State<Room>, request: Request, next: Next) -> Response {
    let is_data = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let size = response.body().size_hint().exact().and_then(|size| usize::try_from(size).ok());
    match size {
        Some(size) if is_data && size >= LEAST => held(&room, response, size).await,
        _ => response,
    }
}

async fn held(room: &Room, response: Response, size: usize) -> Response {
    let Some(permit) = room.take(size) else { return Refusal::busy().into_response() };
    let (head, body) = response.into_parts();
    // It is whole already.
    let bytes = body.collect().await.map(|all| all.to_bytes()).unwrap_or_default();
    Response::from_parts(head, Body::from(Bytes::from_owner(Held { bytes, _permit: permit })))
}

/// An answer, and its part of the memory.
struct Held {
    bytes: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;

    /// While clients do not take what they asked for, others are told to come again.
    #[test]
    fn answers_that_wait_are_bounded() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let room = Room::of(3 * LEAST);
            let answer = || Response::new(Body::from(vec![b'x'; LEAST]));
            let mut waiting = Vec::new();
            for _ in 0..3 {
                waiting.push(held(&room, answer(), LEAST).await);
            }
            assert_eq!(held(&room, answer(), LEAST).await.status(), StatusCode::SERVICE_UNAVAILABLE);
            drop(waiting.pop());
            let mut last = held(&room, answer(), LEAST).await;
            assert_eq!(last.body().size_hint().exact(), Some(LEAST as u64));
            let taken = last.body_mut().collect().await.unwrap().to_bytes();
            assert_eq!(taken, vec![b'x'; LEAST]);
            assert!(room.take(1).is_none());
            drop(taken);
            assert!(room.take(LEAST).is_some());
        });
    }

    #[test]
    fn one_answer_may_be_larger_than_the_room() {
        let room = Room::new();
        let all = room.take(usize::MAX);
        assert!(all.is_some() && room.take(1).is_none());
    }
}
