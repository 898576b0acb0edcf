//! The closed lists of words, against the lists in Rust.

use crate::published::Published;
use spanbridge_graph::{DifferenceKind, FailureKind, GapKind, NotJudgedReason, RunStatus, Verdict};

/// A list in a schema, and the words that it should have. The outputs of the tests need not have them all.
pub(crate) fn held() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    vec![
        ("common.json", "/$defs/runStatus", RunStatus::ALL.map(RunStatus::as_str).to_vec()),
        ("diff.json", "/properties/verdict", Verdict::ALL.map(Verdict::as_str).to_vec()),
        ("diff.json", "/$defs/difference/properties/kind", DifferenceKind::ALL.map(DifferenceKind::as_str).to_vec()),
        ("doctor.json", "/properties/gaps/items/properties/kind", GapKind::all().map(GapKind::code).collect()),
        (
            "doctor.json",
            "/properties/notJudged/items/properties/reason",
            NotJudgedReason::all().map(NotJudgedReason::code).collect(),
        ),
        ("why.json", "/$defs/failure/properties/kind", FailureKind::ALL.map(FailureKind::as_str).to_vec()),
    ]
}

/// What the outputs cannot have, and why.
pub(crate) const NOT_SHOWN: [(&str, &str); 1] = [
    // The index is in memory where neither the store nor the cache can be written. The tests may run as root.
    ("check.json", "/properties/index: no output is without `path`"),
];

#[test]
fn lists_have_the_words_of_the_code() {
    let published = Published::read();
    for (file, pointer, words) in held() {
        let list = published.0[file].pointer(pointer).unwrap_or_else(|| panic!("{file}{pointer}"));
        assert_eq!(list["enum"], serde_json::json!(words), "{file}{pointer}");
    }
}
