//! However it ends, the terminal is as before.

use super::records::Place;
use super::terminal::Terminal;
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

fn started(place: &Place) -> Terminal {
    let terminal = Terminal::start(&place.store(), &[]);
    terminal.wait_for_selected("send receipts");
    assert!(terminal.look(|screen| screen.alternate_screen() && screen.hide_cursor()));
    assert!(!terminal.is_given_back());
    terminal
}

#[test]
fn by_a_key() {
    for key in ["q", "\x03"] {
        let mut terminal = started(&Place::new());
        terminal.keys(key);
        assert_eq!(terminal.end().code(), Some(0));
        assert!(terminal.is_given_back());
    }
}

/// Whoever started it sees the signal, too.
#[test]
fn by_a_signal() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let mut terminal = started(&Place::new());
        kill_process(Pid::from_child(&terminal.child), signal).unwrap();
        assert_eq!(terminal.end().signal(), Some(signal.as_raw()));
        assert!(terminal.is_given_back(), "{signal:?}");
    }
}

/// In a shell with job control: it stops, the shell has the terminal, and it continues where it was.
#[test]
fn stopped_and_continued() {
    let place = Place::new();
    let script = "set -m; $VIEWER; echo STOPPED $?; read line; fg >/dev/null; echo ENDED $?";
    for key in [Some("\x1a"), None] {
        let mut terminal = Terminal::script(&place.store(), script);
        terminal.wait_for_selected("send receipts");
        terminal.keys("j");
        terminal.wait_for_selected("POST /orders");
        match key {
            Some(key) => terminal.keys(key),
            None => {
                // To the viewer, which the terminal knows as what is in front.
                let front = rustix::termios::tcgetpgrp(terminal.pty()).unwrap();
                kill_process(front, Signal::TSTP).unwrap();
            }
        }
        terminal.wait_for("STOPPED");
        assert!(terminal.is_given_back());
        terminal.keys("go\n");
        terminal.wait_for_selected("POST /orders");
        assert!(terminal.look(vt100::Screen::alternate_screen));
        terminal.keys("q");
        terminal.wait_for("ENDED 0");
        assert!(terminal.end().success());
        assert!(terminal.is_given_back());
    }
}

/// Nobody could continue it.
#[test]
fn without_a_shell_it_does_not_stop() {
    let terminal = started(&Place::new());
    terminal.keys("\x1a");
    terminal.wait_for("no shell could continue it");
    terminal.keys("j");
    terminal.wait_for_selected("POST /orders");
}

#[test]
fn an_error_is_said_before_anything_is_drawn() {
    let place = Place::new();
    for (args, code, text) in
        [(&["ffff0000"][..], 1, "no run, trace or span has an id that begins with it"), (&["xyz"][..], 2, "xyz")]
    {
        let mut terminal = Terminal::start(&place.store(), args);
        assert_eq!(terminal.end().code(), Some(code));
        assert!(terminal.is_given_back());
        assert!(terminal.look(vt100::Screen::contents).contains(text), "{}", terminal.look(vt100::Screen::contents));
    }
    let mut terminal = Terminal::start(&place.store().join("none"), &[]);
    assert_eq!(terminal.end().code(), Some(3));
}

#[test]
fn not_without_a_terminal() {
    let place = Place::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    let output = command.arg("tui").arg("--db").arg(place.store()).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("spanbridge: failed to show the viewer: standard output is not a terminal"), "{error}");
    assert!(output.stdout.is_empty());
}
