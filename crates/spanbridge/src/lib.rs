//! Carries observability context across queues and serverless calls.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private;
#[cfg(feature = "record")]
mod buffer;
pub mod carrier;
#[cfg(feature = "record")]
mod clock;
mod context;
pub mod current;
mod ids;
#[cfg(feature = "record")]
mod intake;
pub mod observe;
mod outcome;
mod primitive;
#[cfg(feature = "record")]
pub mod record;
#[cfg(feature = "record")]
mod recorder;
mod recording;
#[cfg(feature = "record")]
mod sampler;
mod span;
mod value;
pub mod w3c;

pub use context::Context;
pub use current::ContextExt;
pub use ids::*;
pub use outcome::Outcome;
pub use primitive::*;
#[cfg(feature = "record")]
pub use recorder::*;
#[cfg(feature = "record")]
pub use sampler::Sampler;
#[cfg(feature = "macros")]
#[doc = include_str!("observe_attribute.md")]
pub use spanbridge_macros::observe;
pub use value::*;
