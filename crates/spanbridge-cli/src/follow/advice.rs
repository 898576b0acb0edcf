//! The SQL that sets a database up, for those who run it themselves.

use super::catalog::Publishable;
use super::options::{Options, inserts_of};

/// Quotes a name for SQL.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a text for SQL.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Publishes partitions as the table that they are parts of.
const AS_ROOT: &str = "publish_via_partition_root = true";

/// Creates the publications. That must come before the slot: what was logged before there was a publication cannot be decoded
/// for it.
pub(super) fn create_publications(options: &Options, missing: &[String], tables: &[Publishable]) -> Vec<String> {
    let create = |name: &String| {
        let is_for_inserts = *name == inserts_of(&options.publication);
        let of: Vec<&str> = tables.iter().filter(|t| t.is_identified != is_for_inserts).map(|t| &*t.quoted).collect();
        let of = if of.is_empty() { String::new() } else { format!(" FOR TABLE {}", of.join(", ")) };
        let publish = if is_for_inserts { "publish = 'insert, truncate', " } else { "" };
        format!("CREATE PUBLICATION {}{of} WITH ({publish}{AS_ROOT})", quoted(name))
    };
    missing.iter().map(create).collect()
}

/// Adds tables to publications that are there.
pub(super) fn add_tables(options: &Options, there: &[String], tables: &[Publishable]) -> Vec<String> {
    let add = |table: &Publishable| {
        let [all, inserts] = options.publications();
        let name = if table.is_identified { all } else { inserts };
        let add = format!("ALTER PUBLICATION {} ADD TABLE {}", quoted(&name), table.quoted);
        (there.contains(&name) && !table.is_published).then_some(add)
    };
    tables.iter().filter_map(add).collect()
}

pub(super) fn create_slot(slot: &str) -> String {
    format!("SELECT lsn FROM pg_catalog.pg_create_logical_replication_slot({}, 'pgoutput')", text(slot))
}

pub(super) fn drop_slot(slot: &str) -> String {
    format!("SELECT pg_catalog.pg_drop_replication_slot({})", text(slot))
}

pub(super) fn drop_publication(name: &str) -> String {
    format!("DROP PUBLICATION IF EXISTS {}", quoted(name))
}

/// Advice to run these statements, or to have them run.
pub(super) fn run_these(statements: &[String]) -> String {
    let statements = statements.iter().map(|sql| format!("    {};\n", sql.replace("pg_catalog.", "")));
    format!("  Give --create, or run as a role that may:\n{}", statements.collect::<String>().trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, is_identified: bool, is_published: bool) -> Publishable {
        Publishable { name: name.to_owned(), quoted: quoted(name), is_identified, is_published }
    }

    #[test]
    fn names_are_quoted() {
        let mut options = Options::new("", "");
        options.publication = "a\"b".to_owned();
        let all = options.publications();
        let tables = [table("t", true, false), table("u", false, true)];
        let sql = create_publications(&options, &all, &tables);
        assert_eq!(sql[0], r#"CREATE PUBLICATION "a""b" FOR TABLE "t" WITH (publish_via_partition_root = true)"#);
        assert_eq!(
            sql[1],
            r#"CREATE PUBLICATION "a""b_inserts" FOR TABLE "u" WITH (publish = 'insert, truncate', publish_via_partition_root = true)"#
        );
        assert_eq!(add_tables(&options, &all, &tables), [r#"ALTER PUBLICATION "a""b" ADD TABLE "t""#]);
        assert_eq!(add_tables(&options, &all[1..], &tables), [""; 0]);
        assert_eq!(drop_slot("it's"), "SELECT pg_catalog.pg_drop_replication_slot('it''s')");
        assert!(
            run_these(&[create_slot("s")])
                .ends_with("\n    SELECT lsn FROM pg_create_logical_replication_slot('s', 'pgoutput');")
        );
    }
}
