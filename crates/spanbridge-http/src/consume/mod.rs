//! The server side: the layer, the span of a request, and its end.

mod body;
mod ending;
mod future;
pub mod gateway;
mod incoming;
mod layer;
mod options;
mod request_body;
mod service;
mod settings;

pub use body::ServerBody;
pub use future::ServerFuture;
pub use layer::ServerLayer;
pub use options::{Http, ReceiveOptions};
pub use service::Server;
