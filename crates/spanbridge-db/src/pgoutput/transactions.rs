//! Messages of transactions, as mutations.

use super::change::{Place, Row, RowChange, changes};
use super::error::ParseError;
use super::lsn::Lsn;
use super::message::{Begin, Commit, LogicalMessage, Message};
use super::table::Table;
use super::types::ValueType;
use crate::StatePolicy;
use crate::tag::{self, PREFIX};
use spanbridge::Context;
use std::collections::HashMap;

/// Reads the messages of transactions in their order, and makes mutations of the changes.
///
/// It keeps what is known about tables, and nothing of the rows: a transaction may be of any size. Each time that the server begins
/// to decode, it describes the tables again; begin with a new one then.
///
/// ```
/// use spanbridge_db::StatePolicy;
/// use spanbridge_db::pgoutput::{Lsn, ParseError, Transactions};
///
/// fn read(rows: &[(Lsn, Vec<u8>)]) -> Result<(), ParseError> {
///     let mut transactions = Transactions::new(7_312_345_678_901_234_567, "shop", StatePolicy::values());
///     for (lsn, message) in rows {
///         let committed = transactions.read(*lsn, message, |change| println!("{:?}", change.mutation))?;
///         if let Some(commit) = committed {
///             println!("everything before {} is read", commit.end_lsn);
///         }
///     }
///     Ok(())
/// }
/// # read(&[]).unwrap();
/// ```
#[derive(Debug)]
pub struct Transactions {
    system_identifier: u64,
    database: String,
    policy: StatePolicy,
    primary_keys: HashMap<u32, Vec<String>>,
    types: HashMap<u32, ValueType>,
    tables: HashMap<u32, Table>,
    open: Option<Open>,
}

/// The transaction that is read.
#[derive(Debug)]
struct Open {
    begin: Begin,
    writer: Option<Context>,
    /// Changes that were read.
    changes: u64,
    /// Where the last one was logged, and how many were before it there.
    last: (Lsn, u64),
}

impl Transactions {
    /// Of a database of a server, by its [system identifier](https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA).
    pub fn new(system_identifier: u64, database: impl Into<String>, policy: StatePolicy) -> Self {
        let (primary_keys, types, tables) = Default::default();
        Self { system_identifier, database: database.into(), policy, primary_keys, types, tables, open: None }
    }

    /// Says which columns are the primary key of a table, in the order of the key. Messages do not tell it if the replica identity is
    /// [`Full`](super::ReplicaIdentity::Full) or [`Nothing`](super::ReplicaIdentity::Nothing).
    pub fn primary_key(&mut self, relation: u32, columns: Vec<String>) {
        self.primary_keys.insert(relation, columns);
    }

    /// Reads a message that was logged at this position, and calls `each` with every change in it. Returns how a transaction ended.
    ///
    /// The writer of a change is named by the last message of ours (`pg_logical_emit_message(true, 'spanbridge', …)`) before it in
    /// the transaction.
    ///
    /// # Errors
    /// If it is no message, or none that can come here. What comes next cannot be understood then.
    pub fn read(
        &mut self,
        lsn: Lsn,
        message: &[u8],
        mut each: impl FnMut(RowChange<'_>),
    ) -> Result<Option<Commit>, ParseError> {
        let (relation, row) = match Message::parse(message)? {
            Message::Begin(begin) => {
                let open = Open { begin, writer: None, changes: 0, last: (Lsn::default(), 0) };
                return match self.open.replace(open) {
                    None => Ok(None),
                    Some(_) => Err(ParseError::new("a transaction begins inside of another", 0)),
                };
            }
            Message::Commit(commit) => {
                return match self.open.take() {
                    Some(open) if open.begin.final_lsn == commit.commit_lsn => Ok(Some(commit)),
                    _ => Err(ParseError::new("the end of another transaction", 0)),
                };
            }
            Message::Message(LogicalMessage { transactional: true, prefix, content, .. }) if prefix == PREFIX => {
                let context = str::from_utf8(content).ok().and_then(tag::read);
                open(&mut self.open)?.writer = context.filter(Context::is_sampled);
                return Ok(None);
            }
            // What is written outside of transactions says nothing about them.
            Message::Message(_) | Message::Origin(_) => return Ok(None),
            Message::Type(name) => {
                self.types.insert(name.oid, ValueType::of_name(&name));
                return Ok(None);
            }
            Message::Relation(relation) => {
                let primary_key = self.primary_keys.get(&relation.oid).map(Vec::as_slice);
                let table = Table::new(&relation, primary_key, &self.types, |name| self.policy.takes_table(name));
                self.tables.insert(relation.oid, table);
                return Ok(None);
            }
            Message::Truncate(truncate) => {
                for relation in truncate.relations() {
                    self.change(lsn, relation, Row::Truncate, &mut each)?;
                }
                return Ok(None);
            }
            Message::Insert(insert) => (insert.relation, Row::Insert(insert.new)),
            Message::Update(update) => (update.relation, Row::Update(update.old, update.new)),
            Message::Delete(delete) => (delete.relation, Row::Delete(delete.old)),
        };
        self.change(lsn, relation, row, &mut each)?;
        Ok(None)
    }

    fn change(
        &mut self,
        lsn: Lsn,
        relation: u32,
        row: Row<'_>,
        each: &mut impl FnMut(RowChange<'_>),
    ) -> Result<(), ParseError> {
        let Self { system_identifier, database, policy, tables, .. } = self;
        let open = open(&mut self.open)?;
        open.changes += 1;
        open.last = if open.changes > 1 && open.last.0 == lsn { (lsn, open.last.1 + 1) } else { (lsn, 0) };
        let table = tables.get(&relation).ok_or(ParseError::new("a table that was not described", 1))?;
        let place = Place {
            system_identifier: *system_identifier,
            transaction: open.begin,
            number: open.changes,
            lsn,
            number_there: open.last.1,
        };
        // Numbers are the same whatever is taken.
        let is_other_row = row.has_other_key(table);
        open.changes += u64::from(is_other_row);
        if table.is_taken {
            for change in changes(table, row, is_other_row, place, database, policy).into_iter().flatten() {
                each(RowChange { writer: open.writer.as_ref(), ..change });
            }
        }
        Ok(())
    }
}

/// The transaction that is read.
fn open(open: &mut Option<Open>) -> Result<&mut Open, ParseError> {
    open.as_mut().ok_or(ParseError::new("it is outside of a transaction", 0))
}
