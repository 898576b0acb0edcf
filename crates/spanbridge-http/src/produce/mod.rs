//! The client side: requests that are sent.

mod attempt;
mod body;
mod ext;
mod extensions;
mod middleware;
mod replayed;

pub use ext::ClientExt;
pub use extensions::{ResendCount, UrlTemplate};
pub use middleware::ClientMiddleware;
