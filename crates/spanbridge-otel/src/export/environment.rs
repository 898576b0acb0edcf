//! What the environment says about export.

use super::http::Form;
use super::url::{Url, of_traces, parse, parse_header};
use crate::otlp::model::KeyValue;
use spanbridge::{Variables, semconv};
use std::time::Duration;

const DEFAULT_ENDPOINT: &str = "http://localhost:4318";

/// The attributes of the resource, with the name of the service.
pub(super) fn resource(variables: &mut Variables<'_>) -> Vec<KeyValue<'static>> {
    let listed = variables.pairs("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let listed = listed.into_iter().filter(|(key, value)| key != semconv::SERVICE_NAME || !value.is_empty());
    let name = variables.text("OTEL_SERVICE_NAME").map(|name| (semconv::SERVICE_NAME.to_owned(), name));
    listed.chain(name).map(|(key, value)| KeyValue::new(key, value)).collect()
}

/// The receiver, if there is to be one.
pub(super) fn receiver(variables: &mut Variables<'_>) -> Option<Url> {
    let is_disabled = variables.flag("OTEL_SDK_DISABLED");
    let is_chosen = is_chosen(variables);
    let mut url = Url::new(endpoint(variables));
    url.headers = headers(variables);
    url.gzip = of(variables, "COMPRESSION", |value| match value {
        "gzip" => Ok(true),
        "none" => Ok(false),
        _ => Err("there are `gzip` and `none`"),
    })
    .unwrap_or(url.gzip);
    url.form = of(variables, "PROTOCOL", |value| match value {
        "http/protobuf" => Ok(Form::Protobuf),
        "http/json" => Ok(Form::Json),
        _ => Err("there are `http/protobuf` and `http/json`"),
    })
    .unwrap_or_default();
    let timeout = of(variables, "TIMEOUT", |value| match value.parse() {
        Ok(0) | Err(_) => Err("it is not a number of milliseconds"),
        Ok(milliseconds) => Ok(Duration::from_millis(milliseconds)),
    });
    url.timeout = timeout.unwrap_or(url.timeout);
    certificates(variables, &mut url);
    (is_chosen && !is_disabled).then_some(url)
}

fn is_chosen(variables: &mut Variables<'_>) -> bool {
    const NAME: &str = "OTEL_TRACES_EXPORTER";
    let Some(list) = variables.text(NAME) else { return true };
    let names: Vec<_> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.iter().any(|name| !["otlp", "none"].contains(name)) {
        variables.problem(NAME, "there are `otlp` and `none`")
    }
    // Where nothing is understood, the default.
    names.contains(&"otlp") || !names.contains(&"none")
}

fn endpoint(variables: &mut Variables<'_>) -> String {
    let check = |url: &str| parse(url).map(|_| url.trim().to_owned()).map_err(|_| "it is not a URL that can be used");
    let exact = read(variables, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", check);
    let base = read(variables, "OTEL_EXPORTER_OTLP_ENDPOINT", check);
    let base = base.as_deref().unwrap_or(DEFAULT_ENDPOINT);
    exact.or_else(|| of_traces(base).ok()).unwrap_or_default()
}

fn headers(variables: &mut Variables<'_>) -> Vec<(String, String)> {
    let mut list = |name: &str| {
        let pairs = variables.pairs(name)?;
        if pairs.iter().any(|(name, value)| parse_header(name, value).is_err()) {
            variables.problem(name, "one of the headers cannot be sent");
            return None;
        }
        Some(pairs)
    };
    let (all, of_traces) = (list("OTEL_EXPORTER_OTLP_HEADERS"), list("OTEL_EXPORTER_OTLP_TRACES_HEADERS"));
    of_traces.or(all).unwrap_or_default()
}

#[cfg(feature = "tls")]
fn certificates(variables: &mut Variables<'_>, url: &mut Url) {
    let mut file = |what| of(variables, what, |path| std::fs::read(path).map_err(|_| "the file cannot be read"));
    let (roots, chain, key) = (file("CERTIFICATE"), file("CLIENT_CERTIFICATE"), file("CLIENT_KEY"));
    match (&chain, &key) {
        (Some(_), None) => variables.problem("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "there is no key for it"),
        (None, Some(_)) => variables.problem("OTEL_EXPORTER_OTLP_CLIENT_KEY", "there is no certificate for it"),
        _ => {}
    }
    let certificates = super::tls::Certificates { roots, own: chain.zip(key) };
    match certificates.config() {
        Ok(_) => url.tls = certificates,
        Err(_) => variables.problem("OTEL_EXPORTER_OTLP_CERTIFICATE", "the certificates or the key are not PEM"),
    }
}

#[cfg(not(feature = "tls"))]
fn certificates(variables: &mut Variables<'_>, _: &mut Url) {
    for what in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
        let _: Option<()> = of(variables, what, |_| Err("that needs the feature `tls`"));
    }
}

/// What the variable for traces says, else that for all signals. One that is not understood is as if it were not set.
fn of<T>(variables: &mut Variables<'_>, what: &str, check: impl Fn(&str) -> Result<T, &'static str>) -> Option<T> {
    let of_traces = read(variables, &format!("OTEL_EXPORTER_OTLP_TRACES_{what}"), &check);
    let of_all = read(variables, &format!("OTEL_EXPORTER_OTLP_{what}"), &check);
    of_traces.or(of_all)
}

fn read<T>(variables: &mut Variables<'_>, name: &str, check: impl Fn(&str) -> Result<T, &'static str>) -> Option<T> {
    let value = variables.text(name)?;
    check(value.trim()).map_err(|why| variables.problem(name, why)).ok()
}
