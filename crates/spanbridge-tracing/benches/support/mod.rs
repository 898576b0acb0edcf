//! The harness of the core's benches.

#[path = "../../../spanbridge/benches/support/allocations.rs"]
pub(crate) mod allocations;
#[path = "../../../spanbridge/benches/support/bench.rs"]
pub(crate) mod bench;
#[path = "../../../spanbridge/benches/support/clock.rs"]
pub(crate) mod clock;
#[path = "../../../spanbridge/benches/support/harness.rs"]
pub(crate) mod harness;
#[path = "../../../spanbridge/benches/support/worker.rs"]
pub(crate) mod worker;
