//! `Authorization: Bearer TOKEN`.

use crate::serve::refusal::Refusal;
use axum::http::{HeaderMap, StatusCode, header};
use constant_time_eq::constant_time_eq;

/// Compares the whole of both, so that the time taken does not say how much was right.
pub(super) fn check(headers: &HeaderMap, token: &str) -> Result<(), Refusal> {
    let refused = |message: &str| Refusal::new(StatusCode::UNAUTHORIZED, "token", message);
    let Some(given) = headers.get(header::AUTHORIZATION) else {
        return Err(refused("read the token: Authorization is missing"));
    };
    let given = given.as_bytes().split_at_checked(7).filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "));
    match given {
        Some((_, given)) if constant_time_eq(given.trim_ascii(), token.as_bytes()) => Ok(()),
        _ => Err(refused("accept the token: it is not this server's")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_accepted() {
        let check = |value: &str| {
            check(&HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]), "secret").is_ok()
        };
        assert!(check("Bearer secret"));
        assert!(check("bearer secret"));
        for value in ["Bearer secre", "Bearer secrets", "Bearer ", "Bearer", "secret", "Basic secret", "Bearer SECRET"]
        {
            assert!(!check(value), "{value}");
        }
    }
}
