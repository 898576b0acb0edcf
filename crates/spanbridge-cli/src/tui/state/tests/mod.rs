//! What follows from inputs.

mod any;
mod jumping;
mod live;
mod moving;

use super::super::findings::Findings;
use super::super::sample;
use super::app::{App, Screen};
use super::ask::{Answer, Effect, Input, Request, Ticket};
use super::key::Key;
use super::list::List;
use super::run::RunView;
use spanbridge_graph::Graph;
use spanbridge_query::RunRow;
use std::sync::Arc;

/// The state, and the questions that have no answer yet.
struct Test {
    app: App,
    asked: Vec<(Ticket, Request)>,
    others: Vec<Effect>,
}

impl Test {
    /// The list of runs, with these rows.
    fn list(rows: Vec<RunRow>) -> Self {
        let mut test = Self::empty();
        test.answer_list(rows);
        test
    }

    fn empty() -> Self {
        let (app, effects) = App::new((80, 24), sample::START, None);
        let mut test = Self { app, asked: Vec::new(), others: Vec::new() };
        test.take(effects);
        test
    }

    /// A run over the list.
    fn run(graph: Graph) -> Self {
        let mut test = Self::list(Vec::new());
        let effects = test.app.open_run(graph.run.run_id, None);
        test.take(effects);
        test.answer_run(graph);
        test
    }

    fn take(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(ticket, request) => self.asked.push((ticket, request)),
                other => self.others.push(other),
            }
        }
    }

    fn input(&mut self, input: Input) {
        let effects = self.app.update(input);
        self.take(effects);
    }

    fn press(&mut self, keys: &[Key]) {
        keys.iter().for_each(|key| self.input(Input::Key(*key)));
    }

    fn text(&mut self, text: &str) {
        text.chars().for_each(|c| self.input(Input::Key(Key::Char(c))));
    }

    fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.input(Input::Answer(ticket, Ok(answer)));
    }

    /// Takes the last question of a kind.
    fn asked(&mut self, is: impl Fn(&Request) -> bool) -> Option<(Ticket, Request)> {
        let place = self.asked.iter().rposition(|(_, request)| is(request))?;
        Some(self.asked.remove(place))
    }

    fn answer_list(&mut self, rows: Vec<RunRow>) {
        let (ticket, _) = self.asked(|request| matches!(request, Request::Runs(..))).unwrap();
        self.answer(ticket, Answer::Runs(rows, false, 0));
    }

    fn answer_run(&mut self, graph: Graph) {
        let (ticket, _) = self.asked(|request| matches!(request, Request::Run(..))).unwrap();
        self.answer(ticket, Answer::Run(Some(sample::loaded(graph)), 0));
        let (ticket, _) = self.asked(|request| matches!(request, Request::Findings(_))).unwrap();
        self.answer(ticket, Answer::Findings(Arc::new(Findings::default())));
    }

    fn answer_search(&mut self) {
        let (ticket, request) = self.asked(|request| matches!(request, Request::Search(..))).unwrap();
        let Request::Search(loaded, text) = request else { unreachable!() };
        self.answer(ticket, Answer::Matches(loaded.search(&text)));
    }

    fn the_list(&self) -> &List {
        match &self.app.screens[0] {
            Screen::List(list) => list,
            _ => panic!("the list is the first screen"),
        }
    }

    fn the_run(&self) -> &RunView {
        match self.app.screens.last() {
            Some(Screen::Run(run)) => run,
            _ => panic!("no run is seen"),
        }
    }

    /// The name of the selected span.
    fn selected(&self) -> &str {
        let run = self.the_run();
        run.selected_span().map_or("", |span| &run.loaded.as_ref().unwrap().graph.spans[span].name)
    }

    fn message(&self) -> &str {
        self.app.message.as_ref().map_or("", |message| &message.text)
    }
}
