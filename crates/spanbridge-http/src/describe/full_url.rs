//! Whole URLs, and texts that quote them, without secrets.

use super::url::{REDACTED, decoded, is_secret, query};
use reqwest::Url;
use std::borrow::Cow;
use std::cmp::Reverse;

/// A whole URL for `url.full`: without the fragment, which is never sent, and with its user name, its password and the
/// secrets of its query redacted.
pub(crate) fn full(url: &Url) -> Cow<'_, str> {
    let whole = url.as_str();
    let whole = &whole[..whole.len() - url.fragment().map_or(0, |fragment| fragment.len() + 1)];
    let (place, search) = match url.query() {
        Some(search) => (&whole[..whole.len() - search.len()], query(search)),
        None => (whole, Cow::Borrowed("")),
    };
    if url.username().is_empty() && url.password().is_none() {
        return match search {
            Cow::Borrowed(_) => Cow::Borrowed(whole),
            Cow::Owned(search) => Cow::Owned([place, &search].concat()),
        };
    }
    // Names and passwords have no `@` in a URL, nor a `/`.
    let (start, end) = (url.scheme().len() + "://".len(), place.find('@').unwrap_or_default());
    let user = if url.password().is_some() { "REDACTED:REDACTED" } else { REDACTED };
    Cow::Owned([&place[..start], user, place.get(end..).unwrap_or_default(), &search].concat())
}

/// A text without URLs, and without the parts of this one that may be secret: for texts of errors, which quote them, as they
/// stand in the URL or decoded.
pub(crate) fn without_urls(text: &str, url: &Url) -> String {
    let mut text = without_any_url(text);
    let (path, query) = (url.path(), url.query().unwrap_or_default());
    let pairs = query.split(['&', ';']).filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(|(key, value)| value.len() >= MIN_SECRET || is_secret(key.as_bytes()));
    let long = path.split('/').filter(|part| part.len() >= MIN_SECRET).chain(values.map(|(_, value)| value));
    let whole = [Some(path), url.query(), url.fragment(), url.password(), Some(url.username())];
    let written = whole.into_iter().flatten().chain(long).filter(|part| part.len() > 1);
    let mut secrets: Vec<_> = written.flat_map(readings).collect();
    // The longest first, because others are parts of them.
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    for secret in secrets {
        if text.contains(&*secret) {
            text = text.replace(&*secret, REDACTED)
        }
    }
    text
}

/// A part of a URL as it is written, and as programs see it that decode it. In a form, a plus sign is a space.
fn readings(part: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let of_path = part.contains('%').then(|| part.to_owned());
    let of_form = part.contains('+').then(|| part.replace('+', " "));
    let decoded = |text: String| String::from_utf8(decoded(text.as_bytes()).collect()).ok();
    let all = [of_path, of_form].into_iter().flatten().filter_map(decoded).filter(|text| text.len() > 1);
    std::iter::once(Cow::Borrowed(part)).chain(all.map(Cow::Owned))
}

/// The length from which on a part of a path or of a query may be a secret, wherever a text has it.
const MIN_SECRET: usize = 12;

