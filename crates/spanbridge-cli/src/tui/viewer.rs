//! The loop: take what came, draw, wait.

use super::error::Error;
use super::keyboard;
use super::message::{Message, Sender};
use super::reader::Readers;
use super::session::{Session, terminal_size};
#[cfg(unix)]
use super::signals::{self, After};
use super::state::app::App;
use super::state::ask::{Effect, Input};
use super::view::{self, Look};
use crate::place::Place;
use crate::values::now;
use spanbridge::{RunId, SpanId};
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// How often the screen is drawn when nothing happens: times are relative to now.
const TICK: Duration = Duration::from_millis(250);

/// How many messages are taken before the screen is drawn.
const MAX_AT_ONCE: usize = 1000;

/// What to view, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Viewer {
    /// The store.
    pub store: Place,
    /// The run to open at first, and the span to select in it. `None`: the list of runs.
    pub open: Option<(RunId, Option<SpanId>)>,
    /// Whether to use colour.
    pub color: bool,
    /// Whether to draw with ASCII characters alone.
    pub ascii: bool,
}

impl Viewer {
    /// The list of runs of this store, with colour.
    pub fn new(store: impl Into<Place>) -> Self {
        Self { store: store.into(), open: None, color: true, ascii: false }
    }

    /// Opens this run at first, with this span selected.
    pub fn open(self, run: RunId, span: Option<SpanId>) -> Self {
        Self { open: Some((run, span)), ..self }
    }

    /// With or without colour. Signs and words say the same.
    pub fn color(self, color: bool) -> Self {
        Self { color, ..self }
    }

    /// With ASCII characters alone, or with all.
    pub fn ascii(self, ascii: bool) -> Self {
        Self { ascii, ..self }
    }
}

/// Whether the environment says that the terminal shows UTF-8: the first of `LC_ALL`, `LC_CTYPE` and `LANG` that is set. On Windows,
/// always.
pub fn has_utf8_locale() -> bool {
    let value = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(value).unwrap_or_default().to_ascii_lowercase();
    cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8")
}

/// How the loop ended.
enum End {
    Quit,
    Signal(i32),
    Panicked,
}

/// Shows the viewer until the reader leaves it. The terminal is as before then, also after an error, a panic or a signal; a signal
/// ends the process as it does without a handler.
///
/// # Errors
/// If the store cannot be read, or standard output is no terminal.
///
/// # Panics
/// If a thread of the viewer panicked.
pub fn run(viewer: &Viewer) -> Result<(), Error> {
    let (to, messages) = mpsc::channel();
    let to = Sender::new(to);
    // First what may fail with a message that somebody should see.
    let readers = Readers::start(&viewer.store, &to)?;
    #[cfg(unix)]
    signals::start(to.of_thread())?;
    let mut session = Session::start()?;
    keyboard::start(to.of_thread());
    let end = show(viewer, &mut session, &readers, &messages);
    let panics = session.panics();
    drop(session);
    drop(readers);
    match end? {
        End::Quit => Ok(()),
        #[cfg(unix)]
        End::Signal(signal) => {
            signals::end(signal);
            Ok(())
        }
        #[cfg(not(unix))]
        End::Signal(_) => Ok(()),
        End::Panicked => {
            panics.iter().for_each(|text| eprintln!("{text}"));
            // It was reported.
            std::panic::resume_unwind(Box::new("a thread of the viewer panicked"))
        }
    }
}

fn show(viewer: &Viewer, session: &mut Session, readers: &Readers, messages: &Receiver<Message>) -> Result<End, Error> {
    let look = Look { color: viewer.color, ascii: viewer.ascii };
    let (mut app, effects) = App::new(terminal_size(), now(), viewer.open);
    let turn = |app: &mut App, effects: Vec<Effect>, session: &mut Session| -> Result<ControlFlow<End>, Error> {
        for effect in effects {
            match effect {
                Effect::Ask(ticket, request) => readers.ask(ticket, request),
                Effect::Quit => return Ok(ControlFlow::Break(End::Quit)),
                Effect::Stop => stop(session, app)?,
                Effect::Redraw => session.redraw()?,
            }
        }
        Ok(ControlFlow::Continue(()))
    };
    if let ControlFlow::Break(end) = turn(&mut app, effects, session)? {
        return Ok(end);
    }
    loop {
        // A resize that comes together with a key may get lost on its way.
        let size = terminal_size();
        if size != app.size {
            let effects = app.update(Input::Resize(size.0, size.1));
            if let ControlFlow::Break(end) = turn(&mut app, effects, session)? {
                return Ok(end);
            }
        }
        session.terminal.draw(|frame| {
            let place = view::draw(frame.buffer_mut(), &app, look);
            place.into_iter().for_each(|place| frame.set_cursor_position(place));
        })?;
        let mut next = match messages.recv_timeout(TICK) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Ok(End::Quit),
        };
        let tick = app.update(Input::Tick(now()));
        if let ControlFlow::Break(end) = turn(&mut app, tick, session)? {
            return Ok(end);
        }
        for _ in 0..MAX_AT_ONCE {
            let Some(message) = next.take().or_else(|| messages.try_recv().ok()) else { break };
            let effects = match message {
                Message::Input(input) => app.update(input),
                Message::NotLive(why) => {
                    app.is_live = false;
                    app.tell_error(why);
                    Vec::new()
                }
                Message::Damaged(what) => {
                    app.tell_error(what);
                    Vec::new()
                }
                Message::Panicked => return Ok(End::Panicked),
                Message::InputClosed(error) => return Err(Error::Terminal(error)),
                #[cfg(unix)]
                Message::Signal(signal) => match signals::after(signal) {
                    After::End => return Ok(End::Signal(signal)),
                    After::Stop => vec![Effect::Stop],
                    After::Resume => {
                        session.resume()?;
                        Vec::new()
                    }
                },
                #[cfg(not(unix))]
                Message::Signal(signal) => return Ok(End::Signal(signal)),
            };
            if let ControlFlow::Break(end) = turn(&mut app, effects, session)? {
                return Ok(end);
            }
        }
    }
}

/// Stops the process, and takes the terminal again when it continues.
#[cfg(unix)]
fn stop(session: &mut Session, app: &mut App) -> Result<(), Error> {
    session.pause();
    if !signals::stop() {
        app.tell("no shell could continue it");
    }
    session.resume()?;
    Ok(())
}

#[cfg(not(unix))]
fn stop(_: &mut Session, app: &mut App) -> Result<(), Error> {
    app.tell("this system cannot stop programs");
    Ok(())
}
