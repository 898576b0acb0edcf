//! Carries observability context across queues and serverless calls.
mod ids;
#[cfg(feature = "json")]
mod json_text;
#[cfg(feature = "json")]
pub mod payload;
mod primitive;
#[cfg(feature = "record")]
pub mod record;
#[cfg(feature = "record")]
mod recorder;
mod value;
pub mod w3c;
pub use ids::*;
pub use primitive::*;
#[cfg(feature = "record")]
pub use recorder::*;
pub use value::*;
