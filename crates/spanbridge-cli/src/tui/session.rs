//! The terminal while the viewer has it: raw mode and the alternate screen. However the viewer ends, both are left.

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size,
};
use std::io::{self, BufWriter, Stdout, Write};
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

/// Whether the terminal is ours. It belongs to the process, and panics and signals must find it.
static IS_ENTERED: AtomicBool = AtomicBool::new(false);

type Screen = Terminal<CrosstermBackend<BufWriter<Stdout>>>;

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Sync + Send + 'static>;

/// The terminal, taken. Dropping this gives it back.
pub(crate) struct Session {
    pub(crate) terminal: Screen,
    /// What threads said when they panicked: shown once the terminal is given back.
    panics: Arc<Mutex<Vec<String>>>,
    former_hook: Arc<Hook>,
}

impl Session {
    /// Takes the terminal. From then on, a panic of this thread gives it back before it is reported.
    ///
    /// # Errors
    /// If there is no terminal.
    pub(crate) fn start() -> io::Result<Self> {
        let panics = Arc::new(Mutex::new(Vec::new()));
        let former_hook = Arc::new(panic::take_hook());
        let (own, others, former) = (thread::current().id(), panics.clone(), former_hook.clone());
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == own {
                give_back();
                former(info);
            } else if let Ok(mut panics) = others.lock() {
                panics.push(info.to_string());
            }
        }));
        match take().and_then(|()| terminal()) {
            Ok(terminal) => Ok(Self { terminal, panics, former_hook }),
            Err(error) => {
                give_back();
                set_former(former_hook);
                Err(error)
            }
        }
    }

    /// Takes the terminal again, after the process was stopped or something else has written to it.
    pub(crate) fn resume(&mut self) -> io::Result<()> {
        give_back();
        take()?;
        self.redraw()
    }

    /// Draws everything anew next time. `Terminal::clear` would ask the terminal where its cursor is, and the answer would come among
    /// the keys.
    pub(crate) fn redraw(&mut self) -> io::Result<()> {
        execute!(io::stdout(), Clear(ClearType::All))?;
        self.terminal = terminal()?;
        Ok(())
    }

    /// Gives the terminal back.
    pub(crate) fn pause(&mut self) {
        give_back();
    }

    /// What threads said when they panicked.
    pub(crate) fn panics(&self) -> Vec<String> {
        self.panics.lock().map(|panics| panics.clone()).unwrap_or_default()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        give_back();
        // A thread that panics may not change the hook, and need not: it ends.
        if !thread::panicking() {
            set_former(self.former_hook.clone());
        }
    }
}

/// On which nothing is drawn yet.
fn terminal() -> io::Result<Screen> {
    Terminal::new(CrosstermBackend::new(BufWriter::new(io::stdout())))
}

fn set_former(former: Arc<Hook>) {
    drop(panic::take_hook());
    panic::set_hook(Box::new(move |info| former(info)));
}

fn take() -> io::Result<()> {
    IS_ENTERED.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    // Pasted text is no keys.
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
}

/// Gives the terminal back, if it was taken. May be called at any time, from any thread, and again.
pub(crate) fn give_back() {
    if IS_ENTERED.swap(false, Ordering::SeqCst) {
        // If one fails, the others are still worth trying.
        let _ = execute!(io::stdout(), DisableBracketedPaste, LeaveAlternateScreen, Show);
        let _ = io::stdout().flush();
        let _ = disable_raw_mode();
    }
}

/// The size of the terminal, in columns and lines.
pub(crate) fn terminal_size() -> (u16, u16) {
    size().unwrap_or((80, 24))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use pty_process::blocking::{Command, open};
    use std::io::Read;

    const WHO: &str = "SPANBRIDGE_TEST_WHO_PANICS";

    /// What the other tests start in a terminal of its own. It does nothing otherwise.
    #[test]
    fn in_a_terminal() {
        match std::env::var(WHO).as_deref() {
            Ok("the loop") => {
                let mut session = Session::start().unwrap();
                session.terminal.draw(|_| panic!("while it draws")).unwrap();
            }
            Ok("a thread") => {
                let session = Session::start().unwrap();
                assert!(thread::spawn(|| panic!("while it reads")).join().is_err());
                let said = session.panics();
                drop(session);
                said.iter().for_each(|said| println!("{said}"));
            }
            _ => {}
        }
    }

    /// What the terminal gets, and whether the process succeeded.
    fn output_if(who: &str) -> (String, bool) {
        let (pty, pts) = open().unwrap();
        let command = Command::new(std::env::current_exe().unwrap()).env(WHO, who);
        let args = ["--exact", "tui::session::tests::in_a_terminal", "--nocapture"];
        let mut child = command.args(args).spawn(pts).unwrap();
        let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
        // The end of the process is an error here.
        while let Ok(read @ 1..) = (&pty).read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..read]);
        }
        (String::from_utf8_lossy(&bytes).into_owned(), child.wait().unwrap().success())
    }

    /// The message of a panic is of no use on a screen that is about to go.
    fn is_said_afterwards(output: &str, message: &str) -> bool {
        let place = |text: &str| output.find(text).unwrap_or_else(|| panic!("{text:?} is not in {output:?}"));
        place("\u{1b}[?1049h") < place("\u{1b}[?1049l")
            && place("\u{1b}[?1049l") < place(message)
            && place("\u{1b}[?25h") < place(message)
            && output.matches(message).count() == 1
    }

    #[test]
    fn a_panic_gives_the_terminal_back_first() {
        let (output, succeeded) = output_if("the loop");
        assert!(!succeeded && is_said_afterwards(&output, "while it draws"), "{output}");
    }

    #[test]
    fn a_panic_of_a_thread_waits_for_the_end() {
        let (output, succeeded) = output_if("a thread");
        assert!(succeeded && is_said_afterwards(&output, "while it reads"), "{output}");
    }
}
