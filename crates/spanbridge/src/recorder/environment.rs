//! What the environment says about recording: OpenTelemetry's variables, as far as they mean the same here.

use super::builder::RecorderBuilder;
use super::handle::Recorder;
use crate::Sampler;
use std::ffi::OsString;

/// What the process's environment says about recording.
///
/// | variable | here |
/// |---|---|
/// | `OTEL_SDK_DISABLED` | `true`: nothing is recorded ([`is_disabled`](Environment::is_disabled)) |
/// | `OTEL_SERVICE_NAME` | the service's name |
/// | `OTEL_RESOURCE_ATTRIBUTES` | `key=value,…`, percent-encoded; its `service.name` counts where `OTEL_SERVICE_NAME` is not set. One error discards all |
/// | `OTEL_TRACES_SAMPLER` | `always_on`, `always_off`, `traceidratio`, `parentbased_always_on`, `parentbased_always_off`, `parentbased_traceidratio`. Default: everything is recorded |
/// | `OTEL_TRACES_SAMPLER_ARG` | the share for a sampler by ratio, from 0 to 1. Default: 1 |
/// | `OTEL_PROPAGATORS` | `tracecontext`, `baggage`: always both |
///
/// An empty variable counts as not set, as OpenTelemetry's
/// [specification](https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/) has it. What is not
/// understood is ignored, and named by [`problems`](Environment::problems).
///
/// ```
/// use spanbridge::{Environment, JsonLines};
///
/// let environment = Environment::read();
/// environment.problems().iter().for_each(|problem| eprintln!("{problem}"));
/// let recorder = match environment.is_disabled() {
///     true => None,
///     false => Some(environment.builder("orders").sink(JsonLines::new(std::io::stdout())).install()?),
/// };
/// # drop(recorder);
/// # Ok::<(), spanbridge::InstallError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Environment {
    disabled: bool,
    service: Option<String>,
    resource: Vec<(String, String)>,
    sampler: Option<Sampler>,
    problems: Vec<String>,
}

impl Environment {
    /// Reads the environment of this process.
    pub fn read() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    /// Reads variables from elsewhere: `look_up` gives the value of a name.
    pub fn of(mut look_up: impl FnMut(&str) -> Option<OsString>) -> Self {
        let mut environment = Self::default();
        let mut problems = vec![];
        let mut variable = |name: &str| {
            let value = look_up(name).filter(|value| !value.is_empty())?;
            let text = value.into_string();
            if text.is_err() {
                problems.push(format!("{name} is not UTF-8"))
            }
            text.ok()
        };
        let disabled = variable("OTEL_SDK_DISABLED");
        environment.service = variable("OTEL_SERVICE_NAME");
        let resource = variable("OTEL_RESOURCE_ATTRIBUTES");
        let (sampler, share) = (variable("OTEL_TRACES_SAMPLER"), variable("OTEL_TRACES_SAMPLER_ARG"));
        let propagators = variable("OTEL_PROPAGATORS");
        environment.problems = problems;
        environment.set_disabled(disabled);
        environment.set_resource(resource);
        environment.set_sampler(sampler, share);
        for other in propagators.iter().flat_map(|list| list.split(',')).map(str::trim) {
            if !["tracecontext", "baggage", ""].contains(&other) {
                environment.problem("OTEL_PROPAGATORS", "contexts are always sent as `tracecontext` and `baggage`")
            }
        }
        environment
    }

    fn problem(&mut self, variable: &str, what: &str) {
        let problem = format!("{variable} is ignored: {what}");
        if !self.problems.contains(&problem) {
            self.problems.push(problem)
        }
    }

    fn set_disabled(&mut self, value: Option<String>) {
        match value.as_deref().map(str::trim) {
            Some(yes) if yes.eq_ignore_ascii_case("true") => self.disabled = true,
            Some(no) if !no.eq_ignore_ascii_case("false") => {
                self.problem("OTEL_SDK_DISABLED", "it is neither `true` nor `false`")
            }
            _ => {}
        }
    }

    fn set_resource(&mut self, value: Option<String>) {
        let Some(value) = value else { return };
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=')?;
            let (key, value) = (percent_decoded(key.trim())?, percent_decoded(value.trim())?);
            (!key.is_empty()).then_some((key, value))
        };
        let pairs = value.split(',').filter(|pair| !pair.trim().is_empty()).map(pair).collect();
        match pairs {
            Some(pairs) => self.resource = pairs,
            None => self.problem("OTEL_RESOURCE_ATTRIBUTES", "it is not `key=value,…` with percent-encoded values"),
        }
    }

    fn set_sampler(&mut self, name: Option<String>, share: Option<String>) {
        let Some(name) = name else { return };
        let is_ratio = name.contains("traceidratio");
        let given = share.filter(|_| is_ratio).map(|share| share.trim().parse::<f64>().ok());
        let share = given.map(|share| share.filter(|share| (0.0..=1.0).contains(share)));
        if share == Some(None) {
            self.problem("OTEL_TRACES_SAMPLER_ARG", "it is not a number from 0 to 1")
        }
        let share = share.flatten().unwrap_or(1.0);
        self.sampler = match name.trim() {
            "always_on" => Some(Sampler::always()),
            "always_off" => Some(Sampler::never()),
            "traceidratio" => Some(Sampler::ratio(share)),
            "parentbased_always_on" => Some(Sampler::parent_based(1.0)),
            "parentbased_always_off" => Some(Sampler::parent_based(0.0)),
            "parentbased_traceidratio" => Some(Sampler::parent_based(share)),
            _ => None,
        };
        if self.sampler.is_none() {
            self.problem("OTEL_TRACES_SAMPLER", "there is no such sampler")
        }
    }

    /// Whether nothing is to be recorded.
    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// What was not understood: one line for each variable, which names it and does not quote its value.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Begins to set a recorder up. `service` is the service's name where the environment does not say it. What you set on the
    /// builder replaces what the environment says.
    pub fn builder(&self, service: impl Into<String>) -> RecorderBuilder {
        let named =
            self.resource.iter().rfind(|(key, name)| key == "service.name" && !name.is_empty()).map(|(_, name)| name);
        let service = self.service.as_ref().or(named).cloned().unwrap_or_else(|| service.into());
        let mut builder = Recorder::builder(service);
        for (key, value) in self.resource.iter().filter(|(key, _)| key != "service.name") {
            builder = builder.resource(key.clone(), value.as_str());
        }
        match &self.sampler {
            Some(sampler) => builder.sampler(sampler.clone()),
            None => builder,
        }
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
