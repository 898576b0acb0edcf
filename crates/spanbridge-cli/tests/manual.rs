//! What a package installs beside the binary: scripts for shells, and man pages.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn spanbridge(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_spanbridge")).args(args).output().unwrap()
}

fn stdout(args: &[&str]) -> String {
    let output = spanbridge(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The commands that the help lists.
fn commands() -> Vec<String> {
    let help = stdout(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let named = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_options() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("spanbridge");
    fs::write(&script, stdout(&["completions", "bash"])).unwrap();
    let complete = |words: &[&str]| {
        let line = "source \"$1\"; shift; COMP_WORDS=(spanbridge \"$@\"); COMP_CWORD=$#
            _spanbridge spanbridge \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"; printf '%s\\n' \"${COMPREPLY[@]}\"";
        let mut bash = Command::new("bash");
        bash.args(["--norc", "--noprofile", "-c", line, "bash"]).arg(&script).args(words);
        let output = bash.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found = String::from_utf8(output.stdout).unwrap();
        found.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(complete(&["trac"]), ["trace"]);
    assert_eq!(complete(&["prune", "--keep-f"]), ["--keep-failed"]);
    assert_eq!(complete(&["runs", "--status", "susp"]), ["suspended"]);
    let all = complete(&[""]);
    assert!(commands().iter().all(|command| all.contains(command)), "{all:?}");
}

#[test]
fn each_shell_has_a_script() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = stdout(&["completions", shell]);
        assert!(commands().iter().all(|command| script.contains(command.as_str())), "{shell}");
    }
}

#[test]
fn each_command_has_a_man_page() {
    let directory = tempfile::tempdir().unwrap();
    let pages = directory.path().join("not/there/yet");
    stdout(&["man", pages.to_str().unwrap()]);
    let page = |name: &str| fs::read_to_string(pages.join(format!("{name}.1"))).unwrap();
    let first = page("spanbridge");
    assert_eq!(first, stdout(&["man"]));
    for command in commands() {
        assert!(first.contains(&format!("spanbridge\\-{command}(1)")), "{command}");
        let page = page(&format!("spanbridge-{command}"));
        assert!(page.contains(&format!("spanbridge\\-{command}")) && page.contains(".SH OPTIONS"), "{page}");
    }
    assert!(page("spanbridge-trace").contains("\\-\\-db"), "global options belong to each command");
    assert_eq!(fs::read_dir(&pages).unwrap().count(), commands().len() + 1);
}

#[test]
fn a_page_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let output = spanbridge(&["man", Path::new(&file).join("pages").to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("spanbridge: failed to make ") && error.contains("pages"), "{error}");
}
