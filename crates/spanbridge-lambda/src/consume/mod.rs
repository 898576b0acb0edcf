//! Handling events with `lambda_runtime`.

mod api;
mod attribute;
mod batch;
mod batch_response;
mod breaker;
mod deadline;
mod drive;
mod flush;
mod headers;
mod in_flight;
mod invocation;
mod late_panic;
mod layer;
mod log;
mod options;
mod order;
mod record_capture;
mod records;
mod response;
mod run;
mod service;
mod settings;
mod setup;
mod signals;
mod snapstart;
mod stream;
mod watchdog;

pub use attribute::handling;
pub use batch_response::{BatchError, BatchResponse};
pub use layer::ObservedLayer;
pub use options::FunctionOptions;
pub use records::{Records, for_each_record};
pub use run::{run, run_concurrent};
pub use service::observed;
pub use snapstart::snapstart;
