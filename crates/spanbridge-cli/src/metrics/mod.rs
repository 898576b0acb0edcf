//! Figures of a process, as Prometheus reads them.

#[cfg(feature = "serve")]
mod listen;

#[cfg(feature = "serve")]
pub use listen::listen;
use std::fmt::{Display, Write};

/// The media type of [the text format](https://prometheus.io/docs/instrumenting/exposition_formats/).
pub const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes families of values.
///
/// ```
/// use spanbridge_cli::metrics::Text;
///
/// let mut text = Text::of("serve");
/// text.one("connections", "gauge", "Open connections.", 3);
/// text.family("requests_total", "counter", "Requests that were answered.");
/// text.value("requests_total", "{code=\"200\"}", 7);
/// let expected = "# HELP spanbridge_serve_connections Open connections.
/// ## TYPE spanbridge_serve_connections gauge
/// spanbridge_serve_connections 3
/// ## HELP spanbridge_serve_requests_total Requests that were answered.
/// ## TYPE spanbridge_serve_requests_total counter
/// spanbridge_serve_requests_total{code=\"200\"} 7
/// ";
/// assert_eq!(text.into_string(), expected);
/// ```
#[derive(Clone, Debug)]
pub struct Text {
    command: &'static str,
    text: String,
}

impl Text {
    /// Of a command: each name begins with `spanbridge_<command>_`.
    pub fn of(command: &'static str) -> Self {
        Self { command, text: String::new() }
    }

    /// Begins a family. `kind`: `counter` or `gauge`.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) {
        let command = self.command;
        let _ =
            write!(self.text, "# HELP spanbridge_{command}_{name} {help}\n# TYPE spanbridge_{command}_{name} {kind}\n");
    }

    /// Adds a value to the family that was begun last. `labels`: empty, or in braces, and escaped.
    pub fn value(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.text, "spanbridge_{}_{name}{labels} {value}", self.command);
    }

    /// A family of one value.
    pub fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.value(name, "", value);
    }

    /// What was written.
    pub fn into_string(self) -> String {
        self.text
    }
}
