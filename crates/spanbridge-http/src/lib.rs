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
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `server` (default) | [`ServerLayer`] |
//! | `axum` | the layer finds axum's route by itself |
//! | `reqwest` | the middleware for clients |

#![cfg_attr(
    not(feature = "server"),
    expect(rustdoc::broken_intra_doc_links, reason = "the docs are written for all features")
)]

#[cfg(feature = "server")]
mod consume;
#[cfg(any(feature = "server", feature = "reqwest"))]
mod describe;

#[cfg(feature = "server")]
pub use consume::{Http, ReceiveOptions, Server, ServerBody, ServerFuture, ServerLayer, gateway};
pub use spanbridge::messaging::{CaptureMode, CapturePolicy, Part, PartKind};
#[cfg(feature = "server")]
pub use spanbridge::messaging::{Relation, Trust};
