//! Which recorded call answers a call of a replay.
//!
//! Calls are looked up by operation, target and body, and by where they stand: a span of the replay is bound to a recorded span
//! with the same path of names. Below it calls may come in any order, and equal ones come in recorded order. So what ran side by
//! side may do so again in another order.

mod body;
mod difference;
mod pool;
mod recorded;
mod replayed;
mod target;

pub(crate) use difference::Headers;
pub(crate) use recorded::{RecordedPlace, boundary};
pub(crate) use replayed::{MAX_SPANS, Place};

use crate::case::Case;
use crate::report::Difference;
use body::{Body, BodyKey};
use difference::{of_bodies, of_headers, shortened, text};
use pool::Pool;
use recorded::{RecordedBody, is_compared};
use replayed::Replayed;
use spanbridge::SpanId;
use target::Kind;

/// Recorded calls that are compared to find the nearest one.
const MAX_COMPARED: usize = 16;

/// A call of a replay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    /// The span that it is made in.
    pub(crate) parent: Option<SpanId>,
    /// The name and the primitive of its span.
    pub(crate) named: Option<(&'a str, &'a str)>,
    pub(crate) operation: &'a str,
    pub(crate) target: &'a str,
    pub(crate) content_type: Option<&'a str>,
    /// `None`: a stream.
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) headers: &'a [(String, String)],
}

/// What was found for a call.
#[derive(Debug)]
pub(crate) struct Match {
    /// The recorded call; none if the record has no such call.
    pub(crate) recorded: Option<RecordedPlace>,
    pub(crate) found: Found,
    /// What was sent, shortened.
    pub(crate) sent: String,
    /// What was recorded to be sent, shortened.
    pub(crate) expected: String,
}

/// How a call and its record agree.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    Same,
    /// What was sent is not known, on either side.
    NotCompared,
    Changed(Vec<Difference>),
    /// The same call stands elsewhere in the record.
    Moved,
    /// The record has no such call.
    Nothing,
}

/// The calls of a case, and which of them have been made again.
#[derive(Debug)]
pub(crate) struct Matcher {
    pool: Pool,
    replayed: Replayed,
}

impl Matcher {
    pub(crate) fn new(case: &Case) -> Self {
        let pool = Pool::new(case);
        let entry = case.entry();
        Matcher { pool, replayed: Replayed::new(&entry.primitive) }
    }

    /// A span has begun. Tells where it stands; `None` if there are too many to keep.
    pub(crate) fn began(&mut self, id: SpanId, parent: Option<SpanId>, name: &str, primitive: &str) -> Option<Place> {
        let pool = &self.pool;
        let place = self.replayed.began(id, parent, primitive, |above| pool.path(above, name))?;
        if place.is_entry {
            self.bind(id, self.pool.entry)
        }
        Some(place)
    }

    /// Finds the recorded call that answers this one, and takes it out.
    pub(crate) fn call(&mut self, call: &Call<'_>) -> Match {
        let body = call.body.map(|bytes| Body::of(call.content_type, bytes));
        let keys: Vec<BodyKey> = match (&body, call.body) {
            (Some(body), Some(bytes)) => vec![body.key(), BodyKey::of_bytes(bytes), BodyKey::Unknown],
            _ => vec![],
        };
        let kind = Kind::of_call(call.operation, call.target, call.named);
        let sent = match &body {
            Some(body) => shortened(&text(body)),
            None => kind.name().unwrap_or("a stream").to_owned(),
        };
        let (place, found) = self.find(call, &kind, &keys, body.as_ref());
        let Some(place) = place else { return Match { recorded: None, found, sent, expected: String::new() } };
        let recorded = &self.pool.calls[place];
        let expected = match &recorded.body {
            RecordedBody::Whole(body) => shortened(&text(body)),
            RecordedBody::Hash(_) => "a body of which only a hash was recorded".to_owned(),
            RecordedBody::Unknown => "a body that was not recorded whole".to_owned(),
        };
        let found = match (found, &recorded.headers) {
            (found @ (Found::Same | Found::NotCompared | Found::Changed(_)), Some(headers)) => {
                with_headers(found, headers, call.headers)
            }
            (found, _) => found,
        };
        Match { recorded: Some(recorded.place), found, sent, expected }
    }

    /// The span above a span.
    pub(crate) fn parent_of(&self, span: SpanId) -> Option<SpanId> {
        self.replayed.parent_of(span)
    }

    /// The recorded calls that were not made, in recorded order.
    pub(crate) fn left(&self) -> impl Iterator<Item = RecordedPlace> {
        self.pool.left()
    }

    /// The recorded span that corresponds to a span of the replay, if that has become clear: its place in the case.
    pub(crate) fn counterpart(&self, id: SpanId) -> Option<usize> {
        self.replayed.get(id)?.bound
    }

