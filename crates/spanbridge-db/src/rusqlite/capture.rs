//! What is installed in a connection: when, whether it still fits the schema, and what is read from it after a commit.

use super::functions::{self, SharedLog, locked};
use super::log::{Change, Log, now};
use super::shape::{self, databases, quoted};
use super::triggers::{self, TIP};
use crate::policy::StatePolicy;
use crate::query::capture_failed;
use rusqlite::{Connection, OptionalExtension, Result};
use spanbridge::adapter::{Mutation, may_record, record_mutation};
use spanbridge::observe::{self, Span};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// Whether a statement that is observed has committed, so that the time of the commit is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    Seen,
    Unseen,
}

/// The capture of one connection.
pub(super) struct Capture {
    pub(super) policy: StatePolicy,
    log: SharedLog,
    /// The versions of the schemas for which triggers are installed. Empty: none are.
    installed: RefCell<Vec<(String, i64)>>,
    /// The functions are there. They stay: SQLite replaces none while statements run.
    has_functions: Cell<bool>,
    /// What could not be installed has been said.
    is_refused: Cell<bool>,
    /// What is to be said with the next span.
    unsaid: RefCell<Option<String>>,
    /// Statements that have begun to write, and not ended.
    writing: Cell<usize>,
    /// Begins the ids of mutations.
    id: u64,
    next: Cell<u64>,
}

impl Capture {
    pub(super) fn new(policy: StatePolicy) -> Self {
        Capture {
            log: Arc::new(Mutex::new(Log::new(policy.clone()))),
            policy,
            installed: RefCell::default(),
            has_functions: Cell::new(false),
            is_refused: Cell::new(false),
            unsaid: RefCell::default(),
            writing: Cell::new(0),
            id: RandomState::new().hash_one((std::process::id(), SystemTime::now())),
            next: Cell::new(0),
        }
    }

    /// Before a statement that may write: installs what is missing, if the schema is another than before. Inside of a
    /// transaction nothing is asked, because that would lock a database which the transaction may not be about.
    pub(super) fn prepare(&self, db: &Connection) {
        if self.policy.is_off() || !may_record() || !db.is_autocommit() || self.writing.get() > 0 {
            return;
        }
        locked(&self.log).forget_staged();
        self.refresh(db)
    }

    /// Before a statement that changes the schema: removes the triggers, because they would make it fail.
    pub(super) fn before_schema_change(&self, db: &Connection) {
        if !self.installed.borrow().is_empty() {
            let _ = remove_triggers(db);
            self.installed.borrow_mut().clear()
        }
    }

    /// After a statement that changes the schema.
    pub(super) fn after_schema_change(&self, db: &Connection) {
        if !self.policy.is_off() && may_record() {
            self.refresh(db)
        }
    }

    /// Whether the schema is another than that for which triggers are installed, so that a statement may have failed by them.
    pub(super) fn is_outdated(&self, db: &Connection) -> bool {
        let installed = self.installed.borrow();
        !installed.is_empty() && shape::versions(db).is_ok_and(|versions| versions != *installed)
    }

    fn refresh(&self, db: &Connection) {
        // Nothing can be read while another connection has a lock: the statement that follows will tell.
        let Ok(versions) = shape::versions(db) else { return };
        if versions == *self.installed.borrow() {
            return;
        }
        match self.install(db) {
            Ok(()) => self.is_refused.set(false),
            Err(error) if !self.is_refused.replace(true) => {
                let why = format!("failed to install triggers, so no rows are recorded: {error}");
                *self.unsaid.borrow_mut() = Some(why)
            }
            Err(_) => {}
        }
    }

    /// Installs triggers for the tables that there are.
    pub(super) fn install(&self, db: &Connection) -> Result<()> {
        self.installed.borrow_mut().clear();
        if !self.has_functions.get() {
            functions::create(db, &self.log)?;
            self.has_functions.set(true)
        }
        db.execute_batch("SAVEPOINT spanbridge_install")?;
        let installed = self.create(db);
        match &installed {
            Ok(_) => db.execute_batch("RELEASE spanbridge_install")?,
            Err(_) => db.execute_batch("ROLLBACK TO spanbridge_install; RELEASE spanbridge_install")?,
        }
        installed?;
        // Only now: the schema of temporary tables has a version, too.
        *self.installed.borrow_mut() = shape::versions(db)?;
        Ok(())
    }

    fn create(&self, db: &Connection) -> Result<()> {
        remove_triggers(db)?;
        if tip(db).is_err() {
            db.execute_batch(&triggers::tip())?
        }
        for (schema, _) in databases(db)?.into_iter().filter(|(schema, _)| schema != "temp") {
            for shape in shape::tables(db, &schema)? {
                if self.policy.takes_table(&shape.table) {
                    let number = locked(&self.log).add_table(shape.clone());
                    db.execute_batch(&triggers::create(&shape, number))?;
                    if let Err(error) = triggers::probe(db, &shape) {
                        // Such as a column or an index that needs a function or a collation which this connection has not.
                        db.execute_batch(&triggers::remove(number))?;
                        let why = format!(
                            "rows of {} are not recorded, because triggers cannot read them: {error}",
                            shape.table
                        );
                        *self.unsaid.borrow_mut() = Some(why)
                    }
                }
            }
        }
        Ok(())
    }

