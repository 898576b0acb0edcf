//! What becomes of a call.

use super::recorded::Recorded;
use std::fmt;

/// What becomes of a call.
#[derive(Clone, Debug)]
#[must_use = "a call that is not live must not be made"]
pub enum Reply {
    /// It is made.
    Live,
    /// It is not made: this is what it was answered before.
    Recorded(Box<Recorded>),
    /// It is not made, and fails.
    Refused(Refused),
}

impl Reply {
    /// The call is not made, and fails with this text.
    pub fn refused(message: impl Into<String>) -> Self {
        Reply::Refused(Refused::new(message))
    }
}

impl Reply {
    /// What the call is answered; `None` if it is to be made.
    #[inline]
    pub fn into_answer(self) -> Option<Result<Box<Recorded>, Refused>> {
        match self {
            Reply::Live => None,
            Reply::Recorded(recorded) => Some(Ok(recorded)),
            Reply::Refused(refused) => Some(Err(refused)),
        }
    }
}

impl From<Recorded> for Reply {
    fn from(recorded: Recorded) -> Self {
        Reply::Recorded(Box::new(recorded))
    }
}

/// Why a call was not made. As an error it is what the caller gets, where the client's own error can hold one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    message: String,
}

impl Refused {
    /// With the whole text of the error that the caller gets. It says that a replay refused the call, and follows "failed to …".
    pub fn new(message: impl Into<String>) -> Self {
        Refused { message: message.into() }
    }

    /// The text.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}
