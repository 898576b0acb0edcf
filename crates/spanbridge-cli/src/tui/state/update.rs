//! What follows from an input.

use super::action::Action;
use super::app::{App, Screen};
use super::ask::{Effect, Input, Request};
use super::filter;
use super::key::Key;
use super::prompt::{Prompt, Typed};
use super::run::Search;

impl App {
    /// Takes an input, and returns what is to be done.
    pub(crate) fn update(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = match input {
            Input::Key(key) => self.key(key),
            Input::Paste(text) => self.paste(&text),
            Input::Resize(width, height) => self.resize(width, height),
            Input::Tick(now) => {
                self.now = now;
                Vec::new()
            }
            Input::Changed(runs) => {
                self.is_live = true;
                for screen in &mut self.screens {
                    match screen {
                        Screen::List(list) => list.refresh.change(),
                        Screen::Run(run) if runs.contains(&run.run_id) => run.refresh.change(),
                        // A run that it started, or an attempt in another one, may be shown.
                        Screen::Run(run) if run.is_connected_with(&runs) => run.refresh.change(),
                        _ => {}
                    }
                }
                Vec::new()
            }
            Input::Back => {
                self.is_live = true;
                self.tell("the store answers again");
                for screen in &mut self.screens {
                    match screen {
                        Screen::List(list) => list.refresh.change(),
                        Screen::Run(run) => run.refresh.change(),
                        Screen::Page(_) => {}
                    }
                }
                Vec::new()
            }
            Input::Answer(ticket, answer) => self.answer(ticket, answer),
        };
        effects.extend(self.read_again());
        let size = self.size;
        if let Some(Screen::Run(run)) = self.screen() {
            run.update_details(size);
        }
        effects
    }

    fn key(&mut self, key: Key) -> Vec<Effect> {
        if self.prompt.is_some() {
            return self.type_key(key);
        }
        self.message = None;
        let action = self.action(key);
        if let Some(first) = self.help {
            return match action {
                Some(Action::Quit | Action::Stop | Action::Redraw) => self.act(action),
                Some(Action::Down | Action::PageDown) => {
                    self.help = Some(first + 1);
                    Vec::new()
                }
                Some(Action::Up | Action::PageUp) => {
                    self.help = Some(first.saturating_sub(1));
                    Vec::new()
                }
                _ => {
                    self.help = None;
                    Vec::new()
                }
            };
        }
        if action.is_none_or(|action| !self.can(action)) {
            self.tell(format!("{} does nothing here; ? shows the keys", key.name()));
            return Vec::new();
        }
        self.act(action)
    }

    fn act(&mut self, action: Option<Action>) -> Vec<Effect> {
        action.map_or(Vec::new(), |action| self.perform(action))
    }

    /// Opens the line to type in, with what was searched for before.
    pub(super) fn open_prompt(&mut self) {
        let text = match self.screens.last() {
            Some(Screen::List(list)) => list.text.clone(),
            Some(Screen::Run(run)) => run.search.as_ref().map_or(String::new(), |search| search.text.clone()),
            Some(Screen::Page(page)) => page.text.clone(),
            None => String::new(),
        };
        self.prompt = Some(Prompt::new(&text));
        self.before_prompt = text;
    }

    fn type_key(&mut self, key: Key) -> Vec<Effect> {
        let Some(prompt) = &mut self.prompt else { return Vec::new() };
        match key {
            Key::Ctrl('z') => return vec![Effect::Stop],
            Key::Ctrl('l') => return vec![Effect::Redraw],
            _ => {}
        }
        match prompt.press(key) {
            Typed::Edited => {
                let text = prompt.text();
                self.search(text)
            }
            Typed::Accepted => {
                let text = prompt.text();
                self.prompt = None;
                match filter::is_id(&text) {
                    // It is no filter then.
                    true => {
                        let before = std::mem::take(&mut self.before_prompt);
                        let mut effects = self.search(before);
                        effects.extend(self.find(text.trim().to_owned()));
                        effects
                    }
                    false => {
                        let effects = self.search(text);
                        let wrong = match self.screen() {
                            Some(Screen::Run(run)) => {
                                run.is_jumping = run.search.as_ref().is_some_and(|search| search.spans.is_none());
                                None
                            }
                            Some(Screen::List(list)) => list.query().err(),
                            _ => None,
                        };
                        wrong.into_iter().for_each(|why| self.tell_error(why));
                        effects
                    }
                }
            }
            Typed::Cancelled => {
                self.prompt = None;
                let before = std::mem::take(&mut self.before_prompt);
                self.search(before)
            }
        }
    }

    /// Pasted text goes into the search. An id alone is opened at once.
    fn paste(&mut self, text: &str) -> Vec<Effect> {
        self.help = None;
        match &mut self.prompt {
            None if filter::is_id(text) => self.find(text.trim().to_owned()),
            None => {
                self.open_prompt();
                self.prompt = Some(Prompt::new(""));
                self.paste(text)
            }
            Some(prompt) => {
                prompt.insert(text);
                let text = prompt.text();
                self.search(text)
            }
        }
    }

    /// Searches on the screen that is seen. In the list of runs, that is a filter.
    fn search(&mut self, text: String) -> Vec<Effect> {
        let ticket = self.ticket();
        let is_typing = self.prompt.is_some();
        self.message = None;
        let size = self.size;
        match self.screens.last_mut() {
            Some(Screen::List(list)) if list.text != text => {
                // While an id is typed, the list stays.
                if is_typing && filter::is_id(&text) {
                    return Vec::new();
                }
                list.text = text;
                list.begin_anew();
                // While it is typed, half a word is no mistake.
                if list.query().is_ok() {
                    return self.ask_for_list();
                }
            }
            Some(Screen::Run(run)) => {
                if text.trim().is_empty() {
                    run.search = None;
                } else if let Some(loaded) = run.loaded.clone()
                    && run.search.as_ref().is_none_or(|search| search.text != text)
                {
                    run.search = Some(Search { text: text.clone(), spans: None, ticket });
                    return vec![Effect::Ask(ticket, Request::Search(loaded, text))];
                }
            }
            Some(Screen::Page(page)) if page.text != text => {
                page.text = text;
                let height = page.layout(size).rows.height.into();
                if let Some(at) = page.pane.find(&page.text, false).filter(|_| !page.text.is_empty()) {
                    page.pane.cursor.go_to(at, page.pane.lines.len(), height);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn resize(&mut self, width: u16, height: u16) -> Vec<Effect> {
        self.size = (width, height);
        for screen in &mut self.screens {
            match screen {
                Screen::List(list) => {
                    let layout = super::layout::Layout::plain(width, height, true);
                    list.cursor.fit(list.rows.len(), layout.rows.height.into());
                }
                Screen::Run(run) => run.resize((width, height)),
                Screen::Page(page) => page.resize((width, height)),
            }
        }
        Vec::new()
    }

    /// Asks again for what has changed, unless the screen is held still.
    fn read_again(&mut self) -> Vec<Effect> {
        let (now, is_paused) = (self.now, self.is_paused);
        match self.screens.last_mut() {
            Some(Screen::List(list)) => {
                let is_due = list.refresh.is_due(now) && !is_paused;
                if is_due || list.wants_more() { self.ask_for_list() } else { Vec::new() }
            }
            Some(Screen::Run(run)) if run.refresh.is_due(now) && !is_paused => self.ask_for_run(),
            _ => Vec::new(),
        }
    }
}
