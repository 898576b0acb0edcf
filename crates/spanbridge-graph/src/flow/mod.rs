//! How work flowed through a run: what caused each span, how long it worked and waited, and what the run's duration consists of.
//!
//! `hop` says how work got from one span to another. `nodes` lays the spans of a run and its child runs out in one list, each with
//! what caused it, and finds where clocks contradict each other. `waits` knows when runs were suspended. From these, `times`
//! computes the times of each span, and `walk` the critical path. Everything is linear in the spans, except for sorting.

mod causes;
mod hop;
mod node;
mod nodes;
mod places;
mod times;
mod waits;
mod walk;

#[cfg(test)]
mod tests;
