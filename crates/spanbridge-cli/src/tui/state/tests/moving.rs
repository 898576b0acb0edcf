//! Between screens and back.

use super::super::super::sample;
use super::super::app::Screen;
use super::super::ask::{Answer, Effect, Input, Request};
use super::super::key::Key;
use super::Test;
use spanbridge_graph::RunStatus;

/// Back returns to the same selection, also where the reader was in the details.
#[test]
fn a_link_is_followed_and_back() {
    let mut test = Test::run(sample::order());
    test.press(&[Key::End]);
    // The run below the tree that is linked.
    let before = test.the_run().cursor;
    test.press(&[Key::Enter]);
    assert_eq!(test.the_run().run_id, sample::mail_id());
    test.answer_run(sample::mail());
    test.press(&[Key::Down, Key::Tab]);
    let link = test.the_run().details.lines.iter().position(|line| line.target.is_some()).unwrap();
    (0..link).for_each(|_| test.press(&[Key::Down]));
    test.press(&[Key::Enter]);
    // The span is in a run that is not known here.
    let (ticket, request) = test.asked(|request| matches!(request, Request::Find(_))).unwrap();
    assert!(matches!(request, Request::Find(id) if id == sample::span_id(7).to_string()));
    test.answer(ticket, Answer::Found(sample::order_id(), Some(sample::span_id(7))));
    test.answer_run(sample::order());
    assert_eq!(test.selected(), "publish receipts");
    test.press(&[Key::Esc]);
    assert_eq!((test.selected(), test.the_run().details.cursor.at), ("process receipts", link));
    // Out of the details, then out of the run.
    test.press(&[Key::Esc, Key::Esc]);
    assert_eq!((test.the_run().run_id, test.the_run().cursor), (sample::order_id(), before));
    test.press(&[Key::Esc]);
    assert!(matches!(test.app.screens.last(), Some(Screen::List(_))));
}

#[test]
fn a_link_within_the_run_and_back() {
    let mut test = Test::run(sample::order());
    test.press(&[Key::Char(']'), Key::Tab]);
    let below = test.the_run().details.lines.iter().position(|line| line.text.contains("below")).unwrap();
    (0..below).for_each(|_| test.press(&[Key::Char('j')]));
    test.press(&[Key::Enter]);
    assert_eq!(test.selected(), "publish orders");
    test.press(&[Key::Esc]);
    assert_eq!((test.selected(), test.the_run().details.cursor.at), ("process orders", below));
}

#[test]
fn what_does_nothing_says_so() {
    let mut test = Test::list(sample::rows(3));
    test.press(&[Key::Char('x')]);
    assert_eq!(test.message(), "x does nothing here; ? shows the keys");
    test.press(&[Key::Esc]);
    assert_eq!(test.message(), "esc does nothing here; ? shows the keys");
    test.press(&[Key::Down]);
    assert_eq!(test.message(), "");
    test.press(&[Key::Char('q')]);
    assert!(matches!(test.others[..], [Effect::Quit]));
}

#[test]
fn a_resize_keeps_the_selection() {
    let mut test = Test::run(sample::order());
    test.press(&[Key::Char(']'), Key::Char(']')]);
    assert_eq!(test.selected(), "charge card");
    for size in [(40, 10), (0, 0), (200, 60), (80, 24)] {
        test.input(Input::Resize(size.0, size.1));
        assert_eq!(test.selected(), "charge card", "{size:?}");
        let run = test.the_run();
        let rows = usize::from(run.layout(size).rows.height).max(1);
        assert!(run.cursor.top <= run.cursor.at && run.cursor.at < run.cursor.top + rows, "{size:?}");
    }
}

#[test]
fn an_id_is_opened_and_no_filter() {
    let mut test = Test::list(sample::rows(3));
    test.press(&[Key::Char('/')]);
    test.text("4bf92f35");
    // Less might still have been a name.
    test.press(&[Key::Enter]);
    let (ticket, request) = test.asked(|request| matches!(request, Request::Find(_))).unwrap();
    assert!(matches!(request, Request::Find(id) if id == "4bf92f35"));
    assert_eq!(test.the_list().text, "");
    test.answer(ticket, Answer::Found(sample::order_id(), None));
    test.answer_run(sample::order());
    test.press(&[Key::Esc]);
    test.input(Input::Paste(format!(" {}\n", sample::span_id(4))));
    let (ticket, _) = test.asked(|request| matches!(request, Request::Find(_))).unwrap();
    test.answer(ticket, Answer::Found(sample::order_id(), Some(sample::span_id(4))));
    test.answer_run(sample::order());
    assert_eq!(test.selected(), "process orders");
}

