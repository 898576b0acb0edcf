//! What a redaction hook sees, and how it is called: fails closed.

use crate::value::DbValue;
use spanbridge::panics;
use std::fmt;
use std::sync::Arc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A value that is about to be recorded, shown to a redaction hook.
#[derive(Debug)]
pub struct ColumnValue<'a> {
    table: &'a str,
    column: &'a str,
    value: Option<DbValue<'a>>,
}

impl<'a> ColumnValue<'a> {
    /// The table, as it is recorded. Empty for a parameter of a query.
    pub fn table(&self) -> &'a str {
        self.table
    }

    /// The column; of a parameter its number, from 0.
    pub fn column(&self) -> &'a str {
        self.column
    }

    /// All of the value, even if only the beginning is recorded.
    pub fn value(&self) -> &DbValue<'a> {
        self.value.as_ref().unwrap_or(&DbValue::Null)
    }

    /// Records this in its place.
    pub fn replace(&mut self, with: impl Into<DbValue<'a>>) {
        self.value = Some(with.into())
    }

    /// Records nothing in its place: the value is shown as not captured.
    pub fn leave_out(&mut self) {
        self.value = None
    }
}

/// The hook has failed, so the value must not be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unredacted;

type Hook = dyn Fn(&mut ColumnValue<'_>) -> Result<(), Failure> + Send + Sync;

/// A hook, or none.
#[derive(Clone, Default)]
pub(crate) struct Redact(Option<Arc<Hook>>);

impl Redact {
    pub(crate) fn new<E: Into<Failure>>(
        hook: impl Fn(&mut ColumnValue<'_>) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        Redact(Some(Arc::new(move |value| hook(value).map_err(Into::into))))
    }

    pub(crate) fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// What the hook leaves of a value.
    pub(crate) fn shown<'a>(
        &self,
        table: &'a str,
        column: &'a str,
        value: DbValue<'a>,
    ) -> Result<Option<DbValue<'a>>, Unredacted> {
        let Some(hook) = &self.0 else { return Ok(Some(value)) };
        let mut value = ColumnValue { table, column, value: Some(value) };
        // What the hook says of its failure is not recorded: it may hold what it was to take out.
        match panics::caught(|| hook(&mut value)) {
            Ok(Ok(())) => Ok(value.value),
            _ => Err(Unredacted),
        }
    }
}

impl fmt::Debug for Redact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Redact(..)" } else { "None" })
    }
}
