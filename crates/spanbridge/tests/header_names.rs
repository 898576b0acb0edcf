//! Names of headers in other case: found where the exact one is not, told, and taken out when ours are written.

use proptest::prelude::*;
use spanbridge::carrier::{Extract, Header, Inject, Outgoing, extract, inject, outgoing};
use spanbridge::w3c::{HEADERS, header_named, is_other_case};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b8-01";

fn map<C: FromIterator<(String, String)>>(pairs: &[(&str, &str)]) -> C {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn a_name_is_known_in_any_case() {
    for (name, header) in [
        ("traceparent", Some("traceparent")),
        ("Traceparent", Some("traceparent")),
        ("TRACESTATE", Some("tracestate")),
        ("bAGGAGE", Some("baggage")),
        ("baggages", None),
        ("", None),
        ("trace-parent", None),
        ("tracepa\u{17f}ent", None),
    ] {
        assert_eq!(header_named(name), header, "{name}");
        assert_eq!(is_other_case(name), header.is_some_and(|h| h != name), "{name}");
    }
}

/// Every carrier of the core whose names have case.
#[track_caller]
fn each_carrier(pairs: &[(&str, &str)], check: impl Fn(&dyn Extract, &mut dyn Inject) -> bool) {
    fn both<C: Extract + Inject + Clone>(carrier: C, check: &impl Fn(&dyn Extract, &mut dyn Inject) -> bool) {
        assert!(check(&carrier, &mut carrier.clone()))
    }
    both(map::<HashMap<String, String>>(pairs), &check);
    both(map::<BTreeMap<String, String>>(pairs), &check);
    #[cfg(feature = "json")]
    both(
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect::<serde_json::Map<_, serde_json::Value>>(),
        &check,
    );
}

#[test]
fn what_is_in_other_case_is_found_and_told() {
    let pairs = [("Traceparent", PARENT), ("TRACESTATE", "a=1"), ("baggage", "k=v"), ("x-Own", "1")];
    each_carrier(&pairs, |carrier, _| {
        let found = extract(carrier);
        assert_eq!(found.context.trace_parent().map(|p| p.to_string()).as_deref(), Some(PARENT));
        assert_eq!((found.context.trace_state().as_str(), found.context.baggage().as_str()), ("a=1", "k=v"));
        let told: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
        told == [r#"traceparent: its name is written "Traceparent""#, r#"tracestate: its name is written "TRACESTATE""#]
    });
}

#[test]
fn the_exact_name_wins_whatever_it_says() {
    for exact in [PARENT, "junk", ""] {
        each_carrier(&[("Traceparent", OTHER), ("traceparent", exact)], |carrier, _| {
            let found = extract(carrier);
            let parent = found.context.trace_parent().map(|p| p.to_string());
            assert_eq!(found.problems.iter().filter(|p| p.reason.contains("its name")).count(), 0);
            parent.as_deref() == (exact == PARENT).then_some(PARENT)
        });
    }
}

#[test]
fn what_was_found_so_is_replaced() {
    let context = extract(&map::<HashMap<_, _>>(&[("traceparent", PARENT)])).context;
    for other in ["Traceparent", "TRACEPARENT", "traceParent"] {
        let pairs = [(other, PARENT), ("Baggage", "old=1"), ("TraceState", "old=1"), ("x-Own", "1")];
        let mut carrier = map::<HashMap<_, _>>(&pairs);
        // It is of our trace, so we are forwarding.
        assert!(matches!(outgoing(&context, &carrier), Outgoing::Write), "{other}");
        inject(&context, &mut carrier);
        assert_eq!(carrier, map(&[("traceparent", PARENT), ("x-Own", "1")]));
        let mut carrier = map::<BTreeMap<_, _>>(&pairs);
        inject(&context, &mut carrier);
        assert_eq!(carrier, map(&[("traceparent", PARENT), ("x-Own", "1")]));
        // Of another trace the user means it, in this case, too.
        let theirs = map::<HashMap<_, _>>(&[(other, OTHER)]);
        assert!(matches!(outgoing(&context, &theirs), Outgoing::Keep(_)), "{other}");
        // Both are there: the exact one says whose it is, and the other does not stay.
        let mut both = map::<HashMap<_, _>>(&[(other, OTHER), ("traceparent", PARENT)]);
        assert!(matches!(outgoing(&context, &both), Outgoing::Write), "{other}");
        inject(&context, &mut both);
        assert_eq!(both, map(&[("traceparent", PARENT)]));
    }
}

/// A carrier that counts how often its names are looked through.
struct Counted(HashMap<String, String>, Cell<u32>);

impl Extract for Counted {
    fn get(&self, name: &str) -> Header<'_> {
        Extract::get(&self.0, name)
    }

    fn each_name(&self, f: &mut dyn FnMut(&str)) {
        self.1.set(self.1.get() + 1);
        self.0.each_name(f)
    }
}

#[test]
fn names_are_looked_through_at_most_once() {
    let all = [("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "k=v"), ("x", "1")];
    for (pairs, looks) in [(&all[..], 0), (&all[..1], 1), (&all[3..], 1), (&[("Traceparent", PARENT)], 1), (&[], 1)] {
        let carrier = Counted(map(pairs), Cell::new(0));
        extract(&carrier);
        assert_eq!(carrier.1.get(), looks, "{pairs:?}");
    }
}

#[cfg(feature = "json")]
#[test]
fn names_in_the_hidden_field_are_found_too() {
    use spanbridge::carrier::{extract_payload, inject_payload};
    let sent = format!(r#"{{"a":1,"__spanbridge":{{"Traceparent":"{PARENT}","Baggage":"k=v","baggage":"k=w"}}}}"#);
    let (found, rest) = extract_payload(sent.as_bytes());
    assert_eq!(found.context.trace_parent().map(|p| p.to_string()).as_deref(), Some(PARENT));
    assert_eq!((found.context.baggage().as_str(), &*rest), ("k=w", &br#"{"a":1}"#[..]));
    let told: Vec<_> = found.problems.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["__spanbridge: a name in it is not in lower case"]);
    let again = inject_payload(&found.context, sent.as_bytes());
    assert_eq!(extract_payload(&again).0.problems, []);
    assert!(!String::from_utf8_lossy(&again).contains("Traceparent"));
}

proptest! {
    /// However many there are and however they are written, one of each is left, and it is ours.
    #[test]
    fn one_of_each_is_left(
        names in prop::collection::vec("[tT][rR]aceparen[tT]|[tT]race[sS]tate|[bB]agg[aA]ge|[a-zA-Z]{0,12}", 0..40),
        values in prop::collection::vec(prop_oneof![Just(PARENT.to_owned()), Just("k=v".to_owned()), "[ -~]{0,20}"], 40),
    ) {
        let context = extract(&map::<HashMap<_, _>>(&[("traceparent", OTHER), ("baggage", "own=1")])).context;
        let mut carrier: HashMap<String, String> = names.iter().cloned().zip(values).collect();
        let mut ordered: BTreeMap<String, String> = carrier.clone().into_iter().collect();
        let before = carrier.clone();
        let found = extract(&carrier);
        for name in HEADERS.iter().filter(|name| carrier.contains_key(**name)) {
            prop_assert!(!found.problems.iter().any(|p| p.header == *name && p.reason.contains("its name")));
        }
        inject(&context, &mut carrier);
        inject(&context, &mut ordered);
        prop_assert_eq!(&carrier.clone().into_iter().collect::<BTreeMap<_, _>>(), &ordered);
        prop_assert!(!carrier.keys().any(is_other_case));
        let again = extract(&carrier);
        prop_assert_eq!((again.context, again.problems), (context, vec![]));
        // What is no header of ours is as it was.
        let others = |all: &HashMap<String, String>| {
            all.iter().filter(|(k, _)| header_named(k).is_none()).map(|(k, v)| (k.clone(), v.clone())).collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(others(&carrier), others(&before));
    }
}
