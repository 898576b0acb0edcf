//! Keeps spanbridge records: the sink that writes them, and the format.
//!
//! # Recording
//! One line sets up recording from the environment. It cannot stop your service from starting:
//!
//! ```no_run
//! let _recording = spanbridge_store::install_from_env("orders");
//! ```
//!
//! To build a recorder yourself, give it a [`StoreSink`]. Any number of processes may write to the same store at once.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use spanbridge_store::StoreSink;
//!
//! let recorder = spanbridge::Recorder::builder("orders").sink(StoreSink::open_default()?).install()?;
//! # drop(recorder); Ok(()) }
//! ```
//!
//! # Storage
//! A store is a directory. Each sink writes [log files](log) of its own there, bounded by [`Limits`], and whoever asks questions
//! folds them into an index. So applications need no database: this crate has no native code. The crate `spanbridge-query`
//! answers questions.
//!
//! A delivery is written as it comes: a frame with a small directory, and its records in compressed blocks, ordered by run. A run
//! of a dozen spans takes part in most deliveries of its second, so an entry per run or span would cost more than the span itself.
//! What the list of runs needs is kept per delivery as minima, maxima, sums and sets, which merge in any order.
//!
//! The layers, lowest first: `codec` packs records into blocks, `delivery` adds the directory, [`log`] knows the files, and
//! [`StoreSink`] writes them.

#[doc(hidden)]
pub mod codec;
#[doc(hidden)]
pub mod delivery;
mod error;
mod install;
mod location;
pub mod log;
mod path;
mod sink;

pub use error::{Error, ErrorKind};
pub use install::{Recording, install_from_env, try_install_from_env};
pub use location::{Location, resolve};
pub use log::Limits;
#[doc(hidden)]
pub use path::default_directory;
pub use path::default_path;
pub use sink::StoreSink;
