//! Queries of URLs without the secrets that conventions and habits put into them.
//!
//! The rules are those of OpenTelemetry's [HTTP conventions](https://opentelemetry.io/docs/specs/semconv/http/http-spans/):
//! the values of keys that sign a request become `REDACTED`, and the keys stay. Two are stricter:
//! a key counts in any case and any percent-encoding, because receivers read it so. Everything else stays as it is, to the byte.
//!
//! These are the secrets that any URL may have. For those of your own, there is the redaction hook of the capture policy.

use std::borrow::Cow;

/// What stands for a secret.
pub(crate) const REDACTED: &str = "REDACTED";

/// Keys of a query whose values sign the request, or identify who signed it.
const SECRET_KEYS: [&str; 7] = [
    "AWSAccessKeyId",
    "sig",
    "Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Goog-Signature",
];

/// A query for `url.query`, without its question mark.
///
/// Pairs end at `&`. Some receivers also end them at `;`, so a secret key counts after that, too; its value is redacted up to
/// the next `&`, which is where it ends for all others.
pub(crate) fn query(query: &str) -> Cow<'_, str> {
    let mut redacted: Option<String> = None;
    let mut done = 0;
    for (pair, at) in parts(query.as_bytes(), b'&') {
        let secret = parts(pair, b';').find_map(|(pair, start)| {
            let end = pair.iter().position(|byte| *byte == b'=')?;
            is_secret(&pair[..end]).then_some(at + start + end + 1)
        });
        let end = at + pair.len();
        if let Some(value) = secret.filter(|value| *value < end) {
            let text = redacted.get_or_insert_default();
            text.push_str(&query[done..value]);
            text.push_str(REDACTED);
            done = end
        }
    }
    match redacted {
        None => Cow::Borrowed(query),
        Some(text) => Cow::Owned(text + &query[done..]),
    }
}

/// The parts of a text between separators, each with the place where it begins.
fn parts(text: &[u8], separator: u8) -> impl Iterator<Item = (&[u8], usize)> {
    text.split(move |byte| *byte == separator).scan(0, |next, part| {
        let at = *next;
        *next += part.len() + 1;
        Some((part, at))
    })
}

/// Whether the value of a key is a secret.
pub(super) fn is_secret(key: &[u8]) -> bool {
    if !key.contains(&b'%') {
        return SECRET_KEYS.iter().any(|secret| key.eq_ignore_ascii_case(secret.as_bytes()));
    }
    let lower = |byte: u8| byte.to_ascii_lowercase();
    SECRET_KEYS.iter().any(|secret| decoded(key).map(lower).eq(secret.bytes().map(lower)))
}

/// The bytes of a part of a URL after percent-decoding.
pub(super) fn decoded(key: &[u8]) -> impl Iterator<Item = u8> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let hex = |place: usize| char::from(*key.get(place)?).to_digit(16);
        let byte = *key.get(at)?;
        match (byte, hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                at += 3;
                Some((high * 16 + low) as u8)
            }
            _ => {
                at += 1;
                Some(byte)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn secrets_of_a_query_are_redacted() {
        for (given, shown) in [
            ("", ""),
            ("q=a&page=2", "q=a&page=2"),
            ("sig=s3cret", "sig=REDACTED"),
            ("q=a&sig=s3cret&page=2", "q=a&sig=REDACTED&page=2"),
            (
                "X-Amz-Signature=1&X-Amz-Credential=2&X-Amz-Security-Token=3&X-Amz-Date=4",
                "X-Amz-Signature=REDACTED&X-Amz-Credential=REDACTED&X-Amz-Security-Token=REDACTED&X-Amz-Date=4",
            ),
            (
                "AWSAccessKeyId=1&Signature=2&X-Goog-Signature=3",
                "AWSAccessKeyId=REDACTED&Signature=REDACTED&X-Goog-Signature=REDACTED",
            ),
            // Every one of them.
            ("sig=1&sig=2", "sig=REDACTED&sig=REDACTED"),
            // In any case and encoding; of two decodings, a receiver does one.
            ("SIG=1&x-amz-signature=2", "SIG=REDACTED&x-amz-signature=REDACTED"),
            ("X%2DAmz%2dSignature=1&s%69g=2&%2573ig=3", "X%2DAmz%2dSignature=REDACTED&s%69g=REDACTED&%2573ig=3"),
            // Values with what separates elsewhere.
            ("sig=a=b=c", "sig=REDACTED"),
            ("sig=a;b&x=1", "sig=REDACTED&x=1"),
            ("x=1;sig=a;b&y=2", "x=1;sig=REDACTED&y=2"),
            ("sig=;a&x", "sig=REDACTED&x"),
            // Nothing to hide.
            ("sig=&sig&x=sig&signal=1&design=2&asig=3", "sig=&sig&x=sig&signal=1&design=2&asig=3"),
            ("&&;=;=&%&%2&%zz=%", "&&;=;=&%&%2&%zz=%"),
            ("ü=ä&sig=ö&ß", "ü=ä&sig=REDACTED&ß"),
        ] {
            assert_eq!(query(given), shown, "{given}");
        }
    }

    /// A secret key as somebody may write it: in any case, and any of its characters encoded.
    fn written() -> impl Strategy<Value = String> {
        let ways = prop::collection::vec(0..4u8, 32);
        (prop::sample::select(&SECRET_KEYS[..]), ways).prop_map(|(key, ways)| {
            let each = key.bytes().zip(ways);
            each.map(|(byte, way)| match way {
                0 => char::from(byte).to_string(),
                1 => char::from(byte).to_ascii_uppercase().to_string(),
                2 => format!("%{byte:02x}"),
                _ => format!("%{byte:02X}"),
            })
            .collect()
        })
    }

    proptest! {
        /// Wherever a secret stands, it is gone, and what is around it stays.
        #[test]
        fn no_secret_passes(before in "[^&;#]{0,20}[&;]", key in written(), value in "[^&#\\PC]{0,10}", after in "(&[^#]{0,20})?") {
            let secret = format!("5ecret{value}5ecret");
            let shown = query(&format!("{before}{key}={secret}{after}")).into_owned();
            prop_assert!(!query(&shown).contains("5ecret"), "{}", shown);
            prop_assert!(shown.contains(&format!("{key}=REDACTED")), "{}", shown);
            prop_assert_eq!(query(&shown), &*shown, "once is enough");
        }

        /// Whatever comes, nothing breaks, and what has no secret is not even copied.
        #[test]
        fn anything_can_come(text in any::<String>(), plain in "([a-f]{1,4}=[^&;#]{0,9}[&;]){0,5}") {
            query(&text);
            prop_assert!(matches!(query(&plain), Cow::Borrowed(_)), "{}", plain);
        }
    }
}
