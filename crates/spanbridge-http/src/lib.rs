//! spanbridge for HTTP: a tower layer for servers (axum, hyper, tonic) and a reqwest middleware for clients.
//!
//! # Servers
//!
//! One layer restores the caller's context and runs each request in an `http.server` span:
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # fn app() -> axum::Router {
//! use axum::{Router, extract::Path, routing::get};
//! use spanbridge::observe;
//! use spanbridge_http::ServerLayer;
//!
//! async fn order(Path(id): Path<u64>) -> String {
//!     // Under the span `GET /orders/{id}`, which is under the caller's span.
//!     observe::span("find order").attribute("order.id", id).run_value(async || format!("order {id}")).await
//! }
//!
//! Router::new().route("/orders/{id}", get(order)).layer(ServerLayer::new())
//! # }
//! ```
//!
//! The span is open until the last byte of the response, and says how that came about: [`ServerLayer`] lists every end. For a
//! server that strangers can reach, write [`ServerLayer::public()`](ServerLayer::public). What a gateway decides before the
//! handler is called is recorded with [`gateway`].
//!
//! # Clients
//!
//! With the feature `reqwest`, one word on a client gives each request an `http.client` span, and carries the span's context to
//! the server. What you send and what you get are reqwest's own, through `reqwest-middleware`:
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")]
//! # async fn f() -> reqwest_middleware::Result<()> {
//! use spanbridge_http::ClientExt;
//!
//! let client = reqwest::Client::new().observed();
//! let orders = client.get("https://shop.example.com/orders").send().await?.text().await?;
//! # Ok(())
//! # }
//! ```
//!
//! The span is open until the body of the response has been read, and says how that came about: [`ClientMiddleware`] lists every
//! end, and has the options. URLs and the texts of errors are recorded without their secrets.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `server` (default) | [`ServerLayer`] |
//! | `axum` | the layer finds axum's route by itself, and can record the bodies of requests |
//! | `reqwest` | [`ClientMiddleware`] and [`ClientExt::observed`] |

#![cfg_attr(
    not(all(feature = "server", feature = "reqwest")),
    expect(rustdoc::broken_intra_doc_links, reason = "the docs are written for all features")
)]

#[cfg(feature = "server")]
mod consume;
#[cfg(any(feature = "server", feature = "reqwest"))]
mod describe;
#[cfg(any(feature = "server", feature = "reqwest"))]
mod passing;
#[cfg(feature = "reqwest")]
mod produce;

#[cfg(feature = "server")]
pub use consume::{Http, ReceiveOptions, Server, ServerBody, ServerFuture, ServerLayer, gateway};
#[cfg(feature = "reqwest")]
pub use produce::{ClientExt, ClientMiddleware, ResendCount, UrlTemplate};
pub use spanbridge::messaging::{CaptureMode, CapturePolicy, Part, PartKind};
#[cfg(feature = "server")]
pub use spanbridge::messaging::{Relation, Trust};
