//! What the environment says about recording: OpenTelemetry's variables, as far as they mean the same here.

use super::builder::RecorderBuilder;
use super::handle::Recorder;
use super::variables::Variables;
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
    pub fn of(look_up: impl FnMut(&str) -> Option<OsString>) -> Self {
        let mut variables = Variables::of(look_up);
        let environment = Self {
            disabled: variables.flag("OTEL_SDK_DISABLED"),
            service: variables.text("OTEL_SERVICE_NAME"),
            resource: variables.pairs("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default(),
            sampler: sampler(&mut variables),
            problems: vec![],
        };
        let propagators = variables.text("OTEL_PROPAGATORS");
        for other in propagators.iter().flat_map(|list| list.split(',')).map(str::trim) {
            if !["tracecontext", "baggage", ""].contains(&other) {
                variables.problem("OTEL_PROPAGATORS", "contexts are always sent as `tracecontext` and `baggage`")
            }
        }
        Self { problems: variables.into_problems(), ..environment }
    }

    /// Whether nothing is to be recorded.
    pub fn is_disabled(&self) -> bool {
        self.disabled
    }

    /// The name of the service, if the environment says it.
    pub fn service_name(&self) -> Option<&str> {
        let listed = self.resource.iter().rfind(|(key, name)| key == "service.name" && !name.is_empty());
        self.service.as_deref().or(listed.map(|(_, name)| name.as_str()))
    }

    /// The attributes of the resource, in the order in which they are listed, without the name of the service.
    pub fn resource(&self) -> impl Iterator<Item = (&str, &str)> {
        let others = self.resource.iter().filter(|(key, _)| key != "service.name");
        others.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// What was not understood: one line for each variable, which names it and does not quote its value.
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Begins to set a recorder up. `service` is the service's name where the environment does not say it. What you set on the
    /// builder replaces what the environment says.
    pub fn builder(&self, service: impl Into<String>) -> RecorderBuilder {
        let mut builder = Recorder::builder(self.service_name().map_or_else(|| service.into(), str::to_owned));
        for (key, value) in self.resource() {
            builder = builder.resource(key.to_owned(), value);
        }
        match &self.sampler {
            Some(sampler) => builder.sampler(sampler.clone()),
            None => builder,
        }
    }
}

fn sampler(variables: &mut Variables<'_>) -> Option<Sampler> {
    let (name, share) = (variables.text("OTEL_TRACES_SAMPLER"), variables.text("OTEL_TRACES_SAMPLER_ARG"));
    let name = name?;
    let is_ratio = name.contains("traceidratio");
    let given = share.filter(|_| is_ratio).map(|share| share.trim().parse::<f64>().ok());
    let share = given.map(|share| share.filter(|share| (0.0..=1.0).contains(share)));
    if share == Some(None) {
        variables.problem("OTEL_TRACES_SAMPLER_ARG", "it is not a number from 0 to 1")
    }
    let share = share.flatten().unwrap_or(1.0);
    let sampler = match name.trim() {
        "always_on" => Some(Sampler::always()),
        "always_off" => Some(Sampler::never()),
        "traceidratio" => Some(Sampler::ratio(share)),
        "parentbased_always_on" => Some(Sampler::parent_based(1.0)),
        "parentbased_always_off" => Some(Sampler::parent_based(0.0)),
        "parentbased_traceidratio" => Some(Sampler::parent_based(share)),
        _ => None,
    };
    if sampler.is_none() {
        variables.problem("OTEL_TRACES_SAMPLER", "there is no such sampler")
    }
    sampler
}
