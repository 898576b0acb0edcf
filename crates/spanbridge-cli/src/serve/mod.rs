//! The server of `spanbridge serve`: the web page, the questions as JSON, live events and the collector.
//!
//! ```no_run
//! # async fn run() -> Result<(), spanbridge_cli::serve::Error> {
//! use spanbridge_cli::serve::{Options, Server};
//!
//! let options = Options::new("/var/lib/spanbridge/store");
//! let server = Server::bind(options).await?;
//! println!("{}", server.url());
//! server.run(async { drop(tokio::signal::ctrl_c().await) }).await;
//! # Ok(()) }
//! ```
//!
//! One process over one store: a directory, which is folded all along, or a database. Questions are asked on threads of their own, a few
//! at a time.
//!
//! The layers, from below: [`stores`](self) ask; handlers answer; [`router`](self) has every path; guards stand before it; connections
//! are bounded in number and time.

mod app;
mod assets;
mod compress;
mod connection;
mod database;
mod error;
mod files;
mod folding;
mod guard;
mod health;
mod ingest;
mod live;
mod meter;
mod metrics;
mod openapi;
mod options;
mod page;
mod read;
mod refusal;
mod reply;
mod request;
mod room;
mod router;
pub mod rows;
mod server;
mod stores;
mod upkeep;

pub use error::{Error, ErrorKind};
#[doc(hidden)]
pub use ingest::check::check_request;
pub use options::Options;
pub use server::{Server, run};
