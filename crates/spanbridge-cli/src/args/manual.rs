//! Completions and man pages.

use clap::Args;
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(after_help = COMPLETIONS)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

const COMPLETIONS: &str = "Examples:
  spanbridge completions bash > ~/.local/share/bash-completion/completions/spanbridge
  spanbridge completions zsh > ~/.zfunc/_spanbridge     # a directory of $fpath
  spanbridge completions fish > ~/.config/fish/completions/spanbridge.fish";

#[derive(Args, Debug)]
#[command(after_help = MAN)]
pub(crate) struct Man {
    /// Write a page for each command into this directory, which is made if it does not exist [default: print the first page]
    #[arg(value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
}

const MAN: &str = "Examples:
  spanbridge man ~/.local/share/man/man1    # then: man spanbridge, man spanbridge-trace
  spanbridge man | man -l -";