#[test]
fn a_search_in_the_list_is_a_filter() {
    let mut test = Test::list(sample::rows(3));
    test.press(&[Key::Char('/')]);
    test.text("status=err");
    // Half a word is no mistake.
    assert_eq!(test.message(), "");
    test.text("or");
    let (_, request) = test.asked(|request| matches!(request, Request::Runs(..))).unwrap();
    assert!(
        matches!(&request, Request::Runs(query, _) if query.filter.status == Some(RunStatus::Error)),
        "{request:?}"
    );
    test.text("s");
    test.press(&[Key::Enter]);
    assert!(test.message().starts_with("no status errors"), "{}", test.message());
    test.press(&[Key::Esc]);
    assert!(!test.the_list().is_filtered());
}

#[test]
fn an_error_is_said_and_the_rows_stay() {
    let mut test = Test::list(sample::rows(3));
    test.press(&[Key::Char('s')]);
    let (ticket, _) = test.asked(|request| matches!(request, Request::Runs(..))).unwrap();
    test.input(Input::Answer(ticket, Err("failed to read the store: it is locked".into())));
    assert!(test.message().contains("locked") && test.app.message.as_ref().unwrap().is_error);
    assert_eq!(test.the_list().rows.len(), 3);
    // An answer to a question that nobody asks any more.
    test.input(Input::Answer(999, Err("too late".into())));
    assert!(!test.message().contains("too late"));
}

#[test]
fn the_help_has_what_works_now() {
    let words = |test: &Test| test.app.available().map(|binding| binding.help).collect::<Vec<_>>().join("\n");
    let list = Test::list(sample::rows(3));
    assert!(words(&list).contains("another order") && !words(&list).contains("critical path"));
    let empty = Test::list(Vec::new());
    assert!(!words(&empty).contains("open, or follow"));
    let mut run = Test::run(sample::order());
    assert!(words(&run).contains("critical path") && !words(&run).contains("next match"));
    run.press(&[Key::Char('/')]);
    run.text("charge");
    run.press(&[Key::Enter]);
    assert!(words(&run).contains("next match"));
    // Any other key leaves it and does nothing else.
    run.press(&[Key::Char('?'), Key::Down, Key::Char('c')]);
    assert!(run.app.help.is_none() && !run.the_run().extent.critical_path);
}

#[test]
fn why_leads_to_the_span_and_back() {
    let mut test = Test::run(sample::order());
    test.press(&[Key::Char('w')]);
    let (ticket, request) = test.asked(|request| matches!(request, Request::Why(_))).unwrap();
    assert!(matches!(request, Request::Why(run) if run == sample::order_id()));
    let why = spanbridge_graph::Why::of(&[sample::order()], &[sample::order_id()]);
    test.answer(ticket, Answer::Why(why.map(Box::new)));
    test.press(&[Key::Enter]);
    test.answer_run(sample::order());
    assert_eq!(test.selected(), "charge card");
    test.press(&[Key::Esc]);
    assert!(matches!(test.app.screens.last(), Some(Screen::Page(page)) if page.pane.target().is_some()));
}

/// Who types fast opens what the new filter finds, not what was there before.
#[test]
fn enter_waits_for_what_was_typed() {
    let mut test = Test::list(sample::rows(3));
    test.press(&[Key::Char('/')]);
    test.text("orders");
    test.press(&[Key::Enter, Key::Enter]);
    assert!(test.asked(|request| matches!(request, Request::Run(..))).is_none());
    let found = sample::rows(9).remove(0);
    let id = found.run_id;
    test.answer_list(vec![found]);
    assert!(matches!(test.asked[..], [.., (_, Request::Run(run, _))] if run == id));
    assert_eq!(test.the_run().run_id, id);
}
