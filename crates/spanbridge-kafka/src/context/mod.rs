//! Contexts of clients, wrapped, for what is known only in their callbacks: delivery reports, rebalances, commits.

mod callback;
mod group;
mod observed;

pub use callback::Sent;
pub use group::{GroupContext, rebalancing};
pub use observed::Observed;