/// A text with `REDACTED` for everything that looks like a URL: up to white space or a quotation mark.
fn without_any_url(mut text: &str) -> String {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '`');
    let mut shown = String::with_capacity(text.len());
    while let Some(at) = text.find("://") {
        let (before, url) = text.split_at(at);
        shown.push_str(before.trim_end_matches(is_scheme));
        shown.push_str(REDACTED);
        let (url, rest) = url.split_at(url.find(ends).unwrap_or(url.len()));
        // What closes the sentence around it is not part of it.
        shown.push_str(&url[url.trim_end_matches([')', ']', '}', '\'', ',', '.', ':', ';']).len()..]);
        text = rest
    }
    shown + text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_url_has_no_user_and_no_fragment() {
        for (given, shown) in [
            ("https://example.com/", "https://example.com/"),
            ("https://example.com/a@b?c@d", "https://example.com/a@b?c@d"),
            ("https://amelie:s3cret@example.com:8443/a@b?c@d", "https://REDACTED:REDACTED@example.com:8443/a@b?c@d"),
            ("https://t0ken@example.com/", "https://REDACTED@example.com/"),
            ("https://:s3cret@example.com", "https://REDACTED:REDACTED@example.com/"),
            ("https://a:b@c:d@example.com/", "https://REDACTED:REDACTED@example.com/"),
            ("https://@example.com/", "https://example.com/"),
            ("https://example.com/a?q=1#token=2", "https://example.com/a?q=1"),
            ("https://example.com/#?sig=2", "https://example.com/"),
            ("https://example.com/?#", "https://example.com/?"),
            ("https://u:p@[::1]:80/?sig=2#f", "https://REDACTED:REDACTED@[::1]:80/?sig=REDACTED"),
            ("https://example.com?sig=1?sig=2", "https://example.com/?sig=REDACTED"),
            ("data:text/plain,hello", "data:text/plain,hello"),
            ("unix:/run/a@b?sig=1#c", "unix:/run/a@b?sig=REDACTED"),
        ] {
            assert_eq!(full(&Url::parse(given).unwrap()), shown, "{given}");
        }
    }

    #[test]
    fn a_text_has_no_url() {
        let url = Url::parse("https://amelie:pa55@example.com/orders/0123456789abcdef?q=long-enough-to-be-one&x=y#top")
            .unwrap();
        for (given, shown) in [
            ("connection refused", "connection refused"),
            ("error for url (https://other.example.com/a(b)?c=(d))", "error for url (REDACTED))"),
            (
                "see <https://a.example.com/>, 'git+ssh://u@h/x', or http://b.",
                "see <REDACTED>, 'REDACTED', or REDACTED.",
            ),
            ("://", "REDACTED"),
            ("q=long-enough-to-be-one&x=y", "REDACTED"),
            ("no 0123456789abcdef in orders", "no REDACTED in orders"),
            ("is long-enough-to-be-one one? pa55!", "is REDACTED one? REDACTED!"),
            ("amélie ✓ y", "amélie ✓ y"),
        ] {
            assert_eq!(without_urls(given, &url), shown, "{given}");
        }
    }

    /// Who quotes has often decoded: a user name, a form, a path. A signature counts however short it is.
    #[test]
    fn a_decoded_quote_is_none() {
        let url = "https://am%40lie:pa%2F55@example.com/reset/t0ken%20of+amelie?sig=s1g&q=t0ken%2Bof+b%C3%A9a&n=s1";
        let url = Url::parse(url).unwrap();
        for (given, shown) in [
            ("login of am@lie with pa/55", "login of REDACTED with REDACTED"),
            ("no file \"/reset/t0ken of+amelie\"", "no file \"REDACTED\""),
            ("'t0ken of+amelie' is old", "'REDACTED' is old"),
            ("q is t0ken+of béa", "q is REDACTED"),
            ("sig=s1g is wrong, s1 is not", "sig=REDACTED is wrong, s1 is not"),
        ] {
            assert_eq!(without_urls(given, &url), shown, "{given}");
        }
    }

    proptest! {
        /// Whatever is quoted of a URL, its secrets are gone.
        #[test]
        fn no_secret_is_quoted(before in "\\PC{0,20}", after in "([ \"<>,)]\\PC{0,20})?", key in "[a-z]{1,5}", part in 0..6usize) {
            let secret = "5ecret-of-all";
            let url = format!("https://u{secret}:p{secret}@example.com/{secret}/b?{key}={secret}#{secret}");
            let url = Url::parse(&url).unwrap();
            let parts = [url.as_str(), url.path(), url.query().unwrap(), url.username(), url.password().unwrap(), secret];
            let text = format!("{before}{}{after}", parts[part]);
            prop_assert!(!without_urls(&text, &url).contains(secret), "{}", without_urls(&text, &url));
        }

        /// Whatever comes, nothing breaks.
        #[test]
        fn anything_can_be_a_url(text in any::<String>(), rest in "[\\PC]{0,30}") {
            for text in [text, format!("http://{rest}"), format!("x://{rest}"), format!("http://u@h/{rest}")] {
                if let Ok(url) = Url::parse(&text) {
                    full(&url);
                    without_urls(&text, &url);
                }
            }
        }

        /// However a secret stands in a URL, it is gone.
        #[test]
        fn no_secret_of_a_url_passes(before in "([a-z]{1,4}=[^&;#]{0,9}[&;]){0,3}", after in "(&[^#]{0,20})?") {
            let url = Url::parse(&format!("https://u5ecret:5ecret@example.com/?{before}sig=5ecret{after}#5ecret")).unwrap();
            prop_assert!(!full(&url).contains("5ecret"), "{}", full(&url));
        }
    }
}
