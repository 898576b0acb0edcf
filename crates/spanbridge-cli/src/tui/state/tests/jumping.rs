//! Within a run.

use super::super::super::sample;
use super::super::ask::Input;
use super::super::key::Key;
use super::super::tree::Row;
use super::Test;
use spanbridge_graph::RunStatus;

#[test]
fn from_failure_to_failure() {
    let mut test = Test::run(sample::order());
    test.press(&[Key::Char(']')]);
    assert_eq!(test.selected(), "process orders");
    test.press(&[Key::Char(']')]);
    assert_eq!((test.selected(), test.message()), ("charge card", ""));
    test.press(&[Key::Char(']')]);
    assert_eq!((test.selected(), test.message()), ("process orders", "from the other end"));
    test.press(&[Key::Char('[')]);
    assert_eq!(test.selected(), "charge card");
    let mut test = Test::run(sample::mail());
    test.press(&[Key::Char(']')]);
    assert_eq!(test.message(), "nothing failed in this run");
}

/// What is closed is opened where the failure is, and nowhere else.
#[test]
fn a_failure_that_is_hidden_is_shown() {
    let mut test = Test::run(sample::order());
    test.press(&[Key::Char('a')]);
    assert_eq!(test.the_run().tree.lines.len(), 1);
    test.press(&[Key::Char(']'), Key::Char(']')]);
    assert_eq!(test.selected(), "charge card");
    // The second attempt is still closed.
    assert_eq!(test.the_run().tree.lines.len(), 6);
}

#[test]
fn rows_close_and_open_like_a_tree() {
    let mut test = Test::run(sample::order());
    let all = test.the_run().tree.len();
    test.press(&[Key::Down, Key::Left]);
    assert_eq!((test.selected(), test.the_run().tree.len()), ("POST /orders", all - 6));
    test.press(&[Key::Right]);
    assert_eq!((test.selected(), test.the_run().tree.len()), ("POST /orders", all));
    // Once more: to the first below.
    test.press(&[Key::Right]);
    assert_eq!(test.selected(), "INSERT orders");
    // Nothing is below it: to the one above.
    test.press(&[Key::Left]);
    assert_eq!(test.selected(), "POST /orders");
}

#[test]
fn a_search_finds_names_attributes_and_errors() {
    let mut test = Test::run(sample::order());
    test.press(&[Key::Char('/')]);
    test.text("CHARGE");
    test.answer_search();
    assert_eq!(test.selected(), "charge card");
    for (text, found) in
        [("insufficient", 2), ("confirmed", 1), ("billing", 4), ("nothing of it", 0), ("00f067aa", 7), ("orders", 5)]
    {
        test.press(&[Key::Ctrl('u')]);
        test.text(text);
        test.answer_search();
        let spans = test.the_run().search.as_ref().unwrap().spans.as_ref().unwrap();
        assert_eq!(spans.len(), found, "{text}");
    }
    test.press(&[Key::Enter, Key::Char('g'), Key::Char('n')]);
    assert_eq!(test.selected(), "POST /orders");
    test.press(&[Key::Char('p')]);
    assert_eq!((test.selected(), test.message()), ("process orders", "from the other end"));
    test.press(&[Key::Esc]);
    assert!(test.the_run().search.is_none());
}

#[test]
fn only_what_failed_and_what_led_there() {
    let mut test = Test::run(sample::order());
    test.press(&[Key::Char(']'), Key::Char('f')]);
    assert_eq!((test.selected(), test.the_run().tree.lines.len()), ("process orders", 4));
    // What is not among it is shown with everything else.
    test.press(&[Key::Char('/')]);
    test.text("INSERT");
    test.answer_search();
    assert_eq!(test.selected(), "INSERT orders");
    assert!(!test.the_run().tree.failed_only);
}

/// Forty equal siblings are one row, until the reader asks for each or jumps to one.
#[test]
fn equal_siblings_come_apart() {
    let many = || {
        let mut b = sample::Build::run(7, "import", RunStatus::Ok, 1000);
        b.span(None, "batch: import", "flow.run", 0, 1000);
        for n in 0..40u64 {
            let row = b.span(Some(1), "batch: row", "flow.step", n, 1);
            row.started_at += n;
        }
        b.0
    };
    let mut test = Test::run(many());
    assert_eq!(test.the_run().tree.lines.len(), 2);
    test.press(&[Key::Down, Key::Down, Key::Right]);
    assert_eq!(test.the_run().tree.lines.len(), 41);
    let mut test = Test::run(many());
    let span = sample::span_id(30);
    let mut run = test.app.screens.pop().unwrap();
    if let super::super::app::Screen::Run(run) = &mut run {
        assert!(run.select_span(span, (80, 24)));
        assert_eq!(run.tree.row(run.cursor.at), Row::Line(29));
    }
    test.app.screens.push(run);
    test.input(Input::Resize(40, 10));
    assert_eq!(
        test.the_run().loaded.as_ref().unwrap().graph.spans[test.the_run().selected_span().unwrap()].span_id,
        span
    );
}
