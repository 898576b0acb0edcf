//! Variables of the environment, by the rules that OpenTelemetry has for them.

use std::ffi::OsString;
use std::fmt;

/// Reads variables of the environment by the rules of OpenTelemetry's
/// [specification](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/): an empty variable
/// counts as not set, and what is not understood is ignored and named by [`problems`](Variables::problems).
///
/// [`Environment`](crate::Environment) reads what a recorder needs. A sink reads what else it needs with this.
///
/// ```
/// use spanbridge::Variables;
///
/// let mut variables = Variables::of(|name| (name == "MY_SINK_TIMEOUT").then(|| "soon".into()));
/// assert_eq!(variables.number("MY_SINK_TIMEOUT"), None);
/// assert_eq!(variables.problems(), ["MY_SINK_TIMEOUT is ignored: it is not a whole number"]);
/// ```
pub struct Variables<'a> {
    look_up: Box<LookUp<'a>>,
    problems: Vec<String>,
}

type LookUp<'a> = dyn FnMut(&str) -> Option<OsString> + 'a;

impl<'a> Variables<'a> {
    /// The environment of this process.
    pub fn of_process() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    /// Variables from elsewhere: `look_up` gives the value of a name.
    pub fn of(look_up: impl FnMut(&str) -> Option<OsString> + 'a) -> Self {
        Variables { look_up: Box::new(look_up), problems: vec![] }
    }

    /// The text of a variable.
    pub fn text(&mut self, name: &str) -> Option<String> {
        let text = (self.look_up)(name).filter(|value| !value.is_empty())?.into_string();
        if text.is_err() {
            self.problem(name, "it is not UTF-8")
        }
        text.ok()
    }

    /// Whether a variable is `true`, in any case.
    pub fn flag(&mut self, name: &str) -> bool {
        let text = self.text(name);
        let is = |word: &str| text.as_deref().is_some_and(|text| text.trim().eq_ignore_ascii_case(word));
        let (yes, no) = (is("true"), is("false"));
        if text.is_some() && !yes && !no {
            self.problem(name, "it is neither `true` nor `false`")
        }
        yes
    }

    /// A whole number, 0 or more.
    pub fn number(&mut self, name: &str) -> Option<u64> {
        let number = self.text(name)?.trim().parse().ok();
        if number.is_none() {
            self.problem(name, "it is not a whole number")
        }
        number
    }

    /// A list `key=value,…` with percent-encoded keys and values. One error discards all of it.
    pub fn pairs(&mut self, name: &str) -> Option<Vec<(String, String)>> {
        let list = self.text(name)?;
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=')?;
            let (key, value) = (percent_decoded(key.trim())?, percent_decoded(value.trim())?);
            (!key.is_empty()).then_some((key, value))
        };
        let pairs: Option<Vec<_>> = list.split(',').filter(|pair| !pair.trim().is_empty()).map(pair).collect();
        if pairs.is_none() {
            self.problem(name, "it is not `key=value,…` with percent-encoded values")
        }
        pairs
    }

    /// Notes that a variable is ignored, and why. The text must not quote the value: it may be secret.
    pub fn problem(&mut self, name: &str, why: &str) {
        let problem = format!("{name} is ignored: {why}");
        if !self.problems.contains(&problem) {
            self.problems.push(problem)
        }
    }

    /// What was not understood so far: one line for each variable, which names it and does not quote its value.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// The same, when nothing more is read.
    pub fn into_problems(self) -> Vec<String> {
        self.problems
    }
}

impl fmt::Debug for Variables<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("problems", &self.problems).finish_non_exhaustive()
    }
}

/// `None` if it is not text once it is decoded.
fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        rest = others;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let (digits, others) = rest.split_at_checked(2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        bytes.push(digit(digits[0])? << 4 | digit(digits[1])?);
        rest = others
    }
    String::from_utf8(bytes).ok()
}
