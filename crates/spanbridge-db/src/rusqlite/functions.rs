//! The functions that triggers call. None of them fails: a statement of the application would fail with it.

use super::log::Log;
use super::triggers::{BEGIN, LOCATOR, PUT, REPLACED, ROW, STAGE, STAGED};
use rusqlite::functions::{Context, FunctionFlags, SqlFnOutput};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};
use spanbridge::panics;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A log that functions of the connection write to.
pub(super) type SharedLog = Arc<Mutex<Log>>;

pub(super) fn locked(log: &SharedLog) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All functions, with the number of their arguments; -1 for any.
const FUNCTIONS: [(&str, i32); 7] =
    [(BEGIN, 0), (ROW, -1), (PUT, -1), (STAGE, -1), (STAGED, 3), (LOCATOR, 4), (REPLACED, 5)];

pub(super) fn create(db: &Connection, log: &SharedLog) -> Result<()> {
    function(
        db,
        log,
        BEGIN,
        |_| 0,
        |log, _| {
            log.tip_writes += 1;
            0
        },
    )?;
    function(db, log, ROW, number(0), |log, given| {
        log.row(integer(given, 0), index(given, 1), integer(given, 2), rest(given, 3))
    })?;
    function(
        db,
        log,
        PUT,
        |_| Value::Null,
        |log, given| {
            log.put(given);
            Value::Null
        },
    )?;
    function(
        db,
        log,
        STAGE,
        |_| Value::Null,
        |log, given| {
            log.stage(integer(given, 0), index(given, 1), integer(given, 2) != 0, rest(given, 3));
            Value::Null
        },
    )?;
    function(
        db,
        log,
        STAGED,
        |_| false,
        |log, given| log.has_staged(integer(given, 0), index(given, 1), integer(given, 2) != 0),
    )?;
    function(
        db,
        log,
        LOCATOR,
        |_| Value::Null,
        |log, given| log.locator(index(given, 0), integer(given, 1) != 0, index(given, 2), index(given, 3)),
    )?;
    function(db, log, REPLACED, number(0), |log, given| match integer(given, 4) {
        0 => integer(given, 0),
        _ => log.replaced(integer(given, 0), index(given, 1), integer(given, 2) != 0, index(given, 3)),
    })
}

pub(super) fn remove(db: &Connection) -> Result<()> {
    FUNCTIONS.into_iter().try_for_each(|(name, arguments)| db.remove_function(name, arguments))
}

/// A function, and what it returns if it has panicked.
fn function<T: SqlFnOutput>(
    db: &Connection,
    log: &SharedLog,
    name: &str,
    otherwise: impl Fn(&Values<'_>) -> T + Send + 'static,
    call: impl Fn(&mut Log, &Values<'_>) -> T + Send + 'static,
) -> Result<()> {
    let log = log.clone();
    let arguments = FUNCTIONS.iter().find(|(known, _)| *known == name).map_or(-1, |(_, arguments)| *arguments);
    // Also in a connection that trusts no schema.
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    db.create_scalar_function(name, arguments, flags, move |context: &Context<'_>| {
        let given: Vec<_> = (0..context.len()).map(|index| context.get_raw(index)).collect();
        Ok(panics::caught(|| call(&mut locked(&log), &given)).unwrap_or_else(|_| otherwise(&given)))
    })
}

type Values<'v> = [ValueRef<'v>];

fn integer(given: &Values<'_>, index: usize) -> i64 {
    match given.get(index) {
        Some(ValueRef::Integer(number)) => *number,
        _ => 0,
    }
}

fn number(at: usize) -> impl Fn(&Values<'_>) -> i64 {
    move |given| integer(given, at)
}

fn index(given: &Values<'_>, at: usize) -> usize {
    usize::try_from(integer(given, at)).unwrap_or(usize::MAX)
}

fn rest<'g, 'v>(given: &'g Values<'v>, from: usize) -> &'g Values<'v> {
    given.get(from..).unwrap_or_default()
}
