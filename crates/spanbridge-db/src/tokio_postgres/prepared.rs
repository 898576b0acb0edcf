//! Statements, with the text that they were prepared from.

use std::ops::Deref;
use tokio_postgres::{Client, Error, Statement};

/// A prepared statement that knows its text: what [`ObservedClient::prepare`](super::ObservedClient::prepare) returns.
#[derive(Clone)]
pub struct Prepared {
    statement: Statement,
    text: String,
}

impl Prepared {
    pub(super) fn new(statement: Statement, text: &str) -> Self {
        Prepared { statement, text: text.to_owned() }
    }
}

impl Deref for Prepared {
    type Target = Statement;

    fn deref(&self) -> &Statement {
        &self.statement
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Prepared").field(&self.text).finish()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for str {}
    impl Sealed for String {}
    impl Sealed for super::Prepared {}
    impl Sealed for tokio_postgres::Statement {}
}

/// What can be run: SQL text, a [`Prepared`], or tokio-postgres's own `Statement`, of which the text is not known.
pub trait Sql: sealed::Sealed {
    /// The text, empty if it is not known.
    #[doc(hidden)]
    fn text(&self) -> &str;

    /// It prepared, if it is.
    #[doc(hidden)]
    fn statement(&self) -> Option<&Statement>;
}

impl Sql for str {
    fn text(&self) -> &str {
        self
    }

    fn statement(&self) -> Option<&Statement> {
        None
    }
}

impl Sql for String {
    fn text(&self) -> &str {
        self
    }

    fn statement(&self) -> Option<&Statement> {
        None
    }
}

impl Sql for Prepared {
    fn text(&self) -> &str {
        &self.text
    }

    fn statement(&self) -> Option<&Statement> {
        Some(&self.statement)
    }
}

impl Sql for Statement {
    fn text(&self) -> &str {
        ""
    }

    fn statement(&self) -> Option<&Statement> {
        Some(self)
    }
}

/// As the client does it before it runs a text.
pub(super) async fn prepared<T: Sql + ?Sized>(client: &Client, sql: &T) -> Result<Statement, Error> {
    match sql.statement() {
        Some(statement) => Ok(statement.clone()),
        None => client.prepare(sql.text()).await,
    }
}
