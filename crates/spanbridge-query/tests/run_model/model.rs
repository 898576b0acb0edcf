//! What the graph should show, kept in the simplest way: from what was done and what was not lost.

use crate::processes::Processes;
use spanbridge::RunId;
use spanbridge::record::Via;
use spanbridge_graph::{Graph, RunStatus};
use std::collections::BTreeSet;

/// What a process can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// A span with another inside.
    Work,
    /// A span whose context is passed on.
    HandOver,
    /// Work below such a context, or below a saved run.
    Receive,
    Suspend,
    Leave,
    Capture,
    Resume,
    End,
    /// Ends a saved run.
    EndElsewhere,
    /// Drops the run.
    Drop,
    /// Delivers everything that a process recorded.
    Flush,
    /// Loses what was not delivered.
    Crash,
}

/// Something that happened, in order.
#[derive(Clone, Debug)]
struct Fact {
    process: usize,
    /// The owner who did it. `None` if it was done without owning the run.
    owner: Option<usize>,
    what: What,
    delivered: bool,
    lost: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum What {
    Start,
    Resume(Option<String>),
    Suspend(String),
    End,
    /// Its name, and that of the span above.
    Span(String, Option<String>),
}

/// A process that may end the run.
struct Owner {
    process: usize,
    /// The name of the run in that process.
    handle: String,
    /// The suspension that it ended.
    after: Option<String>,
    /// The owner who saved what it resumed.
    from: Option<usize>,
    via: Via,
}

/// A saved run.
#[derive(Clone)]
struct Saved {
    text: String,
    /// The suspension that a resume ends.
    suspension: Option<String>,
    by: usize,
}

pub(crate) struct Model<P: Processes> {
    processes: P,
    run: RunId,
    facts: Vec<Fact>,
    owners: Vec<Owner>,
    /// The owners who still hold the run.
    holding: Vec<usize>,
    saved: Vec<Saved>,
    /// Contexts that were passed on, and their spans.
    contexts: Vec<(String, Option<String>)>,
    names: usize,
}

impl<P: Processes> Model<P> {
    pub(crate) fn new(mut processes: P) -> Self {
        let answer = processes.command(0, &["start"]);
        let (handle, run) = answer.split_once(' ').unwrap();
        let (handle, run) = (handle.to_owned(), run.parse().unwrap());
        let owner = Owner { process: 0, handle, after: None, from: None, via: Via::Start };
        let mut model = Model {
            processes,
            run,
            facts: vec![],
            owners: vec![owner],
            holding: vec![0],
            saved: vec![],
            contexts: vec![],
            names: 0,
        };
        model.fact(0, Some(0), What::Start);
        model
    }

    fn fact(&mut self, process: usize, owner: Option<usize>, what: What) {
        self.facts.push(Fact { process, owner, what, delivered: false, lost: false });
        // The clocks of two recorders agree to some microseconds. What comes later here must be later there.
        let now = std::time::Instant::now();
        while now.elapsed() < std::time::Duration::from_micros(100) {
            std::hint::spin_loop();
        }
    }

    fn name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{what} {}", self.names)
    }

    /// Does it, if possible. `a` chooses what or who, `b` the process.
    pub(crate) fn apply(&mut self, what: Action, a: usize, b: usize) {
        let process = b % self.processes.processes();
        let pick = |len: usize| (len > 0).then(|| a % len);
        match what {
            Action::Flush => self.flush(process),
            Action::Crash => {
                self.processes.crash(process);
                let gone = self.facts.iter_mut().filter(|f| f.process == process && !f.delivered);
                gone.for_each(|f| f.lost = true);
                let owners = &self.owners;
                self.holding.retain(|o| owners[*o].process != process);
            }
            Action::Receive => {
                let Some(at) = pick(self.contexts.len()) else { return };
                let (context, above) = self.contexts[at].clone();
                let name = self.name("receive");
                self.processes.command(process, &["receive", &context, &name]);
                self.fact(process, None, What::Span(name, above));
            }
            Action::Resume => {
                let Some(at) = pick(self.saved.len()) else { return };
                let Saved { text, suspension: after, by } = self.saved[at].clone();
                let answer = self.processes.command(process, &["resume", &text]);
                let handle = answer.split(' ').next().unwrap().to_owned();
                self.owners.push(Owner { process, handle, after: after.clone(), from: Some(by), via: Via::Resume });
                let owner = self.owners.len() - 1;
                self.holding.push(owner);
                if after.is_some() {
                    self.fact(process, Some(owner), What::Resume(after));
                }
            }
            Action::EndElsewhere => {
                let Some(at) = pick(self.saved.len()) else { return };
                let Saved { text, suspension: after, by } = self.saved[at].clone();
                self.processes.command(process, &["end saved", &text]);
                self.owners.push(Owner { process, handle: String::new(), after, from: Some(by), via: Via::Resume });
                self.fact(process, Some(self.owners.len() - 1), What::End);
            }
            _ => {
                let Some(at) = pick(self.holding.len()) else { return };
                self.own(what, at)
            }
        }
    }

