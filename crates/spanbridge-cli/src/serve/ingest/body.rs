//! Reading a request as it arrives.

use super::budget::Held;
use super::limits::MAX_SENT;
use super::refused::Refused;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use std::error::Error;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long a request that is refused is still read, and how much of it: a client that is cut off in the middle may never see why.
const DRAINED_FOR: Duration = Duration::from_secs(2);
const DRAINED: usize = 64 << 20;

/// How long a request may hold how much while it arrives, in bytes times seconds: 16 MiB for 16 seconds, or 1 MiB for two minutes, which
/// any request may take at most. Otherwise a few that send a byte now and then would hold all that others need.
const PATIENCE: f64 = (256 << 20) as f64;

/// Reads a request. Nothing else waits meanwhile: not for a thread, nor for the store.
pub(super) async fn read(headers: &HeaderMap, mut body: Body, held: &mut Held) -> Result<Vec<u8>, Refused> {
    let read = read_some(headers, &mut body, held).await;
    if read.is_err() {
        drain(body).await;
    }
    read
}

async fn read_some(headers: &HeaderMap, body: &mut Body, held: &mut Held) -> Result<Vec<u8>, Refused> {
    let too_large = || Refused::too_large(format!("read the request: it has more than {} MiB", MAX_SENT >> 20));
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_SENT as u64) {
        return Err(too_large());
    }
    // Not what the length says: who announces much may send little.
    let (mut sent, mut patience) = (Vec::new(), PATIENCE);
    loop {
        let begun = Instant::now();
        let frame = timeout(left(patience, sent.len()), body.frame()).await.map_err(|_| Refused::slow())?;
        patience -= sent.len() as f64 * begun.elapsed().as_secs_f64();
        let Some(frame) = frame else { return Ok(sent) };
        let frame = frame.map_err(|e| not_read(&e))?;
        let Ok(data) = frame.into_data() else { continue };
        if sent.len() + data.len() > MAX_SENT {
            return Err(too_large());
        }
        held.grow_to(sent.len() + data.len())?;
        sent.extend_from_slice(&data);
    }
}

/// How long so many bytes may still be held.
fn left(patience: f64, held: usize) -> Duration {
    // Longer than any request may take.
    const ALL: f64 = 3600.0;
    Duration::from_secs_f64((patience.max(0.0) / held.max(1) as f64).min(ALL))
}

/// Bodies have an end in time, whoever sends them.
fn not_read(error: &axum::Error) -> Refused {
    let mut cause = Some(error as &dyn Error);
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            return Refused::slow();
        }
        cause = error.source();
    }
    Refused::malformed("read the request: it is cut off")
}

/// Reads the rest, and forgets it.
pub(super) async fn drain(mut body: Body) {
    let drained = async {
        let mut left = DRAINED;
        while let Some(Ok(frame)) = body.frame().await {
            let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, |data| data.len())) else { return };
            left = rest;
        }
    };
    let _ = timeout(DRAINED_FOR, drained).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_much_has_less_time() {
        for (held, seconds) in [(16 << 20, 16), (2 << 20, 128), (1 << 20, 256), (1, 3600), (0, 3600)] {
            assert_eq!(left(PATIENCE, held), Duration::from_secs(seconds), "{held}");
        }
        assert_eq!(left(PATIENCE / 2.0, 16 << 20), Duration::from_secs(8));
        assert_eq!(left(-1.0, 0), Duration::ZERO);
    }
}
