//! What follows from an action.

use super::action::Action;
use super::app::{App, Screen};
use super::ask::Effect;
use super::cursor::Cursor;
use super::layout::Layout;
use super::pages::About;
use super::run::{Focus, TimelineWidth};

impl App {
    pub(super) fn perform(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::Quit => return vec![Effect::Quit],
            Action::Stop => return vec![Effect::Stop],
            Action::Redraw => return vec![Effect::Redraw],
            Action::Help => self.help = Some(0),
            Action::Pause => self.is_paused = !self.is_paused,
            Action::Search => self.open_prompt(),
            Action::Back => return self.back(),
            Action::Why => return self.open_page(About::Why),
            Action::Doctor => return self.open_page(About::Doctor),
            Action::Open => return self.open(),
            _ => {
                let size = self.size;
                return match self.screens.last_mut() {
                    Some(Screen::List(_)) => self.in_list(action, size),
                    Some(Screen::Run(_)) => self.in_run(action, size),
                    Some(Screen::Page(_)) => self.in_page(action, size),
                    None => Vec::new(),
                };
            }
        }
        Vec::new()
    }

    /// First out of the details and the search of a run, then to the screen before. In the list, the filter goes.
    fn back(&mut self) -> Vec<Effect> {
        match self.screens.last_mut() {
            Some(Screen::List(list)) => {
                (list.text, list.failed_only) = (String::new(), false);
                list.begin_anew();
                return self.ask_for_list();
            }
            Some(Screen::Run(run)) if run.focus == Focus::Details => run.focus = Focus::Tree,
            Some(Screen::Run(run)) if run.search.is_some() => run.search = None,
            _ => {
                // The list stays.
                if self.screens.len() > 1 {
                    self.screens.pop();
                }
            }
        }
        Vec::new()
    }

    fn open(&mut self) -> Vec<Effect> {
        match self.screens.last_mut() {
            // What is seen is of another filter than the one that was just typed.
            Some(Screen::List(list)) if list.is_anew => {
                list.is_opening = true;
                Vec::new()
            }
            Some(Screen::List(list)) => match list.selected().map(|row| row.run_id) {
                Some(run) => self.open_run(run, None),
                None => Vec::new(),
            },
            Some(Screen::Run(run)) => match run.target() {
                Some(target) => self.follow(target),
                None => {
                    run.focus = Focus::Details;
                    Vec::new()
                }
            },
            Some(Screen::Page(page)) => match page.pane.target() {
                Some(target) => self.follow(target),
                None => Vec::new(),
            },
            None => Vec::new(),
        }
    }

    fn in_list(&mut self, action: Action, (width, height): (u16, u16)) -> Vec<Effect> {
        let Some(Screen::List(list)) = self.screens.last_mut() else { return Vec::new() };
        let height: usize = Layout::plain(width, height, true).rows.height.into();
        let at = list.cursor.at;
        match action {
            Action::First => list.follow(),
            Action::Up => list.go_to(at.saturating_sub(1), height),
            Action::Down => list.go_to(at + 1, height),
            Action::PageUp => list.go_to(at.saturating_sub(height.max(2) - 1), height),
            Action::PageDown => list.go_to(at + height.max(2) - 1, height),
            Action::Last => list.go_to(usize::MAX, height),
            Action::NextError => match list.next_error(false) {
                Some(at) => list.go_to(at, height),
                None => self.tell("no failed run below"),
            },
            Action::PreviousError => match list.next_error(true) {
                Some(at) => list.go_to(at, height),
                None => self.tell("no failed run above"),
            },
            Action::FailedOnly => {
                list.failed_only = !list.failed_only;
                list.begin_anew();
                return self.ask_for_list();
            }
            Action::Children => {
                list.each_run = !list.each_run;
                list.begin_anew();
                let what = if list.each_run { "each run by itself" } else { "a line for each operation" };
                self.tell(what);
                return self.ask_for_list();
            }
            Action::Sort => {
                list.next_sort();
                let order = list.sorted_by();
                self.tell(order);
                return self.ask_for_list();
            }
            _ => {}
        }
        Vec::new()
    }

    fn in_run(&mut self, action: Action, size: (u16, u16)) -> Vec<Effect> {
        let Some(Screen::Run(run)) = self.screens.last_mut() else { return Vec::new() };
        if let Some(to) = movement(action) {
            run.step(size, to);
            return Vec::new();
        }
        match action {
            Action::Focus => {
                run.focus = match run.focus {
                    Focus::Tree => Focus::Details,
                    Focus::Details => Focus::Tree,
                }
            }
            Action::NextError | Action::PreviousError => {
                run.focus = Focus::Tree;
                match run.jump_to_error(action == Action::PreviousError, size) {
                    None => self.tell("nothing failed in this run"),
                    Some(true) => self.tell("from the other end"),
                    Some(false) => {}
                }
            }
            Action::NextMatch | Action::PreviousMatch => {
                run.focus = Focus::Tree;
                match run.jump_to_match(action == Action::PreviousMatch, size) {
                    None => self.tell("no match"),
                    Some(true) => self.tell("from the other end"),
                    Some(false) => {}
                }
            }
            Action::FailedOnly => run.change_tree(size, |tree, loaded, _| {
                tree.failed_only = !tree.failed_only;
                tree.build(loaded, size.0);
                None
            }),
            Action::Close => run.change_tree(size, |tree, loaded, at| match tree.close(loaded, at, size.0) {
                true => None,
                false => Some(tree.above(at)),
            }),
            Action::Expand => run.change_tree(size, |tree, loaded, at| {
                let first = (at + 1 < tree.len() && tree.above(at + 1) == at).then_some(at + 1);
                match tree.expand(loaded, at, size.0) {
                    true => None,
                    false => first,
                }
            }),
            Action::FoldAll => run.change_tree(size, |tree, loaded, _| {
                tree.fold_all(loaded, size.0);
                None
            }),
            Action::Timeline => {
                run.timeline = match run.timeline {
                    TimelineWidth::Third => TimelineWidth::Half,
                    TimelineWidth::Half => TimelineWidth::None,
                    TimelineWidth::None => TimelineWidth::Third,
                }
            }
            Action::Zoom => {
                let span = run.loaded.as_ref().zip(run.selected_span());
                run.zoom = match (run.zoom, span) {
                    (None, Some((loaded, span))) => {
                        let span = &loaded.graph.spans[span];
                        // With the time in the queue before it.
                        let queued = run.selected_span().and_then(|place| loaded.parts.times[place].queued);
                        let from = span.started_at - queued.unwrap_or(0).min(span.started_at);
                        Some((from, span.ended_at.unwrap_or(span.started_at).max(span.started_at)))
                    }
                    _ => None,
                }
            }
            Action::Path => {
                run.extent.critical_path = !run.extent.critical_path;
                return self.ask_for_run();
            }
            Action::Children => {
                run.extent.follow_children = !run.extent.follow_children;
                return self.ask_for_run();
            }
            _ => {}
        }
        Vec::new()
    }

    fn in_page(&mut self, action: Action, size: (u16, u16)) -> Vec<Effect> {
        let Some(Screen::Page(page)) = self.screens.last_mut() else { return Vec::new() };
        let height = page.layout(size).rows.height.into();
        let len = page.pane.lines.len();
        if let Some(to) = movement(action) {
            to(&mut page.pane.cursor, len, height);
        } else if let Action::NextMatch | Action::PreviousMatch = action {
            match page.pane.find(&page.text, action == Action::PreviousMatch) {
                Some(at) => page.pane.cursor.go_to(at, len, height),
                None => self.tell("no match"),
            }
        }
        Vec::new()
    }
}

/// How an action moves a cursor, given the number of lines and those on the screen.
fn movement(action: Action) -> Option<fn(&mut Cursor, usize, usize)> {
    Some(match action {
        Action::Up => |cursor, len, height| cursor.up(1, len, height),
        Action::Down => |cursor, len, height| cursor.down(1, len, height),
        Action::PageUp => |cursor, len, height| cursor.up(height.max(2) - 1, len, height),
        Action::PageDown => |cursor, len, height| cursor.down(height.max(2) - 1, len, height),
        Action::First => |cursor, len, height| cursor.go_to(0, len, height),
        Action::Last => |cursor, len, height| cursor.go_to(usize::MAX, len, height),
        _ => return None,
    })
}
