//! Very large runs: a graph of bounded size, from records that are read twice and never all in memory.
//!
//! The first reading keeps a small struct of fixed size for each span (`light`; `content` and `seen` recognise repeated and
//! contradictory records without keeping them), and `figures` has what is said of the whole run. `shape` arranges the spans as the
//! graph would. `choose` decides what is shown, also by what spans are tied to (`ties`), and `groups` counts the rest. The second
//! reading keeps the records of what is shown (`build`), from which the usual graph is built; `words` says what is not in it.

mod build;
mod choose;
mod content;
mod figures;
mod groups;
mod light;
mod pass;
mod seen;
mod shape;
mod ties;
mod words;

#[cfg(test)]
mod tests;

pub use build::Selection;
pub use pass::Survey;
