//! The run graph: what a person looks at, and its JSON.
//!
//! Records come in any order and any number of times. `identity` sorts out the repeated and the contradicting ones, `join`
//! brings the rest together by what they are about, `lifecycle` says what contradicts what, `tree` puts the spans in order, `outline` says what the run is called
//! and how it went, `build` fills in the [model](Graph), and `json` writes it.

mod build;
mod identity;
mod index;
mod join;
mod json;
mod lifecycle;
mod model;
mod outline;
mod tree;
mod values;

pub use model::*;
pub(crate) use outline::Outline;
