//! What belongs to one connection.

use super::pipeline::Order;
use crate::postgres::session::Session;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};
use tokio_postgres::Statement;

/// What belongs to one connection.
pub(super) struct Shared {
    pub(super) session: Session,
    pub(super) order: Order,
    /// The application has begun a transaction by text.
    pub(super) is_begun_by_text: AtomicBool,
    /// The statement that takes changes, once it is prepared.
    take: Mutex<Option<Statement>>,
}

impl Shared {
    pub(super) fn new(session: Session) -> Self {
        Shared { session, order: Order::default(), is_begun_by_text: AtomicBool::default(), take: Mutex::default() }
    }

    pub(super) fn take(&self) -> Option<Statement> {
        self.take.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_take(&self, statement: Option<Statement>) {
        *self.take.lock().unwrap_or_else(PoisonError::into_inner) = statement
    }
}
