//! Transactions.

use crate::error::Result;
use crate::session::Session;
use std::ops::Deref;

/// A transaction. It is rolled back unless it is committed.
pub(crate) struct Transaction<'p> {
    session: Option<Session<'p>>,
}

impl<'p> Transaction<'p> {
    /// Begins one on this connection, by a statement such as `BEGIN`.
    pub(crate) fn begin(session: Session<'p>, begin: &str) -> Result<Self> {
        session.run("begin a transaction", begin)?;
        Ok(Self { session: Some(session) })
    }

    /// Once this returns, all is stored. After an error, it may be stored or not.
    pub(crate) fn commit(mut self) -> Result<()> {
        self.session.take().map_or(Ok(()), |session| session.run("commit", "COMMIT"))
    }
}

impl<'p> Deref for Transaction<'p> {
    type Target = Session<'p>;

    fn deref(&self) -> &Session<'p> {
        let Some(session) = &self.session else { unreachable!("it is there until it is committed") };
        session
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            // If it fails, the connection is not used again, and the server rolls back.
            let _ = session.run("roll back", "ROLLBACK");
        }
    }
}