    /// An action of an owner who holds the run.
    fn own(&mut self, what: Action, at: usize) {
        let owner = self.holding[at];
        let (process, handle) = (self.owners[owner].process, self.owners[owner].handle.clone());
        match what {
            Action::Work => {
                let (outer, inner) = (self.name("work"), self.name("part"));
                self.processes.command(process, &["work", &handle, &outer, &inner]);
                self.fact(process, Some(owner), What::Span(inner, Some(outer.clone())));
                self.fact(process, Some(owner), What::Span(outer, None));
                return;
            }
            Action::HandOver => {
                let name = self.name("hand over");
                let context = self.processes.command(process, &["hand over", &handle, &name]);
                self.contexts.push((context, Some(name.clone())));
                self.fact(process, Some(owner), What::Span(name, None));
                return;
            }
            Action::Capture => {
                let text = self.processes.command(process, &["capture", &handle]);
                self.contexts.push((text.clone(), None));
                self.saved.push(Saved { text, suspension: None, by: owner });
                return;
            }
            Action::Suspend => {
                let reason = self.name("waiting");
                let text = self.processes.command(process, &["suspend", &handle, &reason]);
                self.contexts.push((text.clone(), None));
                self.saved.push(Saved { text, suspension: Some(reason.clone()), by: owner });
                self.fact(process, Some(owner), What::Suspend(reason));
            }
            Action::Leave => {
                let text = self.processes.command(process, &["leave", &handle]);
                self.saved.push(Saved { text, suspension: None, by: owner });
            }
            Action::End => {
                self.processes.command(process, &["end", &handle]);
                self.fact(process, Some(owner), What::End);
            }
            _ => drop(self.processes.command(process, &["drop", &handle])),
        }
        self.holding.remove(at);
    }

    fn flush(&mut self, process: usize) {
        self.processes.flush(process);
        let there = self.facts.iter_mut().filter(|f| f.process == process && !f.lost);
        there.for_each(|f| f.delivered = true);
    }

    /// Delivers everything that was not lost.
    pub(crate) fn finish(mut self) -> (RunId, Expected, P) {
        (0..self.processes.processes()).for_each(|process| self.flush(process));
        (self.run, self.expected(), self.processes)
    }

