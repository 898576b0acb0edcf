//! What keys do. One table drives the keys, the help and the status bar, so they cannot disagree.
//!
//! There are three layers: what works everywhere, verbs that mean the same on every screen, and what one screen adds. Nothing here
//! destroys anything, so no upper-case letter is taken: those are for what cannot be undone.

use super::key::Key;

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Help,
    Quit,
    Stop,
    Redraw,
    Pause,
    Back,
    Up,
    Down,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Search,
    NextMatch,
    PreviousMatch,
    NextError,
    PreviousError,
    FailedOnly,
    Why,
    Doctor,
    Sort,
    Close,
    Expand,
    FoldAll,
    Path,
    Children,
    Timeline,
    Zoom,
    Focus,
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layer {
    /// Everywhere.
    Global,
    /// On every screen that has what it is about.
    Verb,
    /// On one screen.
    List,
    Run,
}

/// Keys, what they do, a word for the status bar (empty: not shown there), and a line for the help.
pub(crate) struct Binding {
    pub(crate) layer: Layer,
    pub(crate) action: Action,
    pub(crate) keys: &'static [Key],
    pub(crate) word: &'static str,
    pub(crate) help: &'static str,
}

const fn bind(layer: Layer, action: Action, keys: &'static [Key], word: &'static str, help: &'static str) -> Binding {
    Binding { layer, action, keys, word, help }
}

/// Every binding. What matters most comes first: a narrow status bar shows the first ones.
pub(crate) const BINDINGS: &[Binding] = {
    use Action::*;
    use Key::*;
    use Layer::{Global, List, Run, Verb};
    &[
        bind(Global, Help, &[Char('?')], "help", "show the keys that work now"),
        bind(Verb, Open, &[Enter], "open", "open, or follow the link"),
        bind(Verb, Search, &[Char('/')], "search", "search; an id opens what it stands for"),
        bind(Verb, NextError, &[Char(']'), Char('e')], "error", "next failure"),
        bind(Verb, PreviousError, &[Char('[')], "", "previous failure"),
        bind(Verb, Why, &[Char('w')], "why", "why it failed: where that began, and the path to it"),
        bind(Verb, Doctor, &[Char('d')], "doctor", "what is missing or cannot be true, with the fix"),
        bind(Verb, FailedOnly, &[Char('f')], "failed", "only what failed, or everything again"),
        bind(
            Verb,
            Children,
            &[Char('o')],
            "",
            "runs that others started, too: in the list, or below the step that did",
        ),
        bind(Verb, NextMatch, &[Char('n')], "", "next match"),
        bind(Verb, PreviousMatch, &[Char('p')], "", "previous match"),
        bind(Verb, Action::Up, &[Key::Up, Char('k')], "", "up"),
        bind(Verb, Action::Down, &[Key::Down, Char('j')], "", "down"),
        bind(Verb, Action::PageUp, &[Key::PageUp, Ctrl('b')], "", "a page up"),
        bind(Verb, Action::PageDown, &[Key::PageDown, Ctrl('f')], "", "a page down"),
        bind(Verb, First, &[Home, Char('g')], "", "to the first; in the list of runs: follow the newest"),
        bind(Verb, Last, &[End, Char('>')], "", "to the last"),
        bind(List, Sort, &[Char('s')], "sort", "another order: newest, oldest, longest, most errors, most spans"),
        bind(Run, Focus, &[Tab], "details", "from the tree to the details, and back"),
        bind(Run, Path, &[Char('c'), Char('x')], "critical path", "the critical path: what the duration consists of"),
        bind(Run, Close, &[Left, Char('h')], "", "close what is below, or go to the step above"),
        bind(Run, Expand, &[Right, Char('l')], "", "show what is below, or go there"),
        bind(Run, FoldAll, &[Char('a')], "", "close everything below the first level, or show all of it"),
        bind(Run, Zoom, &[Char('z')], "", "the time of the selected step alone, or the whole run again"),
        bind(Run, Timeline, &[Char('t')], "", "another width of the timeline"),
        bind(Global, Back, &[Esc, Backspace], "back", "go back to where you were"),
        bind(Global, Pause, &[Char(' ')], "", "hold the screen still, or follow again what is recorded"),
        bind(Global, Quit, &[Char('q'), Ctrl('c')], "quit", "quit"),
        bind(Global, Stop, &[Ctrl('z')], "", "stop; `fg` in the shell continues"),
        bind(Global, Redraw, &[Ctrl('l')], "", "draw the screen again"),
    ]
};

/// What a key does, given the layers that are there.
pub(crate) fn action(key: Key, has: impl Fn(Layer) -> bool) -> Option<Action> {
    let found = BINDINGS.iter().find(|binding| has(binding.layer) && binding.keys.contains(&key));
    found.map(|binding| binding.action)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Also not between layers: a key means one thing.
    #[test]
    fn no_key_does_two_things() {
        let mut seen = HashSet::new();
        for key in BINDINGS.iter().flat_map(|binding| binding.keys) {
            assert!(seen.insert(*key), "{key:?}");
        }
    }

    #[test]
    fn upper_case_is_left_for_what_destroys() {
        let upper = |key: &&Key| matches!(key, Key::Char(c) if c.is_uppercase());
        assert_eq!(BINDINGS.iter().flat_map(|binding| binding.keys).find(upper), None);
    }
}
