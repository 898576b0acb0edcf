//! `spanbridge tui`: the terminal viewer.

use super::opening::open;
use crate::args::{Cli, Tui};
use crate::failure::Failure;
use crate::stream;
use spanbridge_cli::answers::find;
use spanbridge_cli::tui::{self, Error, Viewer, has_utf8_locale};
use spanbridge_query::Id;
use std::error::Error as _;
use std::io::{self, IsTerminal};

pub(super) fn run(cli: &Cli, args: &Tui) -> Result<(), Failure> {
    if !io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "show the viewer: standard output is not a terminal\n  `spanbridge runs`, `trace` and `tail` write to files and pipes."
                .into(),
        ));
    }
    let place = cli.place()?;
    let mut viewer =
        Viewer::new(place.clone()).color(stream::options(cli).color).ascii(args.ascii || !has_utf8_locale());
    if let Some(id) = &args.id {
        // Here, where a message can still be read.
        let (what, runs) = find(&open(cli)?, id)?;
        let span = if let Id::Span(span) = what { Some(span) } else { None };
        viewer.open = runs.first().map(|run| (*run, span));
    }
    tui::run(&viewer).map_err(|error| match error {
        Error::Store(error) => error.into(),
        error => {
            let source = error.source().map_or(String::new(), |source| format!(": {source}"));
            Failure::Usage(format!("{error}{source}"))
        }
    })
}
