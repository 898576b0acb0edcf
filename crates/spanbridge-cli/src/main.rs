//! The `spanbridge` command: shows recorded runs, imports and exports records, and looks after the store.
//!
//! The binary has the arguments, exit codes and streams. The library beside it renders what is shown.

mod args;
mod commands;
mod failure;
mod hints;
mod progress;
mod size;
mod stream;
mod summary;

use args::Cli;
use clap::Parser;
use failure::Failure;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version go to stdout, usage errors to stderr. If nobody reads them, that is no error.
        Err(mut error) => {
            hints::add(&mut error, std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()));
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match commands::run(&cli) {
        Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Err(Failure::FindingsReported) => ExitCode::from(Failure::FindingsReported.code()),
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::from(failure.code())
        }
    }
}
