//! The reqwest middleware, against real servers on the loopback interface.

mod attempts;
mod attributes;
mod bodies;
mod errors;
mod given_up;
mod propagation;
mod support;
