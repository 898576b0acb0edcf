//! A delivery as it is stored: blocks of records, and a directory to find things in them.
//!
//! The directory is a handful of columns in the delivery's row, so that a look-up reads only what it needs: the ids of its
//! runs (their first halves, sorted; their second halves in another column), the traces and parent runs they mention, the
//! traces they link to, the first halves of the span ids (sorted within each block), and a total for each run. Such an
//! [`Aggregate`] merges in any order, so it makes no difference who wrote first.

mod aggregate;
mod assemble;
mod directory;

pub use aggregate::{Aggregate, StatusFromTotals};
pub use assemble::{Assembler, Delivery};
pub use directory::{Aggregates, BlockList, IdPairs, RunIds, run_heads_hold};