    fn find(&mut self, call: &Call<'_>, kind: &Kind, keys: &[BodyKey], body: Option<&Body>) -> (Option<usize>, Found) {
        let Some(kind) = self.pool.kind(kind) else { return (None, Found::Nothing) };
        let Some(parent) = call.parent.filter(|parent| self.replayed.get(*parent).is_some()) else {
            return (None, Found::Nothing);
        };
        for key in keys {
            let node = self.stand_for(parent, kind, Some(*key));
            if let Some(place) = node.and_then(|node| self.pool.first(node, kind, Some(*key))) {
                self.take(parent, place);
                return (Some(place), if *key == BodyKey::Unknown { Found::NotCompared } else { Found::Same });
            }
        }
        if let Some(node) = self.stand_for(parent, kind, None) {
            let nearest = match body {
                Some(body) => self.nearest(node, kind, body).map(|(place, all)| (place, Found::Changed(all))),
                // A stream is not compared: the next call to its target answers it.
                None => self.pool.first(node, kind, None).map(|place| (place, Found::NotCompared)),
            };
            if let Some((place, found)) = nearest {
                self.take(parent, place);
                if body.is_some() {
                    self.replayed.took_other(parent)
                }
                return (Some(place), found);
            }
        }
        let is_known = |key: &&BodyKey| **key != BodyKey::Unknown;
        match keys.iter().filter(is_known).find_map(|key| self.pool.elsewhere(kind, *key)) {
            Some(place) => {
                self.pool.take(place);
                (Some(place), Found::Moved)
            }
            None => (None, Found::Nothing),
        }
    }

    fn take(&mut self, parent: SpanId, place: usize) {
        self.pool.take(place);
        self.replayed.took(parent, place)
    }

    /// The recorded span that a parent stands for, if a call with this body (`None`: any) is left below it. If the parent is bound
    /// to none yet, or all that it did so far could as well have been done by another one that has the call, it is bound to that.
    fn stand_for(&mut self, parent: SpanId, kind: u32, key: Option<BodyKey>) -> Option<usize> {
        let replayed = self.replayed.get(parent)?;
        let path = replayed.path?;
        match replayed.bound {
            Some(node) if self.pool.has(node, kind, key) => Some(node),
            Some(node) => self.exchange(parent, node, path, kind, key?),
            None => {
                let above = replayed.above.and_then(|above| self.replayed.get(above)).and_then(|above| above.bound);
                let node = self.pool.unbound(path, kind, key, above)?;
                self.bind(parent, node);
                Some(node)
            }
        }
    }

    fn bind(&mut self, parent: SpanId, node: usize) {
        self.replayed.bind(parent, node);
        self.pool.bind(node, parent)
    }

    /// Binds a parent to another recorded span that has the call. If that one is bound, the two change places.
    fn exchange(&mut self, parent: SpanId, node: usize, path: u32, kind: u32, key: BodyKey) -> Option<usize> {
        self.pool.having(path, kind, key).next()?;
        let mine = self.replayed.only_same(parent)?.to_vec();
        let other = self.pool.having(path, kind, key).find(|other| {
            let theirs = match self.pool.bound_to(*other) {
                Some(theirs) => self.replayed.only_same(theirs),
                None => Some(&[][..]),
            };
            theirs.is_some_and(|theirs| {
                self.pool.fits(&mine, Some((kind, key)), *other, theirs) && self.pool.fits(theirs, None, node, &mine)
            })
        })?;
        let them = self.pool.bound_to(other);
        let theirs = them.map(|them| self.replayed.give_up(them)).unwrap_or_default();
        self.replayed.give_up(parent);
        mine.iter().chain(&theirs).for_each(|place| self.pool.give_back(*place));
        self.pool.unbind(node);
        for (span, taken, to) in [(Some(parent), &mine, other), (them, &theirs, node)] {
            let Some(span) = span else { continue };
            self.bind(span, to);
            for place in taken {
                if let Some(place) = self.pool.like(*place, to) {
                    self.pool.take(place);
                    self.replayed.took(span, place)
                }
            }
        }
        Some(other)
    }

    /// Among the calls below a recorded span, the one with the fewest differences.
    fn nearest(&self, node: usize, kind: u32, body: &Body) -> Option<(usize, Vec<Difference>)> {
        let compared = |place: usize| match &self.pool.calls[place].body {
            RecordedBody::Whole(recorded) => (place, of_bodies(recorded, body)),
            _ => {
                let all = |side: &str| Some(side.to_owned());
                let hash = all("a body of another hash");
                (
                    place,
                    vec![Difference {
                        field: "body:".to_owned(),
                        expected: hash,
                        actual: all(&shortened(&text(body))),
                    }],
                )
            }
        };
        self.pool.free(node, kind).take(MAX_COMPARED).map(compared).min_by_key(|(_, differences)| differences.len())
    }
}

/// The same with the headers compared, too.
fn with_headers(found: Found, recorded: &Headers, sent: &[(String, String)]) -> Found {
    let mut headers = Headers::new();
    for (name, value) in sent {
        let name = name.to_ascii_lowercase();
        if is_compared(&name) {
            headers.entry(name).or_default().push(value.clone())
        }
    }
    let differences = of_headers(recorded, &headers);
    match found {
        _ if differences.is_empty() => found,
        Found::Changed(mut all) => {
            all.extend(differences);
            Found::Changed(all)
        }
        _ => Found::Changed(differences),
    }
}

#[cfg(test)]
mod tests;
