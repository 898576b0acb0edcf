//! A thread that answers questions, one after the other.

use super::super::message::{Message, Sender};
use super::super::state::ask::{Input, Request, Ticket};
use super::answer::answer;
use crate::place::Place;
use spanbridge_query::Store;
use std::sync::mpsc::{self, Receiver};
use std::thread::JoinHandle;

/// Where questions go.
pub(super) struct Questions(mpsc::Sender<(Ticket, Request)>);

impl Questions {
    pub(super) fn ask(&self, ticket: Ticket, request: Request) {
        // A thread that is gone has said why.
        let _ = self.0.send((ticket, request));
    }
}

pub(super) fn start(place: &Place, store: Store, to: Sender) -> (Questions, JoinHandle<()>) {
    let (questions, asked) = mpsc::channel();
    let place = place.clone();
    (Questions(questions), std::thread::spawn(move || work(&place, store, &asked, &to)))
}

fn work(place: &Place, mut store: Store, asked: &Receiver<(Ticket, Request)>, to: &Sender) {
    let mut waiting: Vec<(Ticket, Request)> = Vec::new();
    let mut told = None;
    loop {
        if waiting.is_empty() {
            match asked.recv() {
                Ok(question) => waiting.push(question),
                Err(_) => return,
            }
        }
        waiting.extend(asked.try_iter());
        drop_outdated(&mut waiting);
        let (ticket, request) = waiting.remove(0);
        let answer = answer(&store, request);
        let has_failed = answer.is_err();
        if to.send(Message::Input(Input::Answer(ticket, answer))).is_err() {
            return;
        }
        let damage = store.damage().map(|damage| damage.message);
        if let Some(damage) = damage.filter(|damage| told.as_ref() != Some(damage)) {
            told = Some(damage.clone());
            if to.send(Message::Damaged(damage)).is_err() {
                return;
            }
        }
        // A database may have broken the connection, and be back for the next question.
        if has_failed
            && place.directory().is_none()
            && let Ok(again) = place.open()
        {
            store = again;
        }
    }
}

/// Of searches and lists, only the last one is of interest: nobody waits for what was typed before.
fn drop_outdated(waiting: &mut Vec<(Ticket, Request)>) {
    let is_search = |request: &Request| matches!(request, Request::Search(..));
    let is_list = |request: &Request| matches!(request, Request::Runs(..));
    let last = |is: &dyn Fn(&Request) -> bool| waiting.iter().rposition(|(_, request)| is(request));
    let (search, list) = (last(&is_search), last(&is_list));
    let mut place = 0;
    waiting.retain(|(_, request)| {
        let at = Some(place);
        place += 1;
        (!is_search(request) || at == search) && (!is_list(request) || at == list)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_waits_for_is_not_read() {
        let list = |ticket| (ticket, Request::Runs(Box::default(), 1));
        let mut waiting = vec![list(1), (2, Request::Find("dead".into())), list(3), (4, Request::Find("beef".into()))];
        drop_outdated(&mut waiting);
        assert_eq!(waiting.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [2, 3, 4]);
    }
}
