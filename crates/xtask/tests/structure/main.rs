//! Tests of the workspace's structure, which read the source:
//!
//! - no two files of a crate use each other;
//! - a room of the core uses only the rooms before it;
//! - the public API of each library is the committed one, and no two public types of a library have the same name;
//! - a module with children is a directory with a `mod.rs`;
//! - the names of tests are short;
//! - a crate that promises an older Rust has no let chains.

mod api;
mod circles;
mod graph;
mod imports;
mod layout;
mod names;
mod rooms;
mod rust_version;
mod source;
