//! What holds the structure of the workspace: that no two files of a crate use each other, that the rooms of the core lie
//! in layers, that a change of a public API is seen in review, and that the names of tests are short. All of it is read
//! from the source.

mod api;
mod circles;
mod graph;
mod imports;
mod names;
mod rooms;
mod source;
