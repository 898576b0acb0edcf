//! The server that the environment names.

use super::{HttpSink, HttpSinkBuilder};
use crate::error::{Error, ErrorKind, Result};
use spanbridge::Variables;

/// The server on this machine.
const DEFAULT_URL: &str = "http://127.0.0.1:4318";
const URL: &str = "SPANBRIDGE_URL";
const TOKEN: &str = "SPANBRIDGE_TOKEN";

impl HttpSink {
    /// As the environment says:
    ///
    /// | variable | here |
    /// |---|---|
    /// | `SPANBRIDGE_URL` | the server's address. Default: `http://127.0.0.1:4318` |
    /// | `SPANBRIDGE_TOKEN` | the server's token, if it wants one |
    ///
    /// An empty variable counts as not set. What else recording needs, [`Environment`](spanbridge::Environment) reads:
    ///
    /// ```
    /// use spanbridge::Environment;
    /// use spanbridge_otel::HttpSink;
    ///
    /// let recorder = Environment::read().builder("orders").sink(HttpSink::from_env()?).install()?;
    /// # drop(recorder);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The address or the token is not valid. Unlike OpenTelemetry's variables, these are never ignored: records would go somewhere
    /// else, or nowhere.
    pub fn from_env() -> Result<HttpSink> {
        Self::from_variables(&mut Variables::of_process())?.open()
    }

    /// As [`from_env`](HttpSink::from_env), with variables from elsewhere, and to set more.
    ///
    /// # Errors
    /// A variable is not UTF-8.
    pub fn from_variables(variables: &mut Variables<'_>) -> Result<HttpSinkBuilder> {
        let before = variables.problems().len();
        let (url, token) = (variables.text(URL), variables.text(TOKEN));
        if variables.problems().len() > before {
            return Err(Error::set_up(ErrorKind::Endpoint, "SPANBRIDGE_URL or SPANBRIDGE_TOKEN is not UTF-8"));
        }
        let builder = HttpSink::to(url.unwrap_or_else(|| DEFAULT_URL.to_owned()));
        Ok(HttpSinkBuilder { token: token.map(|token| (token, Some(TOKEN))), url_variable: Some(URL), ..builder })
    }
}
