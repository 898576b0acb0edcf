//! What holds the structure of the workspace: that no two files of a crate use each other, that the rooms of the core lie
//! in layers, that a change of a public API is seen in review, and that the names of tests are short. All of it is read
//! from the source.

#![expect(dead_code, unused_imports, reason = "the public API files will read it")]

mod circles;
mod graph;
mod imports;
mod names;
mod rooms;
mod source;
