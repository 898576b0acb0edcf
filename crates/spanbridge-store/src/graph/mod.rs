//! The run graph: what a person looks at, and its JSON.
//!
//! Records come in any order and any number of times. `identity` sorts out the repeated and the contradicting ones, `join`
//! brings the rest together by what they are about, `lifecycle` says what contradicts what, `tree` puts the spans in
//! order, `outline` says what the run is called and how it went, `build` fills in the [model](Graph), `derive` concludes
//! what no single process knows, and `json` writes it. `gaps` says what is missing.

mod build;
mod derive;
mod gaps;
mod identity;
mod index;
mod join;
mod json;
mod lifecycle;
mod message;
mod model;
mod outline;
mod tree;
mod values;

pub(crate) use derive::edges_between;
pub use gaps::{Checkup, Gap, GapKind};
pub use model::*;
pub(crate) use outline::Outline;