    /// Removes everything.
    pub(super) fn remove(&self, db: &Connection) -> Result<()> {
        self.installed.borrow_mut().clear();
        remove_triggers(db)?;
        db.execute_batch(&format!("DROP TABLE IF EXISTS temp.{TIP}"))?;
        self.has_functions.set(false);
        functions::remove(db)
    }

    /// A statement that writes has begun, whose end is not known yet.
    pub(super) fn begin_writing(&self) {
        self.writing.set(self.writing.get() + 1)
    }

    pub(super) fn end_writing(&self) {
        self.writing.set(self.writing.get().saturating_sub(1))
    }

    /// Writes to the tip, which SQLite counts among the changes of the connection.
    pub(super) fn tip_writes(&self) -> u64 {
        if self.policy.is_off() { 0 } else { locked(&self.log).tip_writes }
    }

    /// Says with a span what has failed since the last one.
    pub(super) fn tell(&self, span: &Span) {
        if let Some(why) = self.unsaid.take() {
            capture_failed(span.context(), &why)
        }
    }

    /// Records what was committed: just now by a statement of ours, or before by one on the connection itself, so that nobody has seen
    /// when. `name` is that of the main database.
    pub(super) fn drain(&self, db: &Connection, name: &str, commit: Commit) {
        if self.policy.is_off() || !db.is_autocommit() || self.writing.get() > 0 || locked(&self.log).is_empty() {
            return;
        }
        let tip = match tip(db) {
            Ok(tip) => tip,
            Err(error) => {
                locked(&self.log).take(i64::MIN);
                self.installed.borrow_mut().clear();
                let why = format!("failed to read which rows were committed, so none is recorded: {error}");
                *self.unsaid.borrow_mut() = Some(why);
                return;
            }
        };
        let (changes, no_room) = locked(&self.log).take(tip);
        let mut names: HashMap<String, String> = HashMap::new();
        let seen_at = (commit == Commit::Seen).then(now).flatten();
        for change in &changes {
            let schema = &change.table.schema;
            let database = match schema.as_str() {
                "main" => name,
                other => names.entry(other.to_owned()).or_insert_with(|| self.identity_of(db, other)),
            };
            // It was not committed before it was made.
            self.record(change, database, seen_at.or(change.at))
        }
        if no_room > 0 {
            let context = changes.last().and_then(|change| change.context.clone());
            let why = format!("{no_room} rows of a transaction are not recorded: too many had changed before them");
            capture_failed(&context.unwrap_or_else(observe::current_context), &why)
        }
    }

    /// What a database is called in records: by its file, with its directory, so that no two are taken for one; in memory, by its name
    /// on the connection, and a number of the connection, which alone has it.
    pub(super) fn identity_of(&self, db: &Connection, schema: &str) -> String {
        match file_of(db, schema) {
            file if file.is_empty() => format!("{schema}:memory:{:016x}", self.id),
            file => file,
        }
    }

    fn record(&self, change: &Change, database: &str, committed_at: Option<u64>) {
        let number = self.next.get();
        self.next.set(number + 1);
        let shape = &change.table;
        let columns = change.columns.iter().filter_map(|index| shape.columns.get(*index));
        let text = |text: &'_ Option<String>| text.clone().map(Cow::<str>::Owned);
        let mutation = Mutation::new(
            format!("{:016x}-{number}", self.id),
            database,
            shape.table.as_str(),
            change.key.as_str(),
            change.op,
        )
        .with_before(text(&change.before))
        .with_after(text(&change.after))
        .with_columns(columns.map(|column| column.name.as_str().into()).collect())
        .with_committed_at(committed_at);
        record_mutation(change.context.as_ref(), &mutation)
    }
}

fn remove_triggers(db: &Connection) -> Result<()> {
    let mut statement = db.prepare(&triggers::names_query())?;
    let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
    drop(statement);
    names.iter().try_for_each(|name| db.execute_batch(&format!("DROP TRIGGER temp.{}", quoted(name))))
}

fn tip(db: &Connection) -> Result<i64> {
    let tip = db.query_row(&format!("SELECT seq FROM temp.{TIP}"), [], |row| row.get(0));
    Ok(tip.optional()?.unwrap_or(0))
}

/// The file of a database, as SQLite has it: absolute. Empty in memory.
fn file_of(db: &Connection, schema: &str) -> String {
    let databases = databases(db).unwrap_or_default();
    databases.into_iter().find(|(name, _)| name == schema).map(|(_, file)| file).unwrap_or_default()
}

/// What a database is called in spans: by its file, without the directory; in memory, by its name on the connection.
pub(super) fn name_of(db: &Connection, schema: &str) -> String {
    match Path::new(&file_of(db, schema)).file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => schema.to_owned(),
    }
}
