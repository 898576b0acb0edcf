//! What each command does.

mod doctor;
mod export;
mod import;
mod lines;
mod runs;
mod trace;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::stream;
use serde_json::json;
use spanbridge::RunId;
use spanbridge_cli::render::escape;
use spanbridge_store::graph::Diagnostic;
use spanbridge_store::{Found, Id, Store, default_path};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn run(cli: &Cli) -> Result<(), Failure> {
    let store = match &cli.command {
        Command::Import(args) => return import::run(cli, args),
        _ => Store::open(path(cli)?)?,
    };
    let result = match &cli.command {
        Command::Runs(args) => runs::run(cli, args, &store),
        Command::Trace(args) => trace::run(cli, args, &store),
        Command::Doctor(args) => doctor::run(cli, args, &store),
        Command::Export(args) => export::run(cli, args, &store),
        Command::Import(_) => Ok(()),
    };
    tell_of_damage(&store);
    result
}

/// Says what was left out of an answer, or not compared with, because the store is damaged there.
fn tell_of_damage(store: &Store) {
    if let Some(damage) = store.damage() {
        stream::note(&format!("{}\n  {RESTORE}", damage.message));
    }
}

/// What to do about a store that is damaged in part.
const RESTORE: &str =
    "Restore the file from a backup, or import what `spanbridge export` can read of it into a new one.";

/// The same as part of an answer in JSON, if there is something to say.
fn add_damage(answer: &mut serde_json::Value, store: &Store) {
    if let Some(Diagnostic { code, message, count, .. }) = store.damage() {
        answer["diagnostics"] = json!([{ "code": code, "message": message, "count": count }]);
    }
}

/// Now, in nanoseconds since the Unix epoch.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
}

fn path(cli: &Cli) -> Result<PathBuf, Failure> {
    Ok(match &cli.db {
        Some(path) => path.clone(),
        None => default_path()?,
    })
}

/// What an id stands for. One that stands for several things is a mistake of the caller; the message lists them.
fn find(store: &Store, id: &str) -> Result<(Id, Vec<RunId>), Failure> {
    match store.find(id)? {
        Found::One { what, run_ids } => Ok((what, run_ids)),
        Found::Nothing => Err(Failure::NotFound(format!("find {id}: no run, trace or span has an id that begins so"))),
        Found::Ambiguous(candidates) => {
            let mut message = format!("find {id}: more than one id begins so");
            for c in &candidates {
                message.push_str(&format!("\n  {:<5}  {:<32}  {}", c.id.kind(), c.id.to_string(), escape(&c.name)));
            }
            if candidates.len() == Found::MAX_CANDIDATES {
                message.push_str("\n  … there may be more");
            }
            Err(Failure::Usage(message))
        }
    }
}

/// So many digits tell the listed runs apart; eight at least, which is what the other commands print.
fn digits(ids: impl Iterator<Item = RunId>) -> usize {
    let mut ids: Vec<u128> = ids.map(RunId::get).collect();
    ids.sort_unstable();
    ids.dedup();
    let common = |pair: &[u128]| (pair[0] ^ pair[1]).leading_zeros() as usize / 4;
    ids.windows(2).map(common).max().map_or(8, |common| (common + 1).clamp(8, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_digits_as_tell_runs_apart() {
        let ids = |ids: &[u128]| digits(ids.iter().filter_map(|id| RunId::new(*id)));
        assert_eq!(ids(&[]), 8);
        assert_eq!(ids(&[1 << 100, 2 << 100]), 8);
        assert_eq!(ids(&[0x1234_5678_9a00 << 80, 0x1234_5678_9b00 << 80]), 10);
        assert_eq!(ids(&[1, 2, 2]), 32);
    }
}
