//! What ought to be seen: kept in the simplest way, from what was done and what was not lost.

use crate::stage::Stage;
use spanbridge::RunId;
use spanbridge::record::Via;
use spanbridge_store::graph::{Graph, RunStatus};
use std::collections::BTreeSet;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Move {
    /// A span with one inside.
    Work,
    /// A span whose context goes elsewhere.
    HandOver,
    /// Work under such a context, or under what was saved of the run.
    Receive,
    Suspend,
    Leave,
    Capture,
    Resume,
    End,
    /// Ends the run from what was saved.
    EndElsewhere,
    /// Lets go of the run without a word.
    Drop,
    /// Everything that a process recorded is delivered.
    Flush,
    /// What was not delivered is lost.
    Crash,
}

/// A fact, in the order in which it came about.
#[derive(Clone, Debug)]
struct Fact {
    process: usize,
    /// Of which owner; `None` where nobody owned the run.
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
    /// Its name, and the one above.
    Span(String, Option<String>),
}

/// Somebody who may end the run.
struct Owner {
    process: usize,
    /// What the process calls it.
    handle: String,
    /// The suspension that it continued.
    after: Option<String>,
    /// Who saved what it continued.
    from: Option<usize>,
    via: Via,
}

/// What is kept of the run somewhere.
#[derive(Clone)]
struct Saved {
    text: String,
    /// The suspension that a resume ends.
    suspension: Option<String>,
    by: usize,
}

pub(crate) struct Model<S: Stage> {
    stage: S,
    run: RunId,
    facts: Vec<Fact>,
    owners: Vec<Owner>,
    /// Those who still have the run in hand.
    holding: Vec<usize>,
    saved: Vec<Saved>,
    /// Contexts that were handed over, and the span they are of.
    contexts: Vec<(String, Option<String>)>,
    names: usize,
}

