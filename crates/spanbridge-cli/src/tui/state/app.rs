//! The state: a stack of screens, and what lies over them.

use super::action::{Action, BINDINGS, Binding, Layer, action};
use super::ask::{Effect, Request, Ticket};
use super::key::Key;
use super::list::List;
use super::pages::{About, TextPage};
use super::prompt::Prompt;
use super::run::{self, RunView};
use crate::render::page::Target;
use crate::render::text::named;
use spanbridge::{RunId, SpanId};

/// How many screens can be gone back to.
const MAX_SCREENS: usize = 100;

/// A screen.
pub(crate) enum Screen {
    List(Box<List>),
    Run(Box<RunView>),
    Page(Box<TextPage>),
}

/// Something to tell the reader, until the next key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

/// Everything that the viewer knows.
pub(crate) struct App {
    /// The last one is seen. Going back leaves it, and the one below is as it was.
    pub(crate) screens: Vec<Screen>,
    pub(crate) size: (u16, u16),
    pub(crate) now: u64,
    pub(crate) is_paused: bool,
    /// Whether what is recorded is followed.
    pub(crate) is_live: bool,
    /// Where the reader types what to search for.
    pub(crate) prompt: Option<Prompt>,
    /// What the search was before, to have it again if the reader cancels.
    pub(crate) before_prompt: String,
    /// The first line of the help that is seen.
    pub(crate) help: Option<usize>,
    pub(crate) message: Option<Message>,
    /// An id that is looked up.
    pub(crate) finding: Option<Ticket>,
    tickets: Ticket,
}

impl App {
    /// With the list of runs, and perhaps a run over it. The effects ask for both.
    pub(crate) fn new(size: (u16, u16), now: u64, open: Option<(RunId, Option<SpanId>)>) -> (Self, Vec<Effect>) {
        let mut app = App {
            screens: vec![Screen::List(Box::new(List::new()))],
            size,
            now,
            is_paused: false,
            is_live: true,
            prompt: None,
            before_prompt: String::new(),
            help: None,
            message: None,
            finding: None,
            tickets: 0,
        };
        let mut effects = app.ask_for_list();
        if let Some((run, span)) = open {
            effects.extend(app.open_run(run, span));
        }
        (app, effects)
    }

