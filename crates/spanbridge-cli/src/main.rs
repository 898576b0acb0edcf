//! The `spanbridge` command: shows recorded runs, and moves records in and out.
//!
//! Here are arguments, exit codes and streams; what is shown is rendered by the library beside it.

mod args;
mod commands;
mod failure;
mod stream;

use args::Cli;
use clap::Parser;
use failure::Failure;
use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are answers, on stdout; the rest is usage. That nobody reads them is no error.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match commands::run(&cli) {
        Ok(()) | Err(Failure::Closed) => ExitCode::SUCCESS,
        Err(Failure::FindingsReported) => ExitCode::from(Failure::FindingsReported.code()),
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::from(failure.code())
        }
    }
}