impl<S: Stage> Model<S> {
    pub(crate) fn new(mut stage: S) -> Self {
        let answer = stage.tell(0, &["start"]);
        let (handle, run) = answer.split_once(' ').unwrap();
        let (handle, run) = (handle.to_owned(), run.parse().unwrap());
        let owner = Owner { process: 0, handle, after: None, from: None, via: Via::Start };
        let mut model = Model {
            stage,
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
        // Two recorders' clocks agree to some microseconds; what comes later here is to be later there.
        let now = std::time::Instant::now();
        while now.elapsed() < std::time::Duration::from_micros(100) {
            std::hint::spin_loop();
        }
    }

    fn name(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{what} {}", self.names)
    }

    /// Does it, if it can be done; `a` says who or what, `b` where.
    pub(crate) fn play(&mut self, what: Move, a: usize, b: usize) {
        let process = b % self.stage.processes();
        let pick = |len: usize| (len > 0).then(|| a % len);
        match what {
            Move::Flush => self.flush(process),
            Move::Crash => {
                self.stage.crash(process);
                let gone = self.facts.iter_mut().filter(|f| f.process == process && !f.delivered);
                gone.for_each(|f| f.lost = true);
                let owners = &self.owners;
                self.holding.retain(|o| owners[*o].process != process);
            }
            Move::Receive => {
                let Some(at) = pick(self.contexts.len()) else { return };
                let (context, above) = self.contexts[at].clone();
                let name = self.name("receive");
                self.stage.tell(process, &["receive", &context, &name]);
                self.fact(process, None, What::Span(name, above));
            }
            Move::Resume => {
                let Some(at) = pick(self.saved.len()) else { return };
                let Saved { text, suspension: after, by } = self.saved[at].clone();
                let answer = self.stage.tell(process, &["resume", &text]);
                let handle = answer.split(' ').next().unwrap().to_owned();
                self.owners.push(Owner { process, handle, after: after.clone(), from: Some(by), via: Via::Resume });
                let owner = self.owners.len() - 1;
                self.holding.push(owner);
                if after.is_some() {
                    self.fact(process, Some(owner), What::Resume(after));
                }
            }
            Move::EndElsewhere => {
                let Some(at) = pick(self.saved.len()) else { return };
                let Saved { text, suspension: after, by } = self.saved[at].clone();
                self.stage.tell(process, &["end saved", &text]);
                self.owners.push(Owner { process, handle: String::new(), after, from: Some(by), via: Via::Resume });
                self.fact(process, Some(self.owners.len() - 1), What::End);
            }
            _ => {
                let Some(at) = pick(self.holding.len()) else { return };
                self.own(what, at)
            }
        }
    }

    /// What somebody does who has the run in hand.
    fn own(&mut self, what: Move, at: usize) {
        let owner = self.holding[at];
        let (process, handle) = (self.owners[owner].process, self.owners[owner].handle.clone());
        match what {
            Move::Work => {
                let (outer, inner) = (self.name("work"), self.name("part"));
                self.stage.tell(process, &["work", &handle, &outer, &inner]);
                self.fact(process, Some(owner), What::Span(inner, Some(outer.clone())));
                self.fact(process, Some(owner), What::Span(outer, None));
                return;
            }
            Move::HandOver => {
                let name = self.name("hand over");
                let context = self.stage.tell(process, &["hand over", &handle, &name]);
                self.contexts.push((context, Some(name.clone())));
                self.fact(process, Some(owner), What::Span(name, None));
                return;
            }
            Move::Capture => {
                let text = self.stage.tell(process, &["capture", &handle]);
                self.contexts.push((text.clone(), None));
                self.saved.push(Saved { text, suspension: None, by: owner });
                return;
            }
            Move::Suspend => {
                let reason = self.name("waiting");
                let text = self.stage.tell(process, &["suspend", &handle, &reason]);
                self.contexts.push((text.clone(), None));
                self.saved.push(Saved { text, suspension: Some(reason.clone()), by: owner });
                self.fact(process, Some(owner), What::Suspend(reason));
            }
            Move::Leave => {
                let text = self.stage.tell(process, &["leave", &handle]);
                self.saved.push(Saved { text, suspension: None, by: owner });
            }
            Move::End => {
                self.stage.tell(process, &["end", &handle]);
                self.fact(process, Some(owner), What::End);
            }
            _ => drop(self.stage.tell(process, &["drop", &handle])),
        }
        self.holding.remove(at);
    }

    fn flush(&mut self, process: usize) {
        self.stage.flush(process);
        let there = self.facts.iter_mut().filter(|f| f.process == process && !f.lost);
        there.for_each(|f| f.delivered = true);
    }

    /// Everything that was not lost is delivered.
    pub(crate) fn curtain(mut self) -> (RunId, Expected, S) {
        (0..self.stage.processes()).for_each(|process| self.flush(process));
        (self.run, self.expected(), self.stage)
    }

    fn expected(&self) -> Expected {
        let there = || self.facts.iter().enumerate().filter(|(_, f)| f.delivered);
        let ends: Vec<usize> = there().filter(|(_, f)| f.what == What::End).map(|(n, _)| n).collect();
        let resumed: BTreeSet<&String> = there()
            .filter_map(|(_, f)| match &f.what {
                What::Resume(after) => after.as_ref(),
                // Who ends it from what was saved has a segment that says so.
                What::End => self.owners[f.owner?].after.as_ref(),
                _ => None,
            })
            .collect();
        let waits: Vec<&String> = there()
            .filter_map(|(_, f)| if let What::Suspend(reason) = &f.what { Some(reason) } else { None })
            .collect();
        // The first that is there of somebody who took the run over is where his segment begins.
        let takes_over = |n: usize, f: &Fact| {
            let first = || there().find(|(_, other)| other.owner == f.owner).map(|(first, _)| first);
            f.owner.is_some_and(|o| self.owners[o].via == Via::Resume && self.owners[o].after.is_none())
                && first() == Some(n)
        };
        let clock = |n: usize| (self.stage.ahead(self.facts[n].process), n);
        let after_the_end = |end: usize| {
            // Whoever handed the run on to the one who ended it, as far as those between are there to tell.
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
            [] => RunStatus::Ok, // its spans alone speak for it
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
        // Of a suspension that was lost only who resumed it can tell, and not what for.
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

/// What is to be seen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    status: RunStatus,
    spans: Vec<String>,
    /// Of those who owned the run.
    segments: Vec<String>,
    suspensions: Vec<String>,
}

impl Expected {
    pub(crate) fn told(&self) -> Self {
        self.clone()
    }

    /// What is seen.
    pub(crate) fn seen_in(&self, graph: &Graph) -> Self {
        let span = |s: &spanbridge_store::graph::Span| {
            let above = match s.parent {
                Some(p) => graph.spans[p].name.clone(),
                None if s.orphan => "nobody".to_owned(),
                None => "the run".to_owned(),
            };
            format!("{} below {above}", s.name)
        };
        let reason = |id: &Option<String>| {
            let found = graph.run.suspensions.iter().find(|s| Some(&s.suspension_id) == id.as_ref());
            // A suspension that was lost is known by whoever resumed it, and has no reason.
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
