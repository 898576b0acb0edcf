//! Renders what the `spanbridge` binary shows, for programs that want to print the same.
//!
//! ```
//! # fn show(graph: &spanbridge_graph::Graph) {
//! use spanbridge_cli::{render, terminal};
//!
//! // As wide and as coloured as standard output allows. `Options::default()` has 100 columns and no colour.
//! print!("{}", render::tree(graph, &terminal::options()));
//! # }
//! ```
//!
//! The binary's commands and arguments are not part of this library.

pub mod answers;
pub mod export;
#[cfg(feature = "postgres")]
pub mod follow;
pub mod followed;
pub mod import;
pub mod metrics;
pub mod place;
pub mod render;
pub mod replay;
#[cfg(feature = "serve")]
pub mod serve;
pub mod terminal;
#[cfg(feature = "tui")]
pub mod tui;
pub mod values;
