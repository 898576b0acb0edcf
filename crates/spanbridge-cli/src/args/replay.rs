//! `spanbridge replay`.

use clap::Args;
use spanbridge_replay::{Ignore, LiveCall};
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(after_help = REPLAY)]
pub(crate) struct Replay {
    /// A run or a trace; or a span, for the handler around it
    pub(crate) id: String,
    /// The handler around this span [default: the one around the first failure, else the only one whose input was recorded whole]
    #[arg(long, value_name = "ID")]
    pub(crate) span: Option<String>,
    /// Let these calls reach the outside: all of http.client, messaging.publish or function.invoke, or those to one target; may
    /// be given several times
    #[arg(long, value_name = "OPERATION[ TARGET]", value_parser = live)]
    pub(crate) live: Vec<LiveCall>,
    /// Let queries of the database of this name through; without it, all are refused
    #[arg(long, value_name = "DATABASE")]
    pub(crate) scratch: Option<String>,
    /// Do not show this difference: header:NAME or body:/POINTER; it counts all the same; may be given several times
    #[arg(long, value_name = "FIELD", value_parser = ignore)]
    pub(crate) ignore: Vec<Ignore>,
    /// Write the case to this file, for a test with `spanbridge_replay::case!`
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// The worker, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

const REPLAY: &str = "\
Hands a handler the input that was recorded, and answers its calls from the record. COMMAND starts the worker; there, \
`spanbridge_replay::Replayer::from_environment` takes what is replayed. Without COMMAND, it shows what would be done.

Each step of the report is `recorded` (answered from the record), `re-executed` (your code ran), `live` (it left the process: you asked \
for it), `refused` (it is not recorded, and nothing left), `diverged` or `not compared`. Nothing is settled. Calls that are not wrapped \
by an adapter cannot be stopped.

Examples:
  spanbridge replay 4bf92f35
  spanbridge replay 4bf92f35 -- cargo run --bin worker
  spanbridge replay 4bf92f35 --scratch orders_test --ignore header:x-request-id -- ./worker
  spanbridge replay 4bf92f35 --live 'http.client GET http://localhost:8080/rates' -- ./worker
  spanbridge replay 4bf92f35 --save tests/cases/order.json

The exit code is 0 if the handler did the same, 1 if something differs or it is not possible, 2 if it has to be said which handler. What \
the replay did is a run in the store, and the report names it. All fields of the JSON are in docs/schema/replay.json.";

fn live(text: &str) -> Result<LiveCall, &'static str> {
    text.parse()
}

fn ignore(text: &str) -> Result<Ignore, &'static str> {
    text.parse()
}
