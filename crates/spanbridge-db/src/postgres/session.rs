//! What the adapters of all clients do with one connection: the settings, and when changes are taken.

use super::captured::{BATCH, Captured, reader};
use super::nested::put_in_order;
use super::writer::SET_WRITER;
use crate::policy::StatePolicy;
use crate::query::{Database, QueryOptions, capture_failed};
use crate::sql::{self, Dialect};
use crate::tag;
use spanbridge::observe::Span;
use spanbridge::{Context, adapter};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The setting of a session or of a transaction that names who writes.
const SETTING: &str = "spanbridge.context";
/// The schema, the table or a right is missing: it will be so the next time, too.
const NOT_INSTALLED: [&str; 4] = ["3F000", "42P01", "42501", "42703"];
/// Statements that write no rows by themselves.
const READ: [&str; 11] =
    ["SELECT", "SHOW", "EXPLAIN", "VALUES", "TABLE", "FETCH", "SET", "RESET", "LISTEN", "NOTIFY", "DISCARD"];
const BEGIN: [&str; 2] = ["BEGIN", "START"];
const END_BY_TEXT: [&str; 4] = ["COMMIT", "END", "ROLLBACK", "ABORT"];
const END: [&str; 3] = ["COMMIT", "END", "PREPARE"];

/// The settings of an observed connection or pool.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) policy: StatePolicy,
    pub(crate) options: QueryOptions,
    pub(crate) namespace: String,
    /// Whether statements outside of transactions name their writer.
    pub(crate) tags_alone: bool,
    takes: Arc<AtomicBool>,
    /// It has been said that values were left out.
    has_left_out: Arc<AtomicBool>,
    /// A call was dropped while it took changes.
    is_dropped: Arc<AtomicBool>,
}

/// Changes are on their way here, and no longer in the table.
pub(crate) struct OnTheirWay<'s>(Option<&'s Session>);

impl OnTheirWay<'_> {
    pub(crate) fn arrived(mut self) {
        self.0 = None
    }
}

impl Drop for OnTheirWay<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.0 {
            session.is_dropped.store(true, Ordering::Relaxed)
        }
    }
}

/// Statements that name the writer of what is between them.
#[derive(Debug)]
pub(crate) struct Tag {
    pub(crate) begin: String,
    pub(crate) end: TagEnd,
}

/// What ends a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TagEnd {
    /// The session would keep the name until this has been run.
    Reset(&'static str),
    /// This gives the name of the transaction back to whatever runs in it without us. If it fails, the transaction has.
    Restore(String),
}

impl TagEnd {
    pub(crate) const RESET: TagEnd = TagEnd::Reset("RESET spanbridge.context");

    pub(crate) fn sql(&self) -> &str {
        match self {
            TagEnd::Reset(sql) => sql,
            TagEnd::Restore(sql) => sql,
        }
    }
}

impl Session {
    pub(crate) fn new(policy: StatePolicy) -> Self {
        let takes = Arc::new(AtomicBool::new(!policy.is_off()));
        let (has_left_out, is_dropped) = (Arc::default(), Arc::default());
        let (options, namespace) = (QueryOptions::new(), String::new());
        Session { policy, options, namespace, tags_alone: true, takes, has_left_out, is_dropped }
    }

    /// For how the user wants changes taken: not by this connection.
    pub(crate) fn take_elsewhere(&mut self) {
        self.takes = Arc::default()
    }

