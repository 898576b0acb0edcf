//! Marks of rows of databases: by them a store finds who changed a row.
//!
//! A mark is a hash. Whoever asks for a row knows what its table and its key are called, and often neither the database, nor the
//! schema, nor the column of the key. So these are not part of it: what a store finds by a mark is compared with what was asked.

use crate::hash::{join, stable};
use crate::model::{Columns, Mutation, value_text};
use serde_json::Value;
use spanbridge::record::{MutationOp, MutationView};

/// The mark of a row. Of a key of one column the value counts, of others the columns too, in any order. Numbers and texts with
/// the same digits are the same.
pub fn row_mark(table: &str, key: &Columns) -> u128 {
    let text = |value: &Value| stable(value_text(value, usize::MAX).as_bytes());
    let parts = match &key[..] {
        [(_, value)] => text(value),
        // In any order.
        all => all.iter().fold(all.len() as u64, |sum, (column, value)| {
            sum.wrapping_add(join(stable(column.as_bytes()), text(value)))
        }),
    };
    mark(table, parts)
}

/// The mark of a table that was emptied: all of its rows were changed.
pub fn table_mark(table: &str) -> u128 {
    mark(table, TABLE)
}

/// The mark of the row that was changed, or of the table that was emptied.
pub fn changed_mark(mutation: MutationView<'_>) -> u128 {
    let of = Mutation::of(&spanbridge::record::Mutation::new("", "", mutation.table(), mutation.key(), mutation.op()));
    match of.op {
        MutationOp::Truncate => table_mark(&of.table),
        _ => row_mark(&of.table, &of.key),
    }
}

/// What stands for the key of a whole table.
const TABLE: u64 = 0x7461_626c_655f_6d6b;

fn mark(table: &str, key: u64) -> u128 {
    let name = stable(without_schema(table).as_bytes());
    u128::from(join(name, key)) << 64 | u128::from(join(key, name.rotate_left(17)))
}

/// The name of a table without its schema.
pub fn without_schema(table: &str) -> &str {
    table.rsplit_once('.').map_or(table, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_part_of_a_mark() {
        let key =
            |columns: &[(&str, Value)]| columns.iter().map(|(c, v)| ((*c).to_owned(), v.clone())).collect::<Columns>();
        let one = row_mark("public.orders", &key(&[("id", 1.into())]));
        assert_eq!(one, row_mark("orders", &key(&[("order_id", "1".into())])));
        assert_ne!(one, row_mark("orders", &key(&[("id", 2.into())])));
        assert_ne!(one, row_mark("carts", &key(&[("id", 1.into())])));
        assert_ne!(one, table_mark("orders"));
        let two = row_mark("orders", &key(&[("a", 1.into()), ("b", "x".into())]));
        assert_eq!(two, row_mark("orders", &key(&[("b", "x".into()), ("a", 1.into())])));
        assert_ne!(two, row_mark("orders", &key(&[("a", "x".into()), ("b", 1.into())])));
        assert_eq!(table_mark("a.b.orders"), table_mark("orders"));
    }

    /// Marks are stored: they stay the same in all releases.
    #[test]
    fn marks_stay_the_same() {
        let key: Columns = vec![("id".to_owned(), 1.into())];
        let marks = (row_mark("orders", &key), table_mark("orders"));
        assert_eq!(marks, (48702261058398565786893046948032846702, 71677496717650814071360681751399833170));
    }
}
