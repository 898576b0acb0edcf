//! The commands that run one test again, alone.

use std::process::Command;

use super::failures::Failure;

/// Makes a `cargo test` of many targets run only this test. The packages stay as they are: of fewer packages, cargo would build
/// other features.
pub(super) fn of_cargo(mut command: Command, failure: &Failure) -> Command {
    let mut target = failure.target.split(' ');
    while let Some(word) = target.next() {
        if word == "-p" {
            target.next();
        } else {
            command.arg(word);
        }
    }
    if failure.target.ends_with("--doc") {
        // rustdoc takes a name apart at its spaces. It begins with a path.
        command.args(["--", failure.name.split(' ').next().unwrap_or_default()]);
    } else {
        command.args(["--", "--exact", &failure.name]);
    }
    command
}

/// The pattern that this name matches, and no other, for Node.js.
pub(super) fn pattern(name: &str) -> String {
    let escape = |c: char| if r"\^$.|?*+()[]{}".contains(c) { format!("\\{c}") } else { c.to_string() };
    format!("^{}$", name.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(target: &str, name: &str) -> String {
        let failure = Failure { target: target.into(), name: name.into(), output: String::new() };
        crate::process::show(&of_cargo(Command::new("cargo"), &failure))
    }

    #[test]
    fn one_test_is_chosen_by_its_whole_name() {
        let one = shown("-p spanbridge-otel --test metrics", "losses_are_measured");
        assert_eq!(one, "cargo --test metrics -- --exact losses_are_measured");
        assert_eq!(shown("-p spanbridge --lib", "a::tests::b"), "cargo --lib -- --exact a::tests::b");
        assert_eq!(shown("-p a --doc", "crates/a/src/lib.rs - a::b (line 3)"), "cargo --doc -- crates/a/src/lib.rs");
        assert_eq!(pattern("a 100% row (+ more)"), "^a 100% row \\(\\+ more\\)$");
    }
}
