//! What answers the calls of a replay.

mod answer;
mod steps;

use crate::case::Case;
use crate::matching::{Call, Found, Match, Matcher, RecordedPlace};
use crate::report::{Divergence, DivergenceKind, Label, Step};
use crate::values::VALUE;
use spanbridge::SpanId;
use spanbridge::adapter::{BegunSpan, OutboundCall, Reply, StandIn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use steps::Steps;

/// Answers the calls of a replay from a case.
pub(crate) struct CaseStandIn {
    case: Arc<Case>,
    state: Mutex<State>,
}

struct State {
    matcher: Matcher,
    steps: Steps,
    /// The span of the handler, once it has begun.
    entry: Option<SpanId>,
}

/// What a replay did, as far as its stand-in has seen it.
pub(crate) struct Seen {
    pub(crate) steps: Vec<Step>,
    /// The span of the handler, if it has begun.
    pub(crate) entry: Option<SpanId>,
}

impl CaseStandIn {
    pub(crate) fn new(case: Arc<Case>) -> Self {
        let state = State { matcher: Matcher::new(&case), steps: Steps::default(), entry: None };
        CaseStandIn { state: Mutex::new(state), case }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The span of the handler, once it has begun.
    pub(crate) fn entry(&self) -> Option<SpanId> {
        self.state().entry
    }

    /// What was done until now, and at its end what was not.
    pub(crate) fn seen(&self) -> Seen {
        let state = self.state();
        let mut steps = state.steps.clone();
        for place in state.matcher.left() {
            steps.missing(&self.case, place)
        }
        Seen { steps: steps.finish(|span| self.counterpart(&state, span)), entry: state.entry }
    }

    fn counterpart(&self, state: &State, span: SpanId) -> Option<SpanId> {
        state.matcher.counterpart(span).map(|place| self.case.spans()[place].span_id)
    }

    /// What a call may do, whatever the record has of it.
    fn rule(&self, operation: &str, target: &str) -> Rule {
        match operation {
            VALUE => Rule::Value,
            "messaging.settle" | "messaging.transaction" => Rule::Done,
            "db.query" if self.case.scratch.as_deref() == Some(target) => Rule::Live,
            "db.query" => Rule::Refused,
            _ if self.case.live.iter().any(|live| live.allows(operation, target)) => Rule::Live,
            _ => Rule::Recorded,
        }
    }

    /// Whether messages are let through.
    fn sends_live(&self) -> bool {
        self.case.live.iter().any(|live| live.operation() == "messaging.publish")
    }

    /// How a call differs from the record, if it does. What was recorded by reference cannot be compared, which is no difference.
    fn divergence(&self, call: &Shown<'_>, found: &Match, rule: Rule) -> Option<Divergence> {
        let new = |kind| Divergence::new(kind, call.boundary.clone());
        let sent = if call.body { format!("{} {}", call.boundary, found.sent) } else { call.boundary.clone() };
        let divergence = match &found.found {
            _ if rule == Rule::Refused => {
                let expected = match &self.case.scratch {
                    Some(scratch) => format!("a query of the scratch database {scratch}"),
                    None => "no query: no scratch database is named".to_owned(),
                };
                new(DivergenceKind::Refused).of(expected, sent)
            }
            Found::Same | Found::NotCompared => return None,
            Found::Changed(differences) => {
                let expected = format!("{} {}", call.boundary, found.expected);
                let mut divergence = new(DivergenceKind::Changed).of(expected, sent);
                for difference in differences {
                    if self.ignores(&difference.field) {
                        divergence.ignored += 1
                    } else {
                        divergence.differences.push(difference.clone())
                    }
                }
                divergence
            }
            Found::Moved => {
                let above = found.recorded.and_then(|place| self.above(place));
                let expected = format!("{} in {}", call.boundary, above.unwrap_or("another span"));
                new(DivergenceKind::Moved).of(expected, "the same call in another span")
            }
            Found::Nothing if rule == Rule::Value => new(DivergenceKind::Value).of("no such value", "it was asked for"),
            Found::Nothing => new(DivergenceKind::Added).of("no such call", sent),
        };
        Some(divergence)
    }

    fn ignores(&self, field: &str) -> bool {
        self.case.ignore.iter().any(|ignore| match field.split_once(':') {
            Some(("header", name)) => ignore.covers_header(name),
            Some((_, pointer)) => ignore.covers_field(pointer),
            None => false,
        })
    }

    /// The name of the span in which a call was recorded.
    fn above(&self, place: RecordedPlace) -> Option<&str> {
        let span = match place {
            RecordedPlace::Span(span) => self.case.span(self.case.spans()[span].parent_span_id?)?,
            RecordedPlace::Value { span, .. } => &self.case.spans()[span],
        };
        Some(&span.name)
    }
}

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// It is answered from the record, or refused.
    Recorded,
    /// It is answered as done: nothing is settled.
    Done,
    /// It leaves.
    Live,
    /// It is refused, also if the record has it.
    Refused,
    /// It is given back from the record, or made anew.
    Value,
}

/// A call, as it is shown.
struct Shown<'a> {
    boundary: String,
    target: &'a str,
    /// Whether its body says something.
    body: bool,
}

