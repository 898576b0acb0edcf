//! How long the body of a request may take.

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long the next part may take.
const PART: Duration = Duration::from_secs(20);

/// How long all of it may take.
const WHOLE: Duration = Duration::from_secs(120);

/// Gives the body of a request an end in time. Reading it fails then.
pub(in crate::serve) async fn limit_body_time(request: Request, next: Next) -> Response {
    next.run(request.map(|body| limited(body, PART, WHOLE))).await
}

fn limited(body: Body, part: Duration, whole: Duration) -> Body {
    let end = Instant::now() + whole;
    let parts = stream::unfold(Some(body.into_data_stream()), move |body| async move {
        let mut body = body?;
        match next(&mut body, end.min(Instant::now() + part)).await? {
            Ok(part) => Some((Ok(part), Some(body))),
            // The connection is closed then.
            Err(error) => Some((Err(error), None)),
        }
    });
    Body::from_stream(parts)
}

async fn next(body: &mut BodyDataStream, until: Instant) -> Option<io::Result<Bytes>> {
    match timeout_at(until, body.next()).await {
        Ok(part) => Some(part?.map_err(io::Error::other)),
        Err(_) => Some(Err(io::Error::new(io::ErrorKind::TimedOut, "the body took too long"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn run<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test)
    }

    #[test]
    fn a_body_that_stops_ends_with_an_error() {
        let parts = stream::iter([Ok::<_, io::Error>("first")]).chain(stream::pending());
        let body = limited(Body::from_stream(parts), Duration::from_millis(10), Duration::from_secs(60));
        assert!(run(body.collect()).is_err());
    }

    #[test]
    fn a_body_that_drips_ends_with_an_error() {
        let parts = stream::repeat_with(|| Ok::<_, io::Error>("x")).then(|part| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            part
        });
        let body = limited(Body::from_stream(parts), Duration::from_secs(60), Duration::from_millis(30));
        assert!(run(body.collect()).is_err());
    }

    #[test]
    fn a_body_in_time_is_read_whole() {
        let body = limited(Body::from("whole"), Duration::from_secs(60), Duration::from_secs(60));
        assert_eq!(run(body.collect()).unwrap().to_bytes(), "whole");
    }
}
