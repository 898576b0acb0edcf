//! One word on a client.

use super::middleware::ClientMiddleware;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};

/// Gives clients the word `observed`.
pub trait ClientExt: sealed::Sealed {
    /// The same client, with a [`ClientMiddleware`] of the default options. It is the innermost: with a retry middleware, each
    /// attempt has its own span.
    ///
    /// With options, use [`ClientMiddleware`] itself.
    fn observed(&self) -> ClientWithMiddleware;
}

impl ClientExt for reqwest::Client {
    fn observed(&self) -> ClientWithMiddleware {
        ClientBuilder::new(self.clone()).with(ClientMiddleware::new()).build()
    }
}

impl ClientExt for ClientWithMiddleware {
    fn observed(&self) -> ClientWithMiddleware {
        ClientBuilder::from_client(self.clone()).with(ClientMiddleware::new()).build()
    }
}

mod sealed {
    /// Keeps others from implementing [`ClientExt`](super::ClientExt), so that it can get more methods.
    pub trait Sealed {}

    impl Sealed for reqwest::Client {}
    impl Sealed for reqwest_middleware::ClientWithMiddleware {}
}
