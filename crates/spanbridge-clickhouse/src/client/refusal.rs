//! What a server says when it does not do what it is asked.

use crate::error::{Error, ErrorKind};
use ureq::http::StatusCode;

/// A server's refusal.
pub(crate) struct Refusal {
    code: u32,
    message: String,
}

/// Codes that say that another server of the cluster did not answer: DNS_ERROR, SOCKET_TIMEOUT, NETWORK_ERROR, ALL_CONNECTION_TRIES_FAILED,
/// TOO_MANY_UNAVAILABLE_SHARDS (as of 18.16 and 26.9), ATTEMPT_TO_READ_AFTER_EOF.
const ABOUT_A_SHARD: [u32; 6] = [198, 209, 210, 279, 519, 32];

/// READONLY: the user may not change settings, or nothing at all.
const READ_ONLY: u32 = 164;

/// A longer message is cut.
const MAX_MESSAGE: usize = 600;

impl Refusal {
    pub(super) fn new(node: &str, status: StatusCode, said: &[u8]) -> Self {
        let said = String::from_utf8_lossy(said);
        let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let text = lines.join(" ");
        let code = text.strip_prefix("Code: ").and_then(|rest| rest.split([',', '.']).next()?.trim().parse().ok());
        let shown: String = text.chars().take(MAX_MESSAGE).collect();
        let message = match shown.is_empty() {
            true => format!("{node} answered {status}"),
            false => format!("{node} answered: {shown}"),
        };
        Self { code: code.unwrap_or(0), message }
    }

    /// Whether another server did not answer this one.
    pub(super) fn is_about_a_shard(&self) -> bool {
        ABOUT_A_SHARD.contains(&self.code)
    }

    pub(super) fn into_error(self, kind: ErrorKind) -> Error {
        let error = Error::new(kind, self.message);
        if self.code == READ_ONLY { error.about_read_only() } else { error }
    }
}