    pub(crate) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        self.tickets
    }

    pub(crate) fn tell(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_error: false });
    }

    pub(crate) fn tell_error(&mut self, text: impl Into<String>) {
        self.message = Some(Message { text: text.into(), is_error: true });
    }

    pub(crate) fn screen(&mut self) -> Option<&mut Screen> {
        self.screens.last_mut()
    }

    pub(crate) fn push(&mut self, screen: Screen) {
        // The list stays, whatever was gone through since.
        if self.screens.len() >= MAX_SCREENS {
            self.screens.remove(1);
        }
        self.screens.push(screen);
    }

    fn has(&self, layer: Layer) -> bool {
        match layer {
            Layer::Global | Layer::Verb => true,
            Layer::List => matches!(self.screens.last(), Some(Screen::List(_))),
            Layer::Run => matches!(self.screens.last(), Some(Screen::Run(_))),
        }
    }

    /// What a key does on this screen.
    pub(crate) fn action(&self, key: Key) -> Option<Action> {
        action(key, |layer| self.has(layer))
    }

    /// The bindings that do something now, in order.
    pub(crate) fn available(&self) -> impl Iterator<Item = &'static Binding> {
        BINDINGS.iter().filter(|binding| self.has(binding.layer) && self.can(binding.action))
    }

    /// Whether an action does something now.
    pub(crate) fn can(&self, action: Action) -> bool {
        use Action::*;
        match (self.screens.last(), action) {
            (_, Help | Quit | Stop | Redraw | Pause) => true,
            (Some(Screen::List(list)), Back) => list.is_filtered(),
            (_, Back) => self.screens.len() > 1,
            (Some(Screen::List(list)), Open | Why | Doctor) => list.selected().is_some() || list.is_anew,
            (Some(Screen::List(list)), NextError | PreviousError | Up | Down | PageUp | PageDown | First | Last) => {
                !list.rows.is_empty()
            }
            (Some(Screen::List(_)), Search | FailedOnly | Sort | Children) => true,
            (Some(Screen::Run(run)), Open) => run.target().is_some() || run.focus == run::Focus::Tree,
            (Some(Screen::Run(run)), NextMatch | PreviousMatch) => run.search.is_some(),
            (Some(Screen::Run(run)), Zoom) => run.selected_span().is_some() || run.zoom.is_some(),
            (Some(Screen::Run(run)), _) => run.loaded.is_some() && !matches!(action, Sort),
            (Some(Screen::Page(page)), Open) => page.pane.target().is_some(),
            (Some(Screen::Page(page)), Why) => page.about == About::Doctor,
            (Some(Screen::Page(page)), Doctor) => page.about == About::Why,
            (Some(Screen::Page(page)), NextMatch | PreviousMatch) => !page.text.is_empty(),
            (Some(Screen::Page(_)), Search | Up | Down | PageUp | PageDown | First | Last) => true,
            _ => false,
        }
    }

    pub(crate) fn ask_for_list(&mut self) -> Vec<Effect> {
        let ticket = self.ticket();
        let Some(Screen::List(list)) = self.screens.first_mut() else { return Vec::new() };
        match list.query() {
            Ok((query, limit)) => {
                list.refresh.ask(ticket);
                vec![Effect::Ask(ticket, Request::Runs(Box::new(query), limit))]
            }
            Err(why) => {
                self.tell_error(why);
                Vec::new()
            }
        }
    }

    /// Asks for the run of the screen that is seen.
    pub(crate) fn ask_for_run(&mut self) -> Vec<Effect> {
        let ticket = self.ticket();
        let Some(Screen::Run(run)) = self.screens.last_mut() else { return Vec::new() };
        run.refresh.ask(ticket);
        vec![Effect::Ask(ticket, Request::Run(run.run_id, run.extent))]
    }

    pub(crate) fn open_run(&mut self, run: RunId, span: Option<SpanId>) -> Vec<Effect> {
        self.push(Screen::Run(Box::new(RunView::new(run, span))));
        self.ask_for_run()
    }

    pub(crate) fn open_page(&mut self, about: About) -> Vec<Effect> {
        let (run_id, name) = match self.screens.last() {
            Some(Screen::List(list)) => match list.selected() {
                Some(row) => (row.run_id, named(&row.name)),
                None => return Vec::new(),
            },
            Some(Screen::Run(run)) => match &run.loaded {
                // In a run that another one started, it is about that one.
                Some(loaded) => (run.run_id, named(&loaded.graph.run.name)),
                None => return Vec::new(),
            },
            Some(Screen::Page(page)) => (page.run_id, page.name.clone()),
            None => return Vec::new(),
        };
        let ticket = self.ticket();
        let mut page = TextPage::new(about, run_id, name);
        page.pending = Some(ticket);
        self.push(Screen::Page(Box::new(page)));
        let request = match about {
            About::Why => Request::Why(run_id),
            About::Doctor => Request::Findings(run_id),
        };
        vec![Effect::Ask(ticket, request)]
    }

    /// Goes to what a line is about. What is in the run of the screen is selected there.
    pub(crate) fn follow(&mut self, target: Target) -> Vec<Effect> {
        let size = self.size;
        match (self.screens.last_mut(), target) {
            (Some(Screen::Run(run)), Target::Span(_, span))
                if run.loaded.as_ref().is_some_and(|loaded| loaded.facts.index_of(span).is_some()) =>
            {
                // A screen of its own, so that going back returns to this selection.
                let mut view = RunView::new(run.run_id, Some(span));
                view.extent = run.extent;
                view.findings = run.findings.clone();
                if let Some(loaded) = run.loaded.clone() {
                    view.set(loaded, size);
                }
                self.push(Screen::Run(Box::new(view)));
                Vec::new()
            }
            (_, Target::Run(run)) => self.open_run(run, None),
            (_, Target::Span(Some(run), span)) => self.open_run(run, Some(span)),
            (_, Target::Span(None, span)) => self.find(span.to_string()),
        }
    }

    /// Looks up an id, and opens what it stands for.
    pub(crate) fn find(&mut self, id: String) -> Vec<Effect> {
        let ticket = self.ticket();
        self.finding = Some(ticket);
        vec![Effect::Ask(ticket, Request::Find(id))]
    }
}
