//! The hidden field of JSON payloads.
#![cfg(feature = "json")]

use proptest::prelude::*;
use spanbridge::payload::{HiddenFields, splice, take};
use std::borrow::Cow;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const FIELD: &str = r#""__spanbridge":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}"#;

fn fields() -> HiddenFields<'static> {
    HiddenFields { traceparent: PARENT.into(), ..HiddenFields::default() }
}

fn all_fields() -> HiddenFields<'static> {
    // Printable ASCII of a tracestate has quotes and backslashes.
    HiddenFields { tracestate: Some(r#"v="a\b","#.into()), baggage: Some("k=v".into()), ..fields() }
}

#[track_caller]
fn spliced(payload: &str) -> String {
    String::from_utf8(splice(payload.as_bytes(), &fields()).expect(payload)).unwrap()
}

#[track_caller]
fn taken(payload: &str, rest: &str) {
    let taken = take(payload.as_bytes());
    assert_eq!((taken.fields.as_ref(), taken.problem), (Some(&fields()), None), "{payload}");
    assert_eq!(std::str::from_utf8(&taken.payload()), Ok(rest), "{payload}");
    let mut in_place = payload.as_bytes().to_vec();
    taken.cuts().rev().for_each(|cut| drop(in_place.drain(cut)));
    assert_eq!(in_place, *taken.payload());
}

#[track_caller]
fn untouched(payload: &(impl AsRef<[u8]> + ?Sized)) {
    let payload = payload.as_ref();
    let taken = take(payload);
    assert!(taken.fields.is_none() && taken.problem.is_none());
    assert!(matches!(taken.payload(), Cow::Borrowed(rest) if std::ptr::eq(rest, payload)));
}

#[test]
fn goes_in_front_and_comes_out_again() {
    for (payload, expected) in [
        ("{}", format!("{{{FIELD}}}")),
        (r#"{"a":1}"#, format!(r#"{{{FIELD},"a":1}}"#)),
        ("{ \n}", format!("{{{FIELD} \n}}")),
        ("\u{feff} \r\n\t{ \"a\" : 1 } \n", format!("\u{feff} \r\n\t{{{FIELD}, \"a\" : 1 }} \n")),
        (r#"{"__typename":"T","é":"\u00e9"}"#, format!(r#"{{{FIELD},"__typename":"T","é":"\u00e9"}}"#)),
    ] {
        assert_eq!(spliced(payload), expected);
        taken(&expected, payload);
    }
}

#[test]
fn only_objects_take_it() {
    for payload in ["", " ", "{", "}", "null", "7", "[]", "[{}]", "\"{}\"", "\u{feff}", "{} {", "\u{feff}\u{feff}{}"] {
        assert!(splice(payload.as_bytes(), &fields()).is_none(), "{payload}");
        untouched(payload);
    }
}

/// GraphQL, templates, literals of PostgreSQL and Python, JSON5, code.
#[test]
fn what_only_looks_like_an_object_is_left() {
    for payload in [
        "{ hero { name } }",
        "{hero(id: \"1\"){name}}",
        "{ ...fields }",
        "{ # a comment\n hero }",
        "{{greeting}}",
        "{{ \"a\" }}",
        "{% if \"x\" %}{% endif %}",
        "{}}",
        "{ }{ }",
        "{}{\"a\":1}",
        "{\"a\",\"b\"}",
        "{ \"a\" }",
        "{\"a\"}",
        "{\"a}",
        "{'a': 1}",
        "{a: 1}",
        "{,}",
        "{\"a\\\":1}",
        "{return 1}",
    ] {
        assert!(splice(payload.as_bytes(), &all_fields()).is_none(), "{payload}");
        untouched(payload);
    }
    // A template of JSON begins as JSON does; what it becomes is for others to say, and what it was comes back.
    for template in
        [r#"{"a": {{x}}}"#, r#"{"a" : <%= x %>}"#, r#"{"a":}"#, r#"{"a":1,}"#, "{\"a\":1}}", "{\"a\":{\"b\":2}"]
    {
        let sent = splice(template.as_bytes(), &all_fields()).expect(template);
        let received = take(&sent);
        assert_eq!((received.payload().as_ref(), received.fields), (template.as_bytes(), Some(all_fields())));
    }
}

#[test]
fn nothing_is_put_in_where_there_is_nothing() {
    assert!(splice(b"{}", &HiddenFields::default()).is_none());
    let state_alone = HiddenFields { tracestate: Some("a=1".into()), ..HiddenFields::default() };
    assert!(splice(b"{}", &state_alone).is_none());
}

#[test]
fn is_found_wherever_it_was_moved_to() {
    for (payload, rest) in [
        (format!(r#"{{"a":1,{FIELD}}}"#), r#"{"a":1}"#),
        (format!(r#"{{"a":1,{FIELD},"b":2}}"#), r#"{"a":1,"b":2}"#),
        (format!("{{\n  \"a\": 1,\n  {FIELD},\n  \"b\": 2\n}}\n"), "{\n  \"a\": 1,\n  \"b\": 2\n}\n"),
        (format!("{{\n  {FIELD},\n  \"b\": 2\n}}"), "{\n  \n  \"b\": 2\n}"),
        (format!("{{ {FIELD} }}"), "{  }"),
        (
            format!(r#"{{"a":"{{\"\\","b":[{{}},"]",-1.5e3,true],{FIELD}}}"#),
            r#"{"a":"{\"\\","b":[{},"]",-1.5e3,true]}"#,
        ),
        (format!(r#"{{"a":"é",{FIELD}}}"#), r#"{"a":"é"}"#),
    ] {
        taken(&payload, rest);
    }
}

#[test]
fn is_known_in_any_spelling() {
    for spelling in ["__span\\u0062ridge", "\\u005f\\u005Fspanbridge", "\\u005f_\\u0073panbridge"] {
        let payload = format!(r#"{{"a":1,{}}}"#, FIELD.replace("__spanbridge", spelling));
        taken(&payload, r#"{"a":1}"#);
        taken(&payload.replace("traceparent", "trace\\u0070arent"), r#"{"a":1}"#);
        taken(&payload.replace("00-4bf9", "\\u00300-4bf9"), r#"{"a":1}"#);
    }
    for other in ["__spanbridgf", "__spanbridge ", "__SPANBRIDGE", "__span\\\\u0062ridge", "__spanbridge\\u0000"] {
        untouched(&format!("{{{}}}", FIELD.replace("__spanbridge", other)));
    }
}

#[test]
fn only_the_top_level_counts() {
    untouched(&format!(r#"{{"a":{{{FIELD}}}}}"#));
    untouched(&format!(r#"{{"a":[{{{FIELD}}}]}}"#));
    untouched(&format!(r#"[{{{FIELD}}}]"#));
    untouched(r#"{"a":"\"__spanbridge\":{}"}"#);
    let nested = format!(r#"{{"a":{{{FIELD}}}}}"#);
    assert_eq!(spliced(&nested), format!(r#"{{{FIELD},"a":{{{FIELD}}}}}"#));
    taken(&spliced(&nested), &nested);
}

#[test]
fn is_replaced_when_forwarded() {
    let old = FIELD.replace("-01\"", "-00\"");
    for payload in [
        format!("{{{old}}}"),
        format!("{{{FIELD},{old}}}"),
        format!("{{{old},\"a\":1}}"),
        format!("{{\"a\":1,{old}}}"),
        format!("{{\"a\":1, {old} , \"__span\\u0062ridge\": 7 }}"),
        format!("{{{old},{old},\"a\":1,{old},\"b\":2,{old},{old}}}"),
    ] {
        let forwarded = spliced(&payload);
        assert_eq!(forwarded.matches(FIELD).count(), 1, "{forwarded}");
        assert!(!forwarded.contains(&old));
        let taken = take(forwarded.as_bytes());
        assert_eq!(taken.fields, Some(fields()));
        serde_json::from_slice::<serde::de::IgnoredAny>(&taken.payload()).expect(&payload);
        assert!(!taken.payload().windows(2).any(|w| w == b"__"));
    }
    // The last one counts, as for other readers.
    taken(&format!("{{{old},{FIELD}}}"), "{}");
    taken(&format!("{{{old},\"a\":1,{FIELD},\"b\":2}}"), "{\"a\":1,\"b\":2}");
}

#[test]
fn what_is_wrong_with_it_is_said() {
    for (field, problem, has_fields) in [
        ("7", "not an object", false),
        ("null", "not an object", false),
        ("[{\"traceparent\":\"x\"}]", "not an object", false),
        ("{}", "it has neither a traceparent nor baggage", false),
        ("{\"tracestate\":\"a=1\"}", "it has neither a traceparent nor baggage", false),
        ("{\"traceparent\":7}", "its traceparent is not a text", false),
        ("{\"traceparent\":\"\\ud800\"}", "its traceparent is not a text", false),
        ("{\"traceparent\":\"x\",\"tracestate\":[\"a\"]}", "its tracestate is not a text", true),
        ("{\"traceparent\":\"x\",\"baggage\":null}", "its baggage is not a text", true),
    ] {
        for payload in
            [format!("{{\"__spanbridge\":{field},\"a\":1}}"), format!("{{\"a\":1,\"__spanbridge\":{field}}}")]
        {
            let taken = take(payload.as_bytes());
            assert_eq!((taken.problem, taken.fields.is_some()), (Some(problem), has_fields), "{payload}");
            assert_eq!(*taken.payload(), *b"{\"a\":1}", "{payload}");
        }
    }
    let later = FIELD.replace('}', r#","later":{"x":[1]},"traceparent2":"}"}"#);
    taken(&format!("{{{later}}}"), "{}");
}

#[test]
fn what_is_not_json_stays_as_it_is() {
    for payload in [
        format!(r#"{{"a":1,{FIELD}"#),
        format!(r#"{{"a":1,{FIELD}}}}}"#),
        format!(r#"{{"a":1 {FIELD}}}"#),
        format!(r#"{{"a":1,,{FIELD}}}"#),
        format!(r#"{{"a":1,{FIELD},}}"#),
        format!(r#"{{"a":[}},{FIELD}}}"#),
        format!(r#"{{"a":01,{FIELD}}}"#),
        format!(r#"{{"a":"\x",{FIELD}}}"#),
        format!(r#"{{a:1,{FIELD}}}"#),
        format!(r#"{{{FIELD},}}"#),
        format!(r#"{{{FIELD},7}}"#),
        r#"{"__spanbridge":{"traceparent":"x","later":nope},"a":1}"#.into(),
        r#"{"__spanbridge":{"traceparent":"#.into(),
        r#"{"__spanbridge":{"traceparent":"x"}"#.into(),
        r#"{"__spanbridge"}"#.into(),
        r#"{"__spanbridge":}"#.into(),
        r#"{"__spanbridge":{"traceparent":}}"#.into(),
        r#"{"__spanbridge":{"traceparent":"x\"}}"#.into(),
    ] {
        untouched(&payload);
    }
    untouched(b"{\"a\":\"\\");
    untouched(&[b'{', 0xff, b'}'][..]);
}

#[test]
fn nesting_needs_no_stack() {
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    taken(&format!("{{\"a\":{deep},{FIELD}}}"), &format!("{{\"a\":{deep}}}"));
    taken(
        &format!("{{{},\"a\":{deep}}}", FIELD.replace('}', &format!(",\"x\":{deep}}}"))),
        &format!("{{\"a\":{deep}}}"),
    );
}

/// Any JSON object, as text with white space here and there.
fn object() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f32>().prop_filter("finite", |n| n.is_finite()).prop_map(|n| format!("{n:?}")),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        "[_a\\\\\"{}\\[\\],:]{0,9}".prop_map(|s| serde_json::to_string(&s).unwrap()),
    ];
    let white = || "[ \n]{0,2}";
    let key = || prop_oneof!["[_a-c]{0,3}", any::<String>(), Just("__spanbridge2".to_owned())];
    let members = move |value: BoxedStrategy<String>| {
        (proptest::collection::vec((white(), key(), white(), white(), value, white()), 0..5), white()).prop_map(
            |(m, end)| {
                let members: Vec<_> = m
                    .into_iter()
                    .map(|(a, k, b, c, v, d)| format!("{a}{}{b}:{c}{v}{d}", serde_json::to_string(&k).unwrap()))
                    .collect();
                format!("{{{}{end}}}", members.join(","))
            },
        )
    };
    let value = leaf.prop_recursive(4, 24, 5, move |inner| {
        prop_oneof![
            members(inner.clone().boxed()),
            proptest::collection::vec(inner, 0..4).prop_map(|v| format!("[{}]", v.join(" , "))),
        ]
    });
    (white(), members(value.boxed()), white()).prop_map(|(a, o, b)| format!("{a}{o}{b}"))
}

proptest! {
    #[test]
    fn round_trip(payload in object(), parent: String, tracestate: Option<String>, baggage: Option<String>) {
        let fields = HiddenFields {
            traceparent: parent.into(),
            tracestate: tracestate.map(Into::into),
            baggage: baggage.map(Into::into),
        };
        prop_assume!(!fields.is_empty());
        let sent = splice(payload.as_bytes(), &fields).unwrap();
        serde_json::from_slice::<serde::de::IgnoredAny>(&sent).unwrap();
        let received = take(&sent);
        let rest = String::from_utf8(received.payload().into_owned()).unwrap();
        prop_assert_eq!(&rest, &payload);
        prop_assert_eq!(received.fields, Some(fields));
        prop_assert_eq!(received.problem, None);
        prop_assert!(take(payload.as_bytes()).fields.is_none());
    }

    #[test]
    fn found_among_other_members(before in object(), after in object()) {
        // Two objects become one, with the field between their members.
        let inner = |o: &str| o.trim()[1..o.trim().len() - 1].to_owned();
        let (before, after) = (inner(&before), inner(&after));
        let join = |parts: &[&str]| {
            let parts: Vec<_> = parts.iter().filter(|p| !p.trim().is_empty()).copied().collect();
            format!("{{{}}}", parts.join(","))
        };
        let payload = join(&[&before, FIELD, &after]);
        let found = take(payload.as_bytes());
        prop_assert_eq!(found.fields.clone(), Some(fields()));
        let rest = String::from_utf8(found.payload().into_owned()).unwrap();
        prop_assert_eq!(rest, join(&[&before, &after]));
    }

    #[test]
    fn never_panics(payload: Vec<u8>, near in "\u{feff}?\\{?[\"_{}\\[\\],:\\\\u0a]{0,30}\\}?", at: prop::sample::Index) {
        let field = format!("{{{FIELD},\"a\":1}}");
        let (start, end) = field.split_at(at.index(field.len()));
        for payload in [payload, near.clone().into_bytes(), format!("{start}{near}{end}").into_bytes()] {
            let taken = take(&payload);
            prop_assert_eq!(taken.payload().len() + taken.cuts().map(|c| c.len()).sum::<usize>(), payload.len());
            // What was put in is what comes out, whatever it was put into.
            if let Some(sent) = splice(&payload, &all_fields()) {
                let received = take(&sent);
                prop_assert_eq!(received.payload(), taken.payload());
                prop_assert_eq!((received.fields, received.problem), (Some(all_fields()), None));
            }
        }
    }
}