    fn database(&self) -> Database<'_> {
        Database { system: "postgresql", dialect: Dialect::Postgres, namespace: &self.namespace }
    }

    /// Begins the span of a statement under what is current.
    pub(crate) fn query(&self, sql: &str) -> Span {
        self.database().query(sql, &self.options).open()
    }

    /// Begins the span of a transaction under what is current.
    pub(crate) fn transaction(&self) -> Span {
        self.database().transaction().open()
    }

    /// Begins the span of a savepoint under what is current.
    pub(crate) fn savepoint(&self) -> Span {
        self.database().query("SAVEPOINT", &self.options).open()
    }

    /// The value of the setting for who writes in this context. `None`: changes are not kept, or there is nobody to name.
    fn value(&self, context: &Context) -> Option<String> {
        match self.policy.is_off() || !context.travels() {
            true => None,
            false => tag::write(context),
        }
    }

    /// Names who writes in this context, until the end of the transaction or the next such statement.
    pub(crate) fn name_locally(&self, context: &Context) -> Option<String> {
        self.value(context).map(|value| format!("{SET_WRITER}'{value}'"))
    }

    /// Names who writes in this context by a statement of a transaction, of which this is the context.
    pub(crate) fn tag_inside(&self, context: &Context, transaction: &Context) -> Option<Tag> {
        let begin = self.name_locally(context)?;
        // Nobody, if the transaction began without a trace.
        let end = self.name_locally(transaction).unwrap_or_else(|| format!("{SET_WRITER}''"));
        Some(Tag { begin, end: TagEnd::Restore(end) })
    }

    /// Names who writes in this context by a statement outside of a transaction.
    pub(crate) fn tag_alone(&self, sql: &str, context: &Context) -> Option<Tag> {
        // If a transaction began in it, the end of the tag would be part of the transaction, and undone with it.
        if !self.tags_alone || !writes(sql) || first_words(sql).any(|word| is_one(word, &BEGIN)) {
            return None;
        }
        let value = self.value(context)?;
        Some(Tag { begin: format!("SET {} TO '{value}'", SETTING), end: TagEnd::RESET })
    }

    /// Whether to take changes after this statement, which was outside of a transaction that we began.
    pub(crate) fn takes_after(&self, sql: &str) -> bool {
        self.takes() && (writes(sql) || first_words(sql).any(|word| is_one(word, &END)))
    }

    /// Whether the connection is in a transaction that the application began by text, once this text has been run. `None`: as before.
    ///
    /// In such a transaction nothing may be taken: that fails in one that only reads, and a failure of ours would abort it.
    pub(crate) fn by_text(sql: &str) -> Option<bool> {
        let has =
            |word: &str| sql.split(|c: char| !c.is_ascii_alphanumeric()).any(|one| one.eq_ignore_ascii_case(word));
        // `ROLLBACK TO` and `AND CHAIN` end none.
        let ends = |word: &str| (is_one(word, &END_BY_TEXT)).then(|| has("CHAIN") || has("TO"));
        first_words(sql)
            .filter_map(|word| if is_one(word, &BEGIN) { Some(true) } else { ends(word).filter(|stays| !stays) })
            .last()
    }

    /// Whether to take changes after a commit.
    pub(crate) fn takes(&self) -> bool {
        self.takes.load(Ordering::Relaxed) && adapter::may_record()
    }

    /// Begins to take changes. If the call is dropped before they arrive, the next one that takes some says so.
    pub(crate) fn taking(&self) -> OnTheirWay<'_> {
        if self.is_dropped.swap(false, Ordering::Relaxed) {
            let why = format!("up to {BATCH} changes are missing: a call was dropped while it took them");
            reader(|context| capture_failed(context, &why))
        }
        OnTheirWay(Some(self))
    }

    /// Records what was taken.
    pub(crate) fn record(&self, mut taken: Vec<Captured>) {
        put_in_order(&mut taken);
        for row in &taken {
            row.record(&self.policy);
            if row.exceeds(&self.policy) && !self.has_left_out.swap(true, Ordering::Relaxed) {
                let why = format!(
                    "values of {} and maybe other tables were left out: they are kept there, but this process records keys only",
                    row.source
                );
                reader(|context| capture_failed(context, &why))
            }
        }
    }

    /// So many rows were taken that nothing of ours wrote.
    pub(crate) fn not_understood(&self, count: usize) {
        if count > 0 {
            reader(|context| {
                capture_failed(
                    context,
                    &format!("{count} changes were not understood: they were not written by a trigger"),
                )
            })
        }
    }

    /// Nothing could be taken. What will not get better by itself is said once, and not tried again.
    pub(crate) fn taking_failed(&self, state: Option<&str>, text: &str) {
        let for_good = state.is_some_and(|state| NOT_INSTALLED.contains(&state));
        if for_good && !self.takes.swap(false, Ordering::Relaxed) {
            return;
        }
        let hint = if for_good { ", and it is not tried again: is install.sql installed here?" } else { "" };
        reader(|context| capture_failed(context, &format!("changes were not read: {text}{hint}")))
    }
}

/// Whether a statement, or one of several, may change rows. Without text, it may.
pub(crate) fn writes(sql: &str) -> bool {
    sql.is_empty() || first_words(sql).any(|word| !is_one(word, &READ))
}

fn first_words(sql: &str) -> impl Iterator<Item = &str> {
    sql::first_words(sql, Dialect::Postgres)
}

fn is_one(word: &str, of: &[&str]) -> bool {
    of.iter().any(|one| one.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_write_are_known() {
        for sql in [
            "",
            "INSERT INTO t VALUES (1)",
            "/* a */ with x as (delete from t) select 1",
            "call p()",
            "select 1; do $$ $$",
        ] {
            assert!(writes(sql), "{sql}");
        }
        for sql in ["select ';insert'", " SHOW x;", "-- insert\nvalues (1)", "explain insert into t values (1)"] {
            assert!(!writes(sql), "{sql}");
        }
    }
}
