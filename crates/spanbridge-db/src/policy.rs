//! How much is recorded of the rows that statements change.

use crate::redact::{ColumnValue, Redact, Unredacted};
use crate::value::{DbValue, JsonObject, Limit};
use std::sync::Arc;

/// Maximum number of bytes that are recorded of a text, unless you say otherwise.
const MAX_TEXT: usize = 256;

/// How much is recorded of the rows that statements change. Default: nothing.
///
/// The columns of the primary key are recorded where anything is: without them, nobody could ask for the row.
///
/// ```
/// use spanbridge_db::StatePolicy;
///
/// let policy = StatePolicy::values().tables(["orders", "customers"]).redact_column("customers", "iban");
/// # drop(policy);
/// ```
#[derive(Clone, Debug)]
pub struct StatePolicy {
    mode: Mode,
    max_bytes: usize,
    /// For the columns of a key.
    is_of_keys: bool,
    /// `None`: all.
    tables: Option<Arc<[String]>>,
    left_out: Vec<(String, String)>,
    redact: Redact,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Off,
    Keys,
    Values,
}

impl Default for StatePolicy {
    fn default() -> Self {
        StatePolicy::off()
    }
}

impl StatePolicy {
    /// Nothing is recorded, and nothing is installed in the database. Queries have their spans all the same.
    pub fn off() -> Self {
        StatePolicy::of(Mode::Off)
    }

    /// The key of each row, and the names of the columns that changed.
    pub fn keys() -> Self {
        StatePolicy::of(Mode::Keys)
    }

    /// These, and the values before and after.
    pub fn values() -> Self {
        StatePolicy::of(Mode::Values)
    }

    fn of(mode: Mode) -> Self {
        StatePolicy {
            mode,
            max_bytes: MAX_TEXT,
            is_of_keys: false,
            tables: None,
            left_out: vec![],
            redact: Redact::default(),
        }
    }

    /// Maximum number of bytes that are recorded of a text; of a longer one it is the beginning. Default: 256.
    pub fn max_bytes(self, max_bytes: usize) -> Self {
        StatePolicy { max_bytes, ..self }
    }

    /// Only these tables. A name without a schema stands for the table in every schema. Default: all. With the triggers of
    /// [`postgres`](https://docs.rs/spanbridge-db/latest/spanbridge_db/postgres), the tables are those that are watched, and this says nothing.
    pub fn tables<T: Into<String>>(self, tables: impl IntoIterator<Item = T>) -> Self {
        StatePolicy { tables: Some(tables.into_iter().map(Into::into).collect()), ..self }
    }

    /// Records no value of this column, not even if it is part of the key. That it changed is recorded.
    pub fn redact_column(mut self, table: impl Into<String>, column: impl Into<String>) -> Self {
        self.left_out.push((table.into(), column.into()));
        self
    }

    /// Shows every value to a hook before it is recorded. The hook may replace it or leave it out. It fails closed: if it returns
    /// an error or panics, the value is left out, and a diagnostic `redaction.failed` says so.
    ///
    /// The hook is called while the statement runs, so it should be fast. With PostgreSQL it is called when changes are read.
    pub fn redact<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        self,
        hook: impl Fn(&mut ColumnValue<'_>) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        StatePolicy { redact: Redact::new(hook), ..self }
    }

    /// Whether a hook sees the values.
    pub(crate) fn has_hook(&self) -> bool {
        self.redact.is_some()
    }

    /// Whether nothing is recorded.
    pub(crate) fn is_off(&self) -> bool {
        self.mode == Mode::Off
    }

    /// Whether values are recorded that are not part of a key.
    pub(crate) fn takes_values(&self) -> bool {
        self.mode == Mode::Values
    }

    /// Whether anything is recorded of this table.
    pub(crate) fn takes_table(&self, table: &str) -> bool {
        !self.is_off() && self.tables.as_ref().is_none_or(|all| all.iter().any(|one| is_table(one, table)))
    }

    /// The columns of a table that are left out by name, as they were named.
    pub(crate) fn columns_left_out(&self, table: &str) -> impl Iterator<Item = &str> {
        self.left_out.iter().filter(move |(of, _)| is_table(of, table)).map(|(_, column)| column.as_str())
    }

