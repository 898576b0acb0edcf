//! Standard output: whether it is coloured, and that it may be closed.

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
        Color::Always => Options { color: true, ..options },
        Color::Never => Options { color: false, ..options },
    }
}

/// Prints text that was rendered with these options.
pub(crate) fn print(text: &str, options: &Options) -> Result<(), Failure> {
    // Colours are in the text already or not; the stream translates them where a console does not know them.
    let choice = if options.color { ColorChoice::Always } else { ColorChoice::Never };
    let mut out = AutoStream::new(io::stdout().lock(), choice);
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(written)
}

/// Prints JSON, indented.
pub(crate) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    serde_json::to_writer_pretty(&mut out, value).map_err(|e| written(e.into()))?;
    out.write_all(b"\n").and_then(|()| out.flush()).map_err(written)
}

/// Says something beside the output.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "spanbridge: {text}");
}

fn written(error: io::Error) -> Failure {
    Failure::io("write to standard output", &error)
}
