//! While something is recorded.

use super::super::super::sample;
use super::super::ask::{Answer, Input, Request};
use super::super::key::Key;
use super::Test;
use std::collections::HashSet;

fn changed(test: &mut Test, run: spanbridge::RunId) {
    test.input(Input::Changed(HashSet::from([run])));
}

/// However often something changes, one question is open, and reading takes a quarter of the time at most.
#[test]
fn the_list_is_read_again_but_not_all_the_time() {
    let mut test = Test::list(sample::rows(3));
    let is_list = |request: &Request| matches!(request, Request::Runs(..));
    (0..5).for_each(|_| changed(&mut test, sample::order_id()));
    assert_eq!(test.asked.iter().filter(|(_, request)| is_list(request)).count(), 1);
    let (ticket, _) = test.asked(is_list).unwrap();
    test.answer(ticket, Answer::Runs(sample::rows(5), false, 100 * sample::MS));
    assert_eq!(test.the_list().rows.len(), 5);
    assert!(test.asked(is_list).is_none(), "it waits");
    test.input(Input::Tick(sample::START + 299 * sample::MS));
    assert!(test.asked(is_list).is_none());
    test.input(Input::Tick(sample::START + 300 * sample::MS));
    assert!(test.asked(is_list).is_some());
}

#[test]
fn a_pause_holds_the_screen_still() {
    let mut test = Test::list(sample::rows(3));
    test.press(&[Key::Char(' ')]);
    changed(&mut test, sample::order_id());
    assert!(test.asked.is_empty() && test.the_list().refresh.is_stale());
    test.press(&[Key::Char(' ')]);
    assert!(matches!(test.asked[..], [(_, Request::Runs(..))]));
}

#[test]
fn a_run_is_read_again_when_it_changes() {
    let mut test = Test::run(sample::order());
    test.press(&[Key::Char(']'), Key::Char(']'), Key::Down]);
    assert_eq!(test.selected(), "process orders");
    changed(&mut test, spanbridge::RunId::new(0x5555).unwrap());
    assert!(!test.asked.iter().any(|(_, request)| matches!(request, Request::Run(..))));
    changed(&mut test, sample::order_id());
    // One more step at the beginning: the selection moves with what is selected.
    let mut graph = sample::order();
    let mut first = graph.spans[1].clone();
    first.span_id = sample::span_id(0x77);
    first.name = "authorize".into();
    graph.spans.push(first);
    let row = test.the_run().cursor.at - test.the_run().cursor.top;
    test.answer_run(graph);
    assert_eq!(test.selected(), "process orders");
    assert_eq!(test.the_run().cursor.at - test.the_run().cursor.top, row);
}

#[test]
fn a_run_that_is_gone_stays_on_the_screen() {
    let mut test = Test::run(sample::order());
    changed(&mut test, sample::order_id());
    let (ticket, _) = test.asked(|request| matches!(request, Request::Run(..))).unwrap();
    test.answer(ticket, Answer::Run(None, 0));
    assert!(test.the_run().is_gone && test.the_run().loaded.is_some());
}

/// The answer to an older question comes late.
#[test]
fn late_answers_change_nothing() {
    let mut test = Test::list(sample::rows(3));
    test.press(&[Key::Char('s'), Key::Char('s')]);
    let (late, _) = test.asked.remove(0);
    test.answer(late, Answer::Runs(Vec::new(), false, 0));
    assert_eq!(test.the_list().rows.len(), 3);
    test.answer_list(sample::rows(2));
    assert_eq!(test.the_list().rows.len(), 2);
}

/// The list could not be read while the database was away. It is read as soon as that is back.
#[test]
fn what_had_no_answer_is_asked_again() {
    let mut test = Test::list(sample::rows(3));
    let is_list = |request: &Request| matches!(request, Request::Runs(..));
    changed(&mut test, sample::order_id());
    let (ticket, _) = test.asked(is_list).unwrap();
    test.input(Input::Answer(ticket, Err("failed to read the store: nobody answers".to_owned())));
    test.input(Input::Tick(sample::START + 1000 * sample::MS));
    assert!(test.asked(is_list).is_none() && test.the_list().rows.len() == 3);
    test.input(Input::Back);
    assert!(test.asked(is_list).is_some());
}
