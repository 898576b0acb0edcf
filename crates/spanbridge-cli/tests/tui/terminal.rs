//! A terminal in which the binary runs: what it shows, and the keys that are typed.
#![allow(dead_code, reason = "each test binary uses some of it")]

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};
use rustix::termios::{LocalModes, tcgetattr};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use vt100::{Parser, Screen};

/// How long anything may take. The machine may be busy.
const DEADLINE: Duration = Duration::from_secs(60);

/// Of what is not UTF-8, the terminal is none the wiser.
pub(crate) const UTF8: (&str, &str) = ("LC_ALL", "C.UTF-8");

/// The screen, and whether its process has closed it.
struct Seen {
    parser: Mutex<(Parser, bool)>,
    changed: Condvar,
}

pub(crate) struct Terminal {
    pty: Arc<Pty>,
    seen: Arc<Seen>,
    pub(crate) child: Child,
}

impl Terminal {
    /// `spanbridge tui` with this store, in 80 columns and 24 lines.
    pub(crate) fn start(store: &Path, args: &[&str]) -> Self {
        Self::start_with(store, args, &[UTF8])
    }

    /// The same, with these variables.
    pub(crate) fn start_with(store: &Path, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_spanbridge")).arg("tui").args(args).arg("--db").arg(store);
        Self::spawn(command, variables)
    }

    /// A script, in which `$VIEWER` starts the viewer.
    pub(crate) fn script(store: &Path, script: &str) -> Self {
        let viewer = format!("{} tui --db {}", env!("CARGO_BIN_EXE_spanbridge"), store.display());
        Self::spawn(Command::new("sh").args(["-c", script]).env("VIEWER", viewer), &[UTF8])
    }

    fn spawn(mut command: Command, variables: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, 80)).unwrap();
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "LANG", "LC_ALL", "LC_CTYPE", "SPANBRIDGE_DB"] {
            command = command.env_remove(name);
        }
        command = command.env("TERM", "xterm-256color");
        for (name, value) in variables {
            command = command.env(name, value);
        }
        let child = command.spawn(pts).unwrap();
        // The parser has that size, too.
        let (pty, seen) = (Arc::new(pty), Arc::new(Seen { parser: Mutex::default(), changed: Condvar::new() }));
        let (from, to) = (pty.clone(), seen.clone());
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                // An error says that the process is gone.
                let read = (&*from).read(&mut bytes).unwrap_or(0);
                let mut seen = to.parser.lock().unwrap();
                seen.0.process(&bytes[..read]);
                seen.1 = read == 0;
                to.changed.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        Self { pty, seen, child }
    }

    pub(crate) fn pty(&self) -> &Pty {
        &self.pty
    }

    pub(crate) fn keys(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        let [height, width] = [lines, columns].map(|n| NonZero::new(n).unwrap());
        self.seen.parser.lock().unwrap().0.screen_mut().set_size(height, width);
        self.pty.resize(Size::new(lines, columns)).unwrap();
    }

    /// Waits until the screen is so.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&Screen) -> bool) -> String {
        let until = Instant::now() + DEADLINE;
        let mut seen = self.seen.parser.lock().unwrap();
        while !is_so(seen.0.screen()) {
            let left = until.saturating_duration_since(Instant::now());
            let text = || seen.0.screen().contents();
            assert!(!left.is_zero() && !seen.1, "{what} was not seen:\n{}", text());
            seen = self.seen.changed.wait_timeout(seen, left).unwrap().0;
        }
        seen.0.screen().contents()
    }

    /// Waits until the screen has this text.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contents().contains(text))
    }

    /// Waits until the selected line has this text.
    pub(crate) fn wait_for_selected(&self, text: &str) -> String {
        self.wait(&format!("{text} as the selected line"), |screen| {
            screen.contents().lines().any(|line| line.starts_with('›') && line.contains(text))
        })
    }

    /// What is seen now.
    pub(crate) fn look<T>(&self, at: impl Fn(&Screen) -> T) -> T {
        at(self.seen.parser.lock().unwrap().0.screen())
    }

    /// Waits for the end of the process, and until everything that it wrote is seen.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        let mut seen = self.seen.parser.lock().unwrap();
        while !seen.1 {
            seen = self.seen.changed.wait(seen).unwrap();
        }
        status
    }

    /// Whether the terminal is as a shell wants it: with a cursor, lines and echo, and without the alternate screen.
    pub(crate) fn is_given_back(&self) -> bool {
        let modes = tcgetattr(&*self.pty).unwrap().local_modes;
        let screen =
            self.look(|screen| !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        screen && modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
