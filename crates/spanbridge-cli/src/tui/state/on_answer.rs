//! What follows from an answer. Each screen takes the answer to its last question; others are too old.

use super::app::{App, Screen};
use super::ask::{Answer, Effect, Request, Ticket};
use super::layout::Layout;
use super::pages::Content;
use super::run::Search;

impl App {
    pub(super) fn answer(&mut self, ticket: Ticket, answer: Result<Answer, String>) -> Vec<Effect> {
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                self.failed(ticket, why);
                return Vec::new();
            }
        };
        let (size, now) = (self.size, self.now);
        match answer {
            Answer::Runs(rows, more, took) => {
                if let Some(Screen::List(list)) = self.screens.first_mut()
                    && list.refresh.take(ticket, took, now)
                {
                    list.set_rows(rows, more, Layout::plain(size.0, size.1, true).rows.height.into());
                    let run = list.selected().map(|row| row.run_id);
                    if std::mem::take(&mut list.is_opening)
                        && self.screens.len() == 1
                        && let Some(run) = run
                    {
                        return self.open_run(run, None);
                    }
                }
            }
            Answer::Found(run, span) => {
                if self.finding.take_if(|finding| *finding == ticket).is_some() {
                    return self.open_run(run, span);
                }
            }
            Answer::Run(loaded, took) => {
                let runs = self.screens.iter_mut().filter_map(|screen| match screen {
                    Screen::Run(run) => Some(run),
                    _ => None,
                });
                let Some(run) = runs.into_iter().find(|run| run.refresh.pending == Some(ticket)) else {
                    return Vec::new();
                };
                run.refresh.take(ticket, took, now);
                run.is_gone = loaded.is_none();
                let Some(loaded) = loaded else { return Vec::new() };
                run.set(loaded.clone(), size);
                let (run_id, search) = (run.run_id, run.search.as_ref().map(|search| search.text.clone()));
                // Findings and matches are of the run as it was.
                let (findings, matches) = (self.ticket(), self.ticket());
                let mut effects = vec![Effect::Ask(findings, Request::Findings(run_id))];
                for screen in &mut self.screens {
                    if let Screen::Run(run) = screen
                        && run.loaded.as_ref().is_some_and(|of| std::sync::Arc::ptr_eq(of, &loaded))
                    {
                        run.findings_pending = Some(findings);
                        if let Some(text) = &search {
                            run.search = Some(Search { text: text.clone(), spans: None, ticket: matches });
                        }
                    }
                }
                if let Some(text) = search {
                    effects.push(Effect::Ask(matches, Request::Search(loaded, text)));
                }
                return effects;
            }
            Answer::Why(why) => self.fill_page(ticket, why.map_or(Content::Gone, Content::Why)),
            Answer::Findings(findings) => {
                for screen in &mut self.screens {
                    if let Screen::Run(run) = screen
                        && run.findings_pending.take_if(|pending| *pending == ticket).is_some()
                    {
                        run.findings = Some(findings.clone());
                        run.forget_details(size);
                    }
                }
                self.fill_page(ticket, Content::Findings(findings));
            }
            Answer::Matches(spans) => {
                let is_typing = self.prompt.is_some();
                if let Some(Screen::Run(run)) = self.screens.last_mut()
                    && let Some(search) = run.search.as_mut().filter(|search| search.ticket == ticket)
                {
                    let is_empty = spans.is_empty();
                    let is_first = search.spans.is_none();
                    search.spans = Some(spans);
                    if is_first && !is_empty && (is_typing || run.is_jumping) {
                        run.go_to_first_match(size);
                    }
                    if std::mem::take(&mut run.is_jumping) && is_empty {
                        self.tell("no match");
                    }
                }
            }
        }
        Vec::new()
    }

    fn fill_page(&mut self, ticket: Ticket, content: Content) {
        let size = self.size;
        for screen in &mut self.screens {
            if let Screen::Page(page) = screen
                && page.pending.take_if(|pending| *pending == ticket).is_some()
            {
                page.set(content, size);
                return;
            }
        }
    }

    /// A question has no answer. What was shown before stays.
    fn failed(&mut self, ticket: Ticket, why: String) {
        let mut waited = self.finding.take_if(|finding| *finding == ticket).is_some();
        for screen in &mut self.screens {
            waited |= match screen {
                Screen::List(list) => list.refresh.fail(ticket),
                Screen::Run(run) => {
                    run.refresh.fail(ticket) || run.findings_pending.take_if(|pending| *pending == ticket).is_some()
                }
                Screen::Page(page) => page.pending.take_if(|pending| *pending == ticket).is_some(),
            };
        }
        if waited {
            self.tell_error(why);
        }
    }
}
