//! How a policy is told to the triggers.

use crate::policy::StatePolicy;
use std::fmt::Write;

/// SQL that begins to keep the changes of a table, as this policy says: how much, which columns are left out, and how long texts
/// may be. Run again, it changes these settings. With [`StatePolicy::off`], it ends it.
///
/// `table` is a name as in SQL: `orders`, `shop.orders`, `"Orders"`. A redaction hook is called when changes are read. That the
/// policy has one is told to the database: then a process without a hook records none of the values.
///
/// ```
/// use spanbridge_db::{StatePolicy, postgres};
///
/// let policy = StatePolicy::keys().max_bytes(100);
/// assert_eq!(postgres::watch(&policy, "shop.orders"), "SELECT spanbridge.watch('shop.orders', 'keys', '{}', 100);");
/// let policy = policy.redact(|value| Ok::<_, std::convert::Infallible>(value.leave_out()));
/// assert_eq!(
///     postgres::watch(&policy, "orders"),
///     "SELECT spanbridge.watch('orders', 'keys', '{}', 100, hook => true);"
/// );
/// assert_eq!(postgres::watch(&StatePolicy::off(), "orders"), "SELECT spanbridge.unwatch('orders');");
/// ```
pub fn watch(policy: &StatePolicy, table: &str) -> String {
    let name = literal(table);
    if policy.is_off() {
        return format!("SELECT spanbridge.unwatch({name});");
    }
    let mut redacted = String::from("{");
    for column in policy.columns_left_out(&table.replace('"', "")) {
        if redacted.len() > 1 {
            redacted.push(',')
        }
        // An array's element in quotes, with a backslash before quotes and backslashes.
        let _ = write!(redacted, "\"{}\"", column.replace('\\', "\\\\").replace('"', "\\\""));
    }
    redacted.push('}');
    let (capture, max) = (if policy.takes_values() { "values" } else { "keys" }, policy.max_text().min(1 << 20));
    let hook = if policy.has_hook() { ", hook => true" } else { "" };
    format!("SELECT spanbridge.watch({name}, '{capture}', {}, {max}{hook});", literal(&redacted))
}

/// A string constant. A backslash means nothing in it, unless the server has `standard_conforming_strings` off.
fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') { format!(" E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        let policy = StatePolicy::values().redact_column("Orders", "it's").redact_column("Orders", "a\"b\\");
        assert_eq!(
            watch(&policy, "\"Orders\""),
            r#"SELECT spanbridge.watch('"Orders"', 'values',  E'{"it''s","a\\"b\\\\"}', 256);"#
        );
    }
}
