//! Reading the store, on threads of their own: whatever is asked, the keys never wait.

mod answer;
mod live;
mod worker;

use super::message::Sender;
use super::state::ask::{Request, Ticket};
use crate::place::Place;
use live::Live;
use spanbridge_query::Error;
use std::thread::JoinHandle;
use worker::Questions;

/// The threads. They end when this is dropped.
pub(crate) struct Readers {
    /// The list of runs, and ids: quick, and not to wait for a large run.
    list: Questions,
    /// Runs, and what is asked about one.
    run: Questions,
    /// Dropped last but ended first.
    _live: Option<Live>,
    _threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Opens the store for each thread.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(crate) fn start(place: &Place, to: &Sender) -> Result<Self, Error> {
        let live = Live::start(place, place.open()?, to.of_thread());
        let (list, first) = worker::start(place, place.open()?, to.of_thread());
        let (run, second) = worker::start(place, place.open()?, to.of_thread());
        Ok(Self { list, run, _live: live, _threads: vec![first, second] })
    }

    /// Asks. The answer comes as a message.
    pub(crate) fn ask(&self, ticket: Ticket, request: Request) {
        let questions = match request {
            Request::Runs(..) | Request::Find(_) => &self.list,
            _ => &self.run,
        };
        questions.ask(ticket, request);
    }
}
