//! Who writes, until the end of a transaction.

use crate::tag;
use spanbridge::Context;

/// The beginning of the statement that names who writes, until the end of the transaction or the next such statement.
pub(crate) const SET_WRITER: &str = "SET LOCAL spanbridge.context TO ";

/// The statement. `None`: the context is not recorded, so there is nobody to name.
pub(crate) fn set_writer(context: &Context) -> Option<String> {
    let value = Some(context).filter(|context| context.is_sampled()).and_then(tag::write)?;
    // It is made of hex digits and signs that mean nothing in SQL.
    Some(format!("{SET_WRITER}'{value}'"))
}