    /// Maximum number of bytes of a text.
    pub(crate) fn max_text(&self) -> usize {
        self.max_bytes
    }

    /// The same policy for the columns of a key. What is cut of them has a hash: rows would be taken for each other.
    pub(crate) fn of_keys(&self) -> Self {
        StatePolicy { is_of_keys: true, ..self.clone() }
    }

    fn limit(&self) -> Limit {
        if self.is_of_keys { Limit::KEYS } else { Limit::of_values(self.max_bytes) }
    }

    /// Adds a column of whose value this is the beginning, if `whole` is the number of bytes of all of it. The rest is as for
    /// [`push`](Self::push).
    pub(crate) fn push_of(
        &self,
        whole: Option<usize>,
        object: &mut JsonObject,
        table: &str,
        column: &str,
        value: DbValue<'_>,
    ) -> Result<(), Unredacted> {
        let Some(whole) = whole else { return self.push(object, table, column, value) };
        if self.leaves_out(table, column) {
            return Ok(());
        }
        if let Some(shown) = self.redact.shown(table, column, value.clone())? {
            let whole = (shown == value).then_some(whole);
            object.push_of(whole, column, &shown, self.limit())
        }
        Ok(())
    }

    /// Adds a column to a JSON object, unless its value is left out. If the hook has failed, it is, and the caller says so with
    /// [`redaction_failed`](crate::query::redaction_failed).
    pub(crate) fn push(
        &self,
        object: &mut JsonObject,
        table: &str,
        column: &str,
        value: DbValue<'_>,
    ) -> Result<(), Unredacted> {
        if self.leaves_out(table, column) {
            return Ok(());
        }
        if let Some(value) = self.redact.shown(table, column, value)? {
            object.push(column, &value, self.limit())
        }
        Ok(())
    }

    fn leaves_out(&self, table: &str, column: &str) -> bool {
        self.columns_left_out(table).any(|name| name.eq_ignore_ascii_case(column))
    }
}

/// Whether a name that somebody gave means this table.
fn is_table(given: &str, table: &str) -> bool {
    let last = table.rsplit_once('.').map_or(table, |(_, last)| last);
    given.eq_ignore_ascii_case(table) || given.eq_ignore_ascii_case(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(policy: &StatePolicy, table: &str) -> (String, bool) {
        let mut object = JsonObject::default();
        let id = policy.push(&mut object, table, "id", DbValue::Integer(1));
        let card = policy.push(&mut object, table, "card", "4111".into());
        (object.finish(), id.is_ok() && card.is_ok())
    }

    #[test]
    fn columns_are_left_out() {
        let policy = StatePolicy::values().redact_column("Orders", "CARD");
        assert_eq!(row(&policy, "public.orders").0, r#"{"id":1}"#);
        assert_eq!(row(&policy, "customers").0, r#"{"id":1,"card":"4111"}"#);
    }

    #[test]
    fn hook_replaces() {
        let policy = StatePolicy::values().redact(|value| {
            match value.column() {
                "card" if value.table() == "orders" => value.replace("***"),
                "card" => value.leave_out(),
                _ => {}
            }
            Ok::<_, std::convert::Infallible>(())
        });
        assert_eq!(row(&policy, "orders"), (r#"{"id":1,"card":"***"}"#.to_owned(), true));
        assert_eq!(row(&policy, "other"), (r#"{"id":1}"#.to_owned(), true));
    }

    /// A hook that fails or panics lets nothing through.
    #[test]
    fn hook_fails_closed() {
        let fails = StatePolicy::values().redact(|_| Err("no"));
        let panics = StatePolicy::values().redact(|_| -> Result<(), String> { panic!("no") });
        for policy in [fails, panics] {
            assert_eq!(row(&policy, "orders"), ("{}".to_owned(), false));
        }
    }

    #[test]
    fn only_these_tables() {
        let policy = StatePolicy::keys().tables(["orders"]);
        assert!(policy.takes_table("orders") && policy.takes_table("public.orders") && !policy.takes_table("order"));
        assert!(!policy.takes_values() && !StatePolicy::off().takes_table("orders"));
    }
}
