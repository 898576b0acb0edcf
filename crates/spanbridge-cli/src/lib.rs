//! What the `spanbridge` binary prints, for programs that want to print the same.
//!
//! ```
//! # fn show(graph: &spanbridge_store::graph::Graph) {
//! use spanbridge_cli::{render, terminal};
//!
//! // As wide and as coloured as standard output shows it. `Options::default()` asks nobody: 100 columns, no colour.
//! print!("{}", render::tree(graph, &terminal::options()));
//! # }
//! ```
//!
//! The binary's commands and arguments are not part of this library.

pub mod render;
pub mod terminal;
