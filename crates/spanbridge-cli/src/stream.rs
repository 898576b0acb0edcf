//! Standard output: whether it has colour, and that its reader may go away.

use crate::args::{Cli, Color};
use crate::failure::Failure;
use anstream::{AutoStream, ColorChoice};
use spanbridge_cli::render::Options;
use spanbridge_cli::terminal;
use std::io::{self, Write};

/// How to render for standard output.
pub(crate) fn options(cli: &Cli) -> Options {
    let options = terminal::options();
    match cli.color {
        Color::Auto => options,
        Color::Always => options.color(true),
        Color::Never => options.color(false),
    }
}

/// Prints text that was rendered with these options.
pub(crate) fn print(text: &str, options: &Options) -> Result<(), Failure> {
    // The text already has its colours, or none. The stream translates them for consoles that do not know them.
    let choice = if options.color { ColorChoice::Always } else { ColorChoice::Never };
    let mut out = AutoStream::new(io::stdout().lock(), choice);
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(not_written)
}

/// Prints bytes as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(not_written)
}

/// Prints JSON, indented.
pub(crate) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, value).map_err(|e| not_written(e.into()))?;
    out.write_all(b"\n").and_then(|()| out.flush()).map_err(not_written)
}

/// Prints a remark on standard error.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "spanbridge: {text}");
}

fn not_written(error: io::Error) -> Failure {
    Failure::io("write to standard output", &error)
}