    fn expected(&self) -> Expected {
        let there = || self.facts.iter().enumerate().filter(|(_, f)| f.delivered);
        let ends: Vec<usize> = there().filter(|(_, f)| f.what == What::End).map(|(n, _)| n).collect();
        let resumed: BTreeSet<&String> = there()
            .filter_map(|(_, f)| match &f.what {
                What::Resume(after) => after.as_ref(),
                // Ending a saved run has a segment that names the suspension.
                What::End => self.owners[f.owner?].after.as_ref(),
                _ => None,
            })
            .collect();
        let waits: Vec<&String> = there()
            .filter_map(|(_, f)| if let What::Suspend(reason) = &f.what { Some(reason) } else { None })
            .collect();
        // The first delivered fact of an owner who resumed without a suspension is where its segment begins.
        let takes_over = |n: usize, f: &Fact| {
            let first = || there().find(|(_, other)| other.owner == f.owner).map(|(first, _)| first);
            f.owner.is_some_and(|o| self.owners[o].via == Via::Resume && self.owners[o].after.is_none())
                && first() == Some(n)
        };
        let clock = |n: usize| (self.processes.ahead(self.facts[n].process), n);
        let after_the_end = |end: usize| {
            // The owners before the one who ended the run, as far as those between them are recorded.
            let mut past: Vec<usize> = self.facts[end].owner.into_iter().collect();
            while let Some(from) = past.last().and_then(|o| self.owners[*o].from) {
                if !there().any(|(_, f)| f.owner == Some(from)) {
                    break;
                }
                past.push(from);
            }
            let passed: Vec<_> = past.iter().filter_map(|o| self.owners[*o].after.as_ref()).collect();
            there().any(|(n, f)| {
                let before = match &f.what {
                    What::Suspend(wait) => passed.contains(&wait),
                    _ => f.owner.is_some_and(|o| past.contains(&o)),
                };
                let comes_back = matches!(f.what, What::Resume(_) | What::Suspend(_)) || takes_over(n, f);
                clock(n) > clock(end) && comes_back && !before && f.owner != self.facts[end].owner
            })
        };
        let status = match &ends[..] {
            [] if waits.iter().any(|w| !resumed.contains(w)) => RunStatus::Suspended,
            [] if there().any(|(_, f)| f.owner.is_some()) => RunStatus::Open,
            [] => RunStatus::Ok, // its spans decide
            [end] if !after_the_end(*end) => RunStatus::Ok,
            _ => RunStatus::Conflicted,
        };
        let named = |name: &String| there().any(|(_, f)| matches!(&f.what, What::Span(n, _) if n == name));
        let spans = there().filter_map(|(_, f)| match &f.what {
            What::Span(name, None) => Some(format!("{name} below the run")),
            What::Span(name, Some(above)) if named(above) => Some(format!("{name} below {above}")),
            What::Span(name, Some(_)) => Some(format!("{name} below nobody")),
            _ => None,
        });
        // A lost suspension is known from its resume, without its reason.
        let known = |after: String| match () {
            () if waits.contains(&&after) => after,
            () if resumed_by(there().map(|(_, f)| f), &after) => "lost".to_owned(),
            () => String::new(),
        };
        let mut segments = BTreeSet::new();
        for (_, f) in there() {
            if let Some(o) = f.owner {
                segments.insert((o, format!("{:?}", self.owners[o].via), self.owners[o].after.clone()));
            }
        }
        let mut segments: Vec<String> = segments
            .into_iter()
            .map(|(_, via, after)| format!("{via} {}", after.map(known).unwrap_or_default()))
            .collect();
        segments.sort();
        let mut suspensions: Vec<String> = waits
            .iter()
            .map(|w| format!("{w}{}", if resumed_by(there().map(|(_, f)| f), w) { ", resumed" } else { "" }))
            .collect();
        suspensions.sort();
        let mut spans: Vec<String> = spans.collect();
        spans.sort();
        Expected { status, spans, segments, suspensions }
    }
}

fn resumed_by<'f>(mut facts: impl Iterator<Item = &'f Fact>, wait: &str) -> bool {
    facts.any(|f| matches!(&f.what, What::Resume(Some(after)) if after == wait))
}

/// What the graph should show.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    status: RunStatus,
    spans: Vec<String>,
    /// Those of owners.
    segments: Vec<String>,
    suspensions: Vec<String>,
}

impl Expected {
    /// What the graph shows.
    pub(crate) fn seen_in(&self, graph: &Graph) -> Self {
        let span = |s: &spanbridge_graph::Span| {
            let above = match s.parent {
                Some(p) => graph.spans[p].name.clone(),
                None if s.orphan => "nobody".to_owned(),
                None => "the run".to_owned(),
            };
            format!("{} below {above}", s.name)
        };
        let reason = |id: &Option<String>| {
            let found = graph.run.suspensions.iter().find(|s| Some(&s.suspension_id) == id.as_ref());
            // A lost suspension is known from its resume, and has no reason.
            found.map(|s| s.reason.clone().unwrap_or_else(|| "lost".to_owned()))
        };
        let owners = graph.run.segments.iter().filter(|s| s.via != Some(Via::Receive));
        let mut segments: Vec<String> =
            owners.map(|s| format!("{:?} {}", s.via.unwrap(), reason(&s.suspension_id).unwrap_or_default())).collect();
        let known = graph.run.suspensions.iter().filter(|s| s.reason.is_some());
        let mut suspensions: Vec<String> = known
            .map(|s| {
                let over = if s.resumed_at.is_some() { ", resumed" } else { "" };
                format!("{}{over}", s.reason.as_deref().unwrap_or_default())
            })
            .collect();
        let mut spans: Vec<String> = graph.spans.iter().map(span).collect();
        [&mut spans, &mut segments, &mut suspensions].into_iter().for_each(|all| all.sort());
        let conflicts = graph.diagnostics.iter().filter(|d| d.code == "conflict").count();
        assert_eq!(conflicts > 0, graph.run.status == RunStatus::Conflicted, "{:?}", graph.diagnostics);
        Expected { status: graph.run.status, spans, segments, suspensions }
    }
}