impl StandIn for CaseStandIn {
    fn began(&self, span: &BegunSpan<'_>) {
        let mut state = self.state();
        let primitive = span.primitive.name();
        let Some(place) = state.matcher.began(span.id, span.parent, span.name, primitive) else { return };
        if place.is_entry {
            state.entry = Some(span.id)
        }
        state.steps.began(span.id, place.depth, span.name, primitive)
    }

    fn call(&self, call: &OutboundCall<'_>) -> Reply {
        let (operation, target) = (call.operation().name(), call.target());
        let mut rule = self.rule(operation, target);
        let mut headers = vec![];
        call.each_header(&mut |name, value| {
            headers.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()))
        });
        let mut state = self.state();
        let state = &mut *state;
        // Some calls have no span of their own, and are asked about in the one around them. A transaction has one, of a publish,
        // and is asked about as a settlement.
        let named = call.span().and_then(|span| state.steps.named(span));
        let named = named.filter(|(_, of_span)| of_span == operation || is_transaction(operation, of_span));
        let own = call.span().filter(|_| named.is_some());
        if self.sends_live() && named.as_ref().is_some_and(|(_, of_span)| is_transaction(operation, of_span)) {
            rule = Rule::Refused
        }
        if rule == Rule::Live && operation == "db.query" && own.is_none() {
            return Reply::Live; // a statement is prepared: no record has that
        }
        let parent = own.map_or(call.span(), |own| state.matcher.parent_of(own));
        let found = state.matcher.call(&Call {
            parent,
            named: named.as_ref().map(|(name, primitive)| (name.as_str(), primitive.as_str())),
            operation,
            target,
            content_type: call.content_type(),
            body: call.body(),
            headers: &headers,
        });
        if rule == Rule::Value && (parent.is_none() || found.recorded.is_some()) {
            // Outside of every span values are not recorded, so that nobody can expect one.
            return found.recorded.map_or(Reply::Live, |place| answer::of(&self.case, place));
        }
        let shown = Shown {
            boundary: format!("{operation} {target}"),
            target,
            body: call.body().map_or(operation != "db.query", |body| !body.is_empty()), // a query has none
        };
        let divergence = self.divergence(&shown, &found, rule);
        let (label, reply) = match (rule, found.recorded) {
            (Rule::Live, _) => (Label::Live, Reply::Live),
            (Rule::Value, _) => (Label::Diverged, Reply::Live),
            (Rule::Refused, _) => {
                let why = match operation {
                    "db.query" => "only queries of the scratch database are let through, which `--scratch` names",
                    _ => "with `--live messaging.publish`, what the transaction rolls back would be sent",
                };
                (Label::Refused, refused(&shown, why))
            }
            (Rule::Recorded, None) => (Label::Refused, refused(&shown, "the record has no such call")),
            (Rule::Done, None) => (Label::Diverged, answer::done()),
            (Rule::Recorded | Rule::Done, Some(place)) => {
                let label = match found.found {
                    Found::Same => Label::Recorded,
                    Found::NotCompared if rule == Rule::Done => Label::Recorded, // it sends nothing to compare
                    Found::NotCompared => Label::NotCompared,
                    _ => Label::Diverged,
                };
                (label, answer::of(&self.case, place))
            }
        };
        let recorded = found.recorded.and_then(|place| match place {
            RecordedPlace::Span(span) => Some(self.case.spans()[span].span_id),
            RecordedPlace::Value { .. } => None,
        });
        if rule == Rule::Value {
            state.steps.value(parent, shown.target, divergence)
        } else if let Some(step) = state.steps.called(own, parent, operation, shown.target) {
            (step.label, step.recorded_span_id, step.divergence) = (label, recorded, divergence)
        }
        reply
    }
}

/// Whether a call in a span of this primitive is a transaction of a broker.
fn is_transaction(operation: &str, of_span: &str) -> bool {
    of_span == "messaging.publish" && matches!(operation, "messaging.settle" | "messaging.transaction")
}

fn refused(call: &Shown<'_>, why: &str) -> Reply {
    Reply::refused(format!("a replay refused {}: {why}", call.boundary))
}

#[cfg(test)]
mod tests;
