//! Whatever comes, in whatever order: nothing panics, and everything can be drawn.

use super::super::super::sample;
use super::super::super::view::{Look, draw};
use super::super::ask::{Answer, Input, Request};
use super::super::key::Key;
use super::Test;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::collections::HashSet;
use std::sync::Arc;

#[derive(Clone, Debug)]
enum Step {
    Key(Key),
    Paste(String),
    Resize(u16, u16),
    Changed,
    /// Answers the last question, or says that it failed.
    Answer(bool),
}

fn key() -> impl Strategy<Value = Key> {
    use Key::*;
    let named = [Up, Down, Left, Right, PageUp, PageDown, Home, End, Enter, Esc, Tab, Backspace, Delete];
    prop_oneof![
        3 => prop::sample::select(named.to_vec()),
        4 => prop::sample::select(" /[]npwdfgsctoazhljk?>qxé".chars().collect::<Vec<_>>()).prop_map(Char),
        1 => prop::sample::select(vec!['a', 'u', 'w', 'c', 'l', 'f', 'b']).prop_map(Ctrl),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => key().prop_map(Step::Key),
        5 => any::<bool>().prop_map(|fails| Step::Answer(!fails)),
        1 => ".{0,12}".prop_map(Step::Paste),
        1 => (0..130u16, 0..40u16).prop_map(|(width, height)| Step::Resize(width, height)),
        1 => Just(Step::Changed),
    ]
}

fn answer(test: &mut Test, works: bool) {
    let Some((ticket, request)) = test.asked.pop() else { return };
    if !works {
        return test.input(Input::Answer(ticket, Err("failed to read \u{1b}[2J".into())));
    }
    let run = if ticket % 2 == 0 { sample::order() } else { sample::mail() };
    let answer = match request {
        Request::Runs(..) => Answer::Runs(sample::rows(ticket % 70), ticket % 3 == 0, ticket),
        Request::Find(_) => Answer::Found(run.run.run_id, Some(sample::span_id(ticket % 9))),
        Request::Run(..) if ticket % 7 == 0 => Answer::Run(None, 0),
        Request::Run(..) => Answer::Run(Some(sample::loaded(run)), ticket),
        Request::Why(_) => {
            Answer::Why(spanbridge_graph::Why::of(&[sample::order()], &[sample::order_id()]).map(Box::new))
        }
        Request::Findings(_) => Answer::Findings(Arc::default()),
        Request::Search(loaded, text) => Answer::Matches(loaded.search(&text)),
    };
    test.answer(ticket, answer);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_panics(steps in prop::collection::vec(step(), 1..60), color: bool, ascii: bool) {
        let mut test = Test::empty();
        for step in steps {
            match step {
                Step::Key(key) => test.press(&[key]),
                Step::Paste(text) => test.input(Input::Paste(text)),
                Step::Resize(width, height) => test.input(Input::Resize(width, height)),
                Step::Changed => test.input(Input::Changed(HashSet::from([sample::order_id(), sample::mail_id()]))),
                Step::Answer(works) => answer(&mut test, works),
            }
            let (width, height) = test.app.size;
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            draw(&mut buffer, &test.app, Look { color, ascii });
            for cell in &buffer.content {
                prop_assert!(!cell.symbol().contains(char::is_control));
                prop_assert!(!ascii || cell.symbol().is_ascii());
            }
        }
    }
}
