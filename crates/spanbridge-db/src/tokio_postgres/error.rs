//! tokio-postgres's errors, as they are recorded.

use crate::postgres::call::ClientError;
use spanbridge::adapter::Refused;
use std::borrow::Cow;
use std::error::Error as _;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{Error, NoTls};

/// The way to a server that takes nothing.
struct Nowhere(Option<Refused>);

impl Nowhere {
    fn error(&mut self) -> io::Error {
        match self.0.take() {
            Some(refused) => io::Error::new(io::ErrorKind::PermissionDenied, refused),
            None => io::ErrorKind::BrokenPipe.into(),
        }
    }
}

impl AsyncRead for Nowhere {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.error()))
    }
}

impl AsyncWrite for Nowhere {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(self.error()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(self.error()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl ClientError for Error {
    fn state(&self) -> Option<Cow<'_, str>> {
        self.code().map(|state| Cow::Borrowed(state.code()))
    }

    fn text(&self) -> String {
        match (self.as_db_error(), self.source()) {
            // Its details may have values of the row.
            (Some(error), _) => error.message().to_owned(),
            (None, Some(cause)) => format!("{self}: {cause}"),
            (None, None) => self.to_string(),
        }
    }

    /// tokio-postgres lets nobody make an error, so this is that of a connection that is refused: nothing leaves, and its text is
    /// `error communicating with the server: ` and ours.
    async fn refused(refused: Refused) -> Self {
        let mut config = tokio_postgres::Config::new();
        match config.user("replay").connect_raw(Nowhere(Some(refused)), NoTls).await {
            Err(error) => error,
            Ok(_) => unreachable!("what cannot be written to cannot answer"),
        }
    }
}
