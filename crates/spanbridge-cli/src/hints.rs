//! What somebody may have meant: a line of advice below a message about wrong usage.

use crate::args::Cli;
use clap::CommandFactory;
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use spanbridge_cli::render::escape;
use spanbridge_cli::values::status_meant;
use spanbridge_query::engine::IdPrefix;

/// Words for commands that have other names here.
const COMMANDS: [(&str, &str); 15] = [
    ("list", "runs"),
    ("ls", "runs"),
    ("search", "runs"),
    ("find", "trace"),
    ("show", "trace"),
    ("tree", "trace"),
    ("get", "trace"),
    ("log", "tail"),
    ("logs", "tail"),
    ("follow", "tail"),
    ("watch", "tail"),
    ("ui", "serve"),
    ("web", "serve"),
    ("server", "serve"),
    ("compare", "diff"),
];

/// Options that have other names here: of which command, as it was given, and what to give instead.
const OPTIONS: [(&str, &str, &str); 6] = [
    ("serve", "--port", "--listen 127.0.0.1:PORT"),
    ("serve", "--host", "--listen ADDRESS:PORT"),
    ("serve", "--bind", "--listen ADDRESS:PORT"),
    ("serve", "--token", "--token-file FILE, or SPANBRIDGE_TOKEN"),
    ("runs", "--failed", "--status error"),
    ("runs", "--errors", "--status error"),
];

/// Adds what may have been meant to an error of the command line with these arguments.
pub(crate) fn add(error: &mut clap::Error, mut arguments: impl Iterator<Item = String>) {
    let cli = Cli::command();
    let command = arguments.find(|argument| cli.find_subcommand(argument).is_some()).unwrap_or_default();
    let Some(hint) = hint(error, &command) else { return };
    // What clap takes for similar is less likely then.
    for similar in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        let _ = error.remove(similar);
    }
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![StyledStr::from(hint)]));
}

fn hint(error: &clap::Error, command: &str) -> Option<String> {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.as_str(),
        Some(ContextValue::Strings(all)) => all.first().map_or("", String::as_str),
        _ => "",
    };
    let (argument, value) = (context(ContextKind::InvalidArg), context(ContextKind::InvalidValue));
    match error.kind() {
        ErrorKind::MissingRequiredArgument if argument == "<B>" => {
            Some("name the other run, or give --last-good for the last run of its kind that did not fail".to_owned())
        }
        ErrorKind::InvalidValue if argument.starts_with("--status") => {
            status_meant(value).map(|status| format!("give '{}'", status.as_str()))
        }
        ErrorKind::InvalidValue if argument.starts_with("--format") && command == "export" => {
            Some(format!("give --to {}", quoted(value)))
        }
        ErrorKind::InvalidSubcommand => {
            let word = context(ContextKind::InvalidSubcommand);
            let is_id = IdPrefix::parse(word).is_ok();
            // A build may have none of them.
            let is_there = |command: &str| Cli::command().find_subcommand(command).is_some();
            match COMMANDS.iter().find(|(other, command)| *other == word && is_there(command)) {
                Some((_, command)) => Some(format!("`spanbridge {command}` does that")),
                None => is_id.then(|| format!("`spanbridge trace {}` shows what has this id", quoted(word))),
            }
        }
        ErrorKind::UnknownArgument if !argument.starts_with('-') && command == "runs" => of_filter(argument),
        ErrorKind::UnknownArgument => {
            let name = argument.split('=').next().unwrap_or_default();
            let found = OPTIONS.iter().find(|(of, given, _)| *given == name && *of == command);
            found.map(|(_, _, instead)| format!("give {instead}"))
        }
        _ => None,
    }
}

/// For what stands in place of an id, and is none.
pub(crate) fn of_no_id(text: &str) -> Option<String> {
    // Digits alone are an id that is too short or too long.
    if text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') { None } else { of_filter(text) }
}

/// Words that are no option: an attribute, or a name.
fn of_filter(text: &str) -> Option<String> {
    let (option, what) = match text.split_once('=') {
        Some(("", _)) => return None,
        Some(_) => ("--attribute", "this attribute"),
        None => ("--name", "this in their name"),
    };
    (!text.is_empty()).then(|| format!("`spanbridge runs {option} {}` lists the runs with {what}", quoted(text)))
}

/// Quoted for a shell if necessary.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=:@%+,".contains(c);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", escape(text).replace('\'', "'\\''")) }
}
