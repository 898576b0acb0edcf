//! sqlx's errors, as they are recorded.

use crate::postgres::call::ClientError;
use spanbridge::adapter::Refused;
use sqlx::Error;
use std::borrow::Cow;
use std::io;

impl ClientError for Error {
    fn state(&self) -> Option<Cow<'_, str>> {
        self.as_database_error().and_then(|error| error.code())
    }

    async fn refused(refused: Refused) -> Self {
        Error::Io(io::Error::new(io::ErrorKind::PermissionDenied, refused))
    }

    fn text(&self) -> String {
        match self.as_database_error() {
            // Its details may have values of the row.
            Some(error) => error.message().to_owned(),
            None => self.to_string(),
        }
    }
}
