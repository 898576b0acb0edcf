//! No secret of a URL is recorded: not with it, and not in the text of an error that quotes it. What is no secret stays.
#![no_main]

#[path = "../../crates/spanbridge-http/src/describe/full_url.rs"]
mod full_url;
#[path = "../../crates/spanbridge-http/src/describe/url.rs"]
mod url;

use full_url::{full, without_urls};
use libfuzzer_sys::fuzz_target;
use reqwest::Url;
use std::borrow::Cow;

/// What stands for a secret, also if there was nothing to hide.
const HIDDEN: [&str; 2] = ["REDACTED", ""];

fuzz_target!(|sent: (&str, &str)| {
    let (of_url, text) = sent;
    let shown = url::query(of_url);
    assert_eq!(url::query(&shown), shown, "once is enough");
    let (before, after) = (pairs(of_url), pairs(&shown));
    assert_eq!(before.len(), after.len());
    for ((key, value), (shown_key, shown_value)) in before.into_iter().zip(after) {
        if is_secret(&key) {
            assert!(key == shown_key && HIDDEN.contains(&&*shown_value), "{key}={shown_value}")
        } else if !key.contains(';') && !value.contains(';') {
            assert!(key == shown_key && value == shown_value, "{key}={value}: {shown_key}={shown_value}")
        }
    }

    let Ok(url) = Url::parse(of_url) else { return };
    let whole = full(&url).into_owned();
    if matches!(url.scheme(), "http" | "https") {
        let shown = Url::parse(&whole).expect("still a URL");
        assert!(
            HIDDEN.contains(&shown.username()) && HIDDEN.contains(&shown.password().unwrap_or_default()),
            "{whole}"
        );
        assert!(shown.fragment().is_none(), "{whole}");
        let kept = |url: &Url| (url.host_str().map(str::to_owned), url.port(), url.path().to_owned());
        assert_eq!(kept(&shown), kept(&url));
        let search = shown.query().unwrap_or_default();
        assert_eq!(search, url::query(url.query().unwrap_or_default()));
    }

    // Whoever quotes the whole of it or a part, as it is or decoded, quotes no secret.
    let parts = [url.password(), Some(url.username()), url.query(), url.fragment(), Some(url.path())];
    let both = |part| [Cow::Borrowed(part), decoded(part)];
    let secrets: Vec<_> = parts.into_iter().flatten().flat_map(both).filter(|part| part.len() > 1).collect();
    for quoted in secrets.iter().cloned().chain(both(url.as_str())) {
        let shown = without_urls(&format!("{text} {quoted} {text}"), &url);
        assert!(!shown.contains("://"), "{shown}");
        for secret in &secrets {
            // With a letter of `REDACTED`, it may be there again.
            let is_unlike = !secret.contains(['R', 'E', 'D', 'A', 'C', 'T']);
            assert!(!is_unlike || !shown.contains(&**secret), "{secret}: {shown}");
        }
    }
});

/// A query as a server reads it.
fn pairs(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn is_secret(key: &str) -> bool {
    let keys = [
        "awsaccesskeyid",
        "sig",
        "signature",
        "x-amz-credential",
        "x-amz-security-token",
        "x-amz-signature",
        "x-goog-signature",
    ];
    keys.contains(&&*key.to_ascii_lowercase())
}

/// As a program shows it that decodes it.
fn decoded(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap_or(Cow::Borrowed(text))
}
