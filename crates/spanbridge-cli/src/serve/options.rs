//! What the server is told at its start.

use crate::place::Place;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// What the server is told at its start.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The store. It is made if there is none.
    pub store: Place,
    /// Where to listen. Default: [`Options::LISTEN`]. Port 0 is any free one.
    pub listen: SocketAddr,
    /// Who asks must know it. White space around it does not count. Without one, only loopback addresses are listened on.
    pub token: Option<String>,
    /// Runs in which nothing happened for this long are removed. Default: none.
    pub keep_for: Option<Duration>,
    /// The oldest runs are removed while the store has more bytes than this. Default: none. Not of a database.
    pub keep_bytes: Option<u64>,
    /// Files of the page are read from this directory each time, for those who work on it. Default: those in the binary.
    pub page: Option<PathBuf>,
}

impl Options {
    /// The port of OTLP over HTTP, so that senders find the server without being told.
    pub const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4318);

    /// The defaults, for this store.
    pub fn new(store: impl Into<Place>) -> Self {
        Self { store: store.into(), listen: Self::LISTEN, token: None, keep_for: None, keep_bytes: None, page: None }
    }

    /// Listens here.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Asks everyone for this token.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }
}

/// Without the token.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, listen, token, keep_for, keep_bytes, page } = self;
        f.debug_struct("Options")
            .field("store", store)
            .field("listen", listen)
            .field("has_token", &token.is_some())
            .field("keep_for", keep_for)
            .field("keep_bytes", keep_bytes)
            .field("page", page)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_not_shown() {
        let shown = format!("{:?}", Options::new("/store").token("open sesame"));
        assert!(shown.contains("has_token: true") && !shown.contains("sesame"), "{shown}");
    }
}
