//! Commands with which a page goes on, such as the one that replays a case.

use super::page::{Page, TextStyle};
use super::text::{escape, width};
use spanbridge_replay::Case;

/// On a narrow page a command stands below the label: one that was cut is none.
pub(super) fn command_line(page: &mut Page, command: &str, indent: usize, columns: usize) {
    let is_narrow = indent + width(command) > columns;
    if is_narrow && page.column() > 0 {
        page.line();
    }
    page.go_to(if is_narrow { 4 } else { indent }).put(TextStyle::Dim, command).line();
}

/// The command that replays a case as it was asked for.
pub(super) fn command_of(case: &Case) -> String {
    let live = case.live.iter().map(|live| ("--live", live.to_string()));
    let scratch = case.scratch.iter().map(|name| ("--scratch", name.clone()));
    let ignore = case.ignore.iter().map(|ignore| ("--ignore", ignore.to_string()));
    let options = live.chain(scratch).chain(ignore).map(|(option, value)| format!("{option} {}", in_shell(&value)));
    let mut words = vec![format!("spanbridge replay {}", case.entry().span_id)];
    words.extend(options);
    words.push("-- COMMAND".to_owned());
    words.join(" ")
}

/// As a shell takes it for one word.
fn in_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", escape(word).replace('\'', r"'\''")),
    }
}
