//! Transactions and savepoints.

use super::connection::SqliteConnection;
use super::shape::quoted;
use rusqlite::{DropBehavior, Result, TransactionBehavior};
use std::ops::Deref;

impl SqliteConnection {
    /// [`rusqlite::Connection::transaction`]
    pub fn transaction(&mut self) -> Result<SqliteTransaction<'_>> {
        self.unchecked_transaction()
    }

    /// [`rusqlite::Connection::transaction_with_behavior`]
    pub fn transaction_with_behavior(&mut self, behavior: TransactionBehavior) -> Result<SqliteTransaction<'_>> {
        SqliteTransaction::begin(self, behavior)
    }

    /// [`rusqlite::Connection::unchecked_transaction`]
    pub fn unchecked_transaction(&self) -> Result<SqliteTransaction<'_>> {
        SqliteTransaction::begin(self, self.behavior.get().unwrap_or(TransactionBehavior::Deferred))
    }

    /// [`rusqlite::Connection::savepoint`]
    pub fn savepoint(&mut self) -> Result<SqliteSavepoint<'_>> {
        SqliteSavepoint::begin(self, None)
    }

    /// [`rusqlite::Connection::savepoint_with_name`]
    pub fn savepoint_with_name<T: Into<String>>(&mut self, name: T) -> Result<SqliteSavepoint<'_>> {
        SqliteSavepoint::begin(self, Some(name.into()))
    }
}

/// [`Transaction`](rusqlite::Transaction) with a span, which says whether it was committed. Its statements are those of
/// [`SqliteConnection`], by `Deref`.
#[derive(Debug)]
pub struct SqliteTransaction<'c> {
    db: &'c SqliteConnection,
    drop_behavior: DropBehavior,
}

impl<'c> SqliteTransaction<'c> {
    pub(super) fn begin(db: &'c SqliteConnection, behavior: TransactionBehavior) -> Result<Self> {
        db.execute_batch(match behavior {
            TransactionBehavior::Immediate => "BEGIN IMMEDIATE",
            TransactionBehavior::Exclusive => "BEGIN EXCLUSIVE",
            _ => "BEGIN DEFERRED",
        })?;
        Ok(SqliteTransaction { db, drop_behavior: DropBehavior::Rollback })
    }

    /// [`rusqlite::Transaction::savepoint`]
    pub fn savepoint(&mut self) -> Result<SqliteSavepoint<'_>> {
        SqliteSavepoint::begin(self.db, None)
    }

    /// [`rusqlite::Transaction::savepoint_with_name`]
    pub fn savepoint_with_name<T: Into<String>>(&mut self, name: T) -> Result<SqliteSavepoint<'_>> {
        SqliteSavepoint::begin(self.db, Some(name.into()))
    }

    /// [`rusqlite::Transaction::drop_behavior`]
    pub fn drop_behavior(&self) -> DropBehavior {
        self.drop_behavior
    }

    /// [`rusqlite::Transaction::set_drop_behavior`]
    pub fn set_drop_behavior(&mut self, drop_behavior: DropBehavior) {
        self.drop_behavior = drop_behavior
    }

    /// [`rusqlite::Transaction::commit`]. What was written is recorded then.
    pub fn commit(self) -> Result<()> {
        self.db.execute_batch("COMMIT")
    }

    /// [`rusqlite::Transaction::rollback`]. Nothing of what was written is recorded.
    pub fn rollback(self) -> Result<()> {
        self.db.execute_batch("ROLLBACK")
    }

    /// [`rusqlite::Transaction::finish`]
    pub fn finish(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        if self.db.raw().is_autocommit() {
            return Ok(());
        }
        match self.drop_behavior {
            DropBehavior::Commit => self.db.execute_batch("COMMIT").or_else(|_| self.db.execute_batch("ROLLBACK")),
            DropBehavior::Ignore => Ok(()),
            // As rusqlite does.
            DropBehavior::Panic => panic!("Transaction dropped unexpectedly."),
            _ => self.db.execute_batch("ROLLBACK"),
        }
    }
}

impl Deref for SqliteTransaction<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.db
    }
}

impl Drop for SqliteTransaction<'_> {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

/// [`Savepoint`](rusqlite::Savepoint). Its statements are those of [`SqliteConnection`], by `Deref`. Outside of a transaction, it
/// is one, with a span of its own.
#[derive(Debug)]
pub struct SqliteSavepoint<'c> {
    db: &'c SqliteConnection,
    name: String,
    drop_behavior: DropBehavior,
    is_released: bool,
}

impl<'c> SqliteSavepoint<'c> {
    pub(super) fn begin(db: &'c SqliteConnection, name: Option<String>) -> Result<Self> {
        let name = name.unwrap_or_else(|| "_rusqlite_sp".to_owned());
        db.execute_batch(&format!("SAVEPOINT {}", quoted(&name)))?;
        Ok(SqliteSavepoint { db, name, drop_behavior: DropBehavior::Rollback, is_released: false })
    }

    /// [`rusqlite::Savepoint::savepoint`]
    pub fn savepoint(&mut self) -> Result<SqliteSavepoint<'_>> {
        SqliteSavepoint::begin(self.db, None)
    }

    /// [`rusqlite::Savepoint::savepoint_with_name`]
    pub fn savepoint_with_name<T: Into<String>>(&mut self, name: T) -> Result<SqliteSavepoint<'_>> {
        SqliteSavepoint::begin(self.db, Some(name.into()))
    }

    /// [`rusqlite::Savepoint::drop_behavior`]
    pub fn drop_behavior(&self) -> DropBehavior {
        self.drop_behavior
    }

    /// [`rusqlite::Savepoint::set_drop_behavior`]
    pub fn set_drop_behavior(&mut self, drop_behavior: DropBehavior) {
        self.drop_behavior = drop_behavior
    }

    /// [`rusqlite::Savepoint::commit`]
    pub fn commit(mut self) -> Result<()> {
        self.release()
    }

    /// [`rusqlite::Savepoint::rollback`]
    pub fn rollback(&mut self) -> Result<()> {
        self.db.execute_batch(&format!("ROLLBACK TO {}", quoted(&self.name)))
    }

    /// [`rusqlite::Savepoint::finish`]
    pub fn finish(mut self) -> Result<()> {
        self.end()
    }

    fn release(&mut self) -> Result<()> {
        self.db.execute_batch(&format!("RELEASE {}", quoted(&self.name)))?;
        self.is_released = true;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        if self.is_released {
            return Ok(());
        }
        match self.drop_behavior {
            DropBehavior::Commit => self.release().or_else(|_| self.rollback().and_then(|()| self.release())),
            DropBehavior::Ignore => Ok(()),
            // As rusqlite does.
            DropBehavior::Panic => panic!("Savepoint dropped unexpectedly."),
            _ => self.rollback().and_then(|()| self.release()),
        }
    }
}

impl Deref for SqliteSavepoint<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        self.db
    }
}

impl Drop for SqliteSavepoint<'_> {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
