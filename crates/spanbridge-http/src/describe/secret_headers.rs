//! Headers for those who capture them, without the values that let somebody in.

use super::url::REDACTED;
use http::HeaderMap;

/// Headers whose values are credentials. They are never recorded, whatever is captured.
const SECRET: [&str; 7] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "set-cookie",
    "x-amz-security-token",
    "x-api-key",
    "x-auth-token",
];

/// Gives every header to `each`. The values of credentials, and those that the program has marked as sensitive, are redacted.
pub(crate) fn each_header(headers: &HeaderMap, each: &mut dyn FnMut(&str, &[u8])) {
    for (name, value) in headers {
        let is_secret = value.is_sensitive() || SECRET.contains(&name.as_str());
        each(name.as_str(), if is_secret { REDACTED.as_bytes() } else { value.as_bytes() })
    }
}
