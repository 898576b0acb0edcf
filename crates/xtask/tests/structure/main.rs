//! Tests of the workspace's structure, which read the source:
//!
//! - no two files of a crate use each other;
//! - a room of the core uses only the rooms before it;
//! - the public API of each library is the committed one;
//! - the names of tests are short.

mod api;
mod circles;
mod graph;
mod imports;
mod names;
mod rooms;
mod source;
