//! The run graph: what a person looks at, and its JSON.

mod model;

pub use model::*;
