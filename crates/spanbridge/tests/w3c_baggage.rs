//! What the unit tests of the W3C's reference for baggage (<https://github.com/w3c/baggage>, `test/`) show, as headers of our
//! own: each reads as there. We differ from it in two points on purpose, each with a test here: what was read goes on as it came,
//! and there are limits.

use spanbridge::w3c::Baggage;

type Property = (&'static str, Option<&'static str>);

/// A key, the decoded value, and the properties.
type Member = (&'static str, &'static str, &'static [Property]);

/// Characters that must be encoded, and some that need not be.
const AWKWARD: &str = "\t \"';=asdf!@#$%^&*()";
/// The same, as the reference encodes it (Python's `quote`).
const ENCODED: &str = "%09%20%22%27%3B%3Dasdf%21%40%23%24%25%5E%26%2A%28%29";

#[track_caller]
fn reads(case: &str, header: &str, expected: &[Member]) {
    let (baggage, dropped) = Baggage::parse(header.as_bytes());
    assert_eq!(dropped, None, "{case}");
    let found: Vec<_> = baggage.iter().map(|m| (m.key(), m.value(), m.properties().collect::<Vec<_>>())).collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(key, value, properties)| {
            let properties = properties.iter().map(|(key, value)| (*key, value.map(Into::into)));
            (*key, (*value).into(), properties.collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(found, expected, "{case}: {header:?}");
    assert_eq!(baggage.is_empty(), expected.is_empty(), "{case}");
}

#[test]
fn baggage_without_members() {
    reads("a baggage that nobody filled", Baggage::new().as_str(), &[]);
    assert_eq!(Baggage::new(), Baggage::default());
}

#[test]
fn several_members() {
    let two: &[Member] = &[("user", "ada", &[("secret", None)]), ("plan", "gold", &[("since", Some("2024"))])];
    let one: &[Member] = &[("user", "ada", &[])];
    reads("one member", "user=ada", one);
    reads("two, with properties", "user=ada;secret,plan=gold;since=2024", two);
    reads(
        "white space wherever it may be",
        "user \t = \t ada \t ; \t secret \t , \t plan \t = \t gold \t ; \t since \t = \t 2024",
        two,
    );
    let pairs: &[Member] = &[("user", "ada", &[("by", Some("sso"))]), ("plan", "gold", &[("since", Some("2024"))])];
    reads("two, whose properties have values", "user=ada;by=sso,plan=gold;since=2024", pairs);
    reads(
        "the same with white space",
        "user \t = \t ada \t ; \t by=sso \t , \t plan \t = \t gold \t ; \t since=2024",
        pairs,
    );
}

#[test]
fn one_member() {
    let plain: &[Member] = &[("user", "ada", &[])];
    reads("no properties", Baggage::new().with("user", "ada").unwrap().as_str(), plain);
    reads("key and value", "user=ada", plain);
    reads("white space around them", "user \t = \t ada \t ", plain);
    reads("only the first equals sign divides", "user=ada=lovelace", &[("user", "ada=lovelace", &[])]);
    let awkward: &[Member] = &[("user", AWKWARD, &[])];
    reads("an encoded value", &format!("user={ENCODED}"), awkward);
    reads("an encoded value with white space around it", &format!("user \t = \t {ENCODED} \t "), awkward);
}

#[test]
fn properties_of_a_member() {
    let key: &[Member] = &[("user", "ada", &[("secret", None)])];
    reads("a key", "user=ada;secret", key);
    reads("a key, with white space", "user \t = \t ada \t ; \t secret", key);
    let pair: &[Member] = &[("user", "ada", &[("by", Some("sso"))])];
    reads("key and value", "user=ada;by=sso", pair);
    reads("key and value, with white space", "user \t = \t ada \t ; \t by \t = \t sso", pair);
    let two: &[Member] = &[("user", "ada", &[("secret", None), ("by", Some("sso"))])];
    reads("two", "user=ada;secret;by=sso", two);
    reads("two, with white space", "user \t = \t ada \t ; \t secret \t ; \t by \t = \t sso", two);
    let same: &[Member] = &[("user", "ada", &[("by", None), ("by", Some("sso")), ("by", Some("mail"))])];
    reads("several of one name are all kept, in their order", "user=ada;by;by=sso;by=mail", same);
    reads("an encoded value", &format!("user=ada;by={ENCODED}"), &[("user", "ada", &[("by", Some(AWKWARD))])]);
    // An encoded equals sign does not make a value, and a key is not decoded.
    let encoded: &[Member] = &[("user", "ada", &[("by%20%09%20%3D%20%09%20sso", None)])];
    reads("an encoded pair is a key", "user=ada;by%20%09%20%3D%20%09%20sso", encoded);
}

/// The reference writes what it has decoded, in an encoding of its own. We pass on what came, byte for byte: a property may mean
/// more to its owner than its decoded text says, and nothing is decoded if nobody asks.
#[test]
fn what_was_read_goes_on_as_it_came() {
    for header in ["user=%61da;by=%73so", &format!("user={ENCODED};by={ENCODED}"), "user = ada ; secret , plan=gold"] {
        assert_eq!(Baggage::parse(header.as_bytes()).0.as_str(), header);
    }
    // What we write ourselves is encoded where it must be, and reads alike everywhere.
    let written = Baggage::new().with("user", AWKWARD).unwrap();
    assert_eq!(written.as_str(), "user=%09%20%22'%3B=asdf!@#$%25^&*()");
    reads("ours", written.as_str(), &[("user", AWKWARD, &[])]);
}

/// A platform must pass on 64 members and 8192 bytes (section 3.3.2). The reference has no upper limit; we keep no more, and say
/// how much was left out.
#[test]
fn limits() {
    let mut baggage = Baggage::new();
    for i in 0..64 {
        baggage = baggage.with(&format!("key{i}"), "value").unwrap();
    }
    assert_eq!(baggage.as_str().split(',').count(), 64);
    let long = "0123456789".repeat(819);
    let longest = Baggage::new().with("a", &long).unwrap();
    assert_eq!(longest.as_str().len(), 8192);
    assert_eq!(Baggage::parse(longest.as_str().as_bytes()), (longest, None));

    let many: Vec<_> = (0..512).map(|i| format!("{i:03}=0123456789a")).collect();
    let many = many.join(",") + "b";
    assert_eq!(many.len(), 8192);
    let (kept, dropped) = Baggage::parse(many.as_bytes());
    assert_eq!((kept.iter().count(), dropped.map(|d| (d.malformed, d.over_limit))), (64, Some((0, 448))));
    assert!(many.starts_with(kept.as_str()));
}
