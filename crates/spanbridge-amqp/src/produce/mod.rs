//! Publishing.

mod channel;
mod confirm;
mod transaction;

pub use channel::{ChannelExt, ObservedChannel};
pub use confirm::ObservedConfirm;
pub use transaction::Transaction;
