//! What standard output can show.

use crate::render::Options;
use anstream::{AutoStream, ColorChoice};
use std::io;
use terminal_size::{Width, terminal_size_of};

/// The width of the terminal; otherwise `COLUMNS`, or 100. With colour if the terminal supports it. Respects `NO_COLOR`,
/// `CLICOLOR` and `CLICOLOR_FORCE`.
pub fn options() -> Options {
    let columns = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|c| *c > 0);
    let width = match terminal_size_of(io::stdout()) {
        Some((Width(width), _)) => usize::from(width),
        None => columns().unwrap_or(Options::default().width),
    };
    Options { width, color: AutoStream::choice(&io::stdout()) != ColorChoice::Never }
}
