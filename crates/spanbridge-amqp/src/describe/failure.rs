//! Classes of the client's errors.

use crate::replayed::recorded_error;
use spanbridge::Failure;

/// The class of an error: lapin's name for its kind.
fn error_type(error: &lapin::Error) -> String {
    let shown = format!("{:?}", error.kind());
    shown.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// An error of the client, with its class. A recorded one is what was recorded.
pub(crate) fn failure(error: &lapin::Error) -> Failure<'_> {
    if let Some(then) = recorded_error(error) {
        return Failure::new(then).class(then.class().unwrap_or("_OTHER"));
    }
    Failure::new(error).class(error_type(error))
}
