//! Reading requests: ids in paths, and parameters.

use super::refusal::Refusal;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;

/// What stands in the path: one id, or several.
pub(super) struct Ids<T>(pub(super) T);

impl<S: Send + Sync, T> FromRequestParts<S> for Ids<T>
where
    Path<T>: FromRequestParts<S>,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let no = |_| Refusal::bad_argument("read the path: it is not UTF-8");
        Path::from_request_parts(parts, state).await.map_err(no).map(|Path(ids)| Self(ids))
    }
}

/// The parameters of a question. Each that was not asked for is an error, so that a wrong name is not taken for an answer.
pub(super) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let no = |_| Refusal::bad_argument("read the parameters: they are not UTF-8");
        let Query(all) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await.map_err(no)?;
        Ok(Self(all))
    }
}

impl Parameters {
    /// Every value of this name.
    pub(super) fn all(&mut self, name: &str) -> Vec<String> {
        let (wanted, others) = std::mem::take(&mut self.0).into_iter().partition(|(key, _)| key == name);
        self.0 = others;
        wanted.into_iter().map(|(_, value): (String, String)| value).collect()
    }

    /// The value of this name.
    ///
    /// # Errors
    /// If there are several.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let mut all = self.all(name);
        match all.len() {
            0 | 1 => Ok(all.pop()),
            _ => Err(Refusal::bad_argument(format!("read {name}: it is there several times"))),
        }
    }

    /// The value of this name, as `parse` reads it.
    ///
    /// # Errors
    /// If there are several, or it cannot be read.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Refusal> {
        let read = |text: String| parse(&text).map_err(|e| Refusal::bad_argument(format!("read {name}: {e}")));
        self.text(name)?.map(read).transpose()
    }

    /// Whether this is `true`. Default: no.
    ///
    /// # Errors
    /// If it is neither `true` nor `false`.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Refusal> {
        let read = |text: &str| text.parse().map_err(|_| "expected true or false".to_owned());
        Ok(self.value(name, read)?.unwrap_or(false))
    }

    /// That there are no others.
    ///
    /// # Errors
    /// If there are.
    pub(super) fn end(self) -> Result<(), Refusal> {
        match self.0.first() {
            Some((name, _)) => Err(Refusal::bad_argument(format!("read {name}: no such parameter"))),
            None => Ok(()),
        }
    }
}

/// A number, or what was expected.
pub(super) fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "expected a whole number".to_owned())
}
