//! `spanbridge completions` and `spanbridge man`: what a package installs beside the binary. Both follow from the arguments.

use crate::args::{Cli, Completions, Man};
use crate::failure::Failure;
use crate::stream;
use clap::CommandFactory;
use clap_mangen::Man as Page;
use std::fs::{self, File};
use std::path::Path;

const NAME: &str = "spanbridge";

/// Prints the script for a shell.
pub(super) fn completions(args: &Completions) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    stream::print_bytes(&script)
}

/// Writes a page for each command, or prints that of `spanbridge`.
pub(super) fn man(args: &Man) -> Result<(), Failure> {
    let mut command = Cli::command();
    // Global options belong to every command, and each is known by its whole name.
    command.build();
    match &args.directory {
        Some(directory) => write_pages(&command, directory),
        None => {
            let mut page = Vec::new();
            Page::new(command).render(&mut page).map_err(|e| Failure::io("make a man page", &e))?;
            stream::print_bytes(&page)
        }
    }
}

fn write_pages(command: &clap::Command, directory: &Path) -> Result<(), Failure> {
    fs::create_dir_all(directory).map_err(|e| Failure::io(format!("make {}", directory.display()), &e))?;
    // The page of `help` would say no more than the others.
    let commands = command.get_subcommands().filter(|command| command.get_name() != "help");
    for command in std::iter::once(command).chain(commands) {
        let page = Page::new(command.clone());
        let path = directory.join(page.get_filename());
        let written = File::create(&path).and_then(|mut file| page.render(&mut file));
        written.map_err(|e| Failure::io(format!("write {}", path.display()), &e))?;
    }
    Ok(())
}
