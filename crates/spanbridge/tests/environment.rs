//! What the environment says about recording.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::{Body, Segment};
use spanbridge::{Environment, Memory, Variables, observe};
use std::ffi::OsString;
use support::*;

fn read(variables: &[(&str, &str)]) -> Environment {
    let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
    Environment::of(|name| find(name).map(|(_, value)| OsString::from(value)))
}

/// The service and the resource that a recorder by this environment tells, and how many of a thousand traces it records.
fn told(variables: &[(&str, &str)]) -> (String, Vec<(String, String)>, usize) {
    let memory = Memory::new();
    let environment = read(variables);
    assert_eq!(environment.problems(), [""; 0]);
    let recorder = environment.builder("given").sink(memory.clone()).on_flush_only().build().unwrap();
    recorder.in_scope(|| (0..1000).for_each(|_| observe::span("s").in_scope(|| ())));
    flush(&recorder);
    let records = memory.take();
    let resource = records.iter().find_map(|r| match &r.body {
        Body::Segment(Segment { resource, .. }) => Some(resource),
        _ => None,
    });
    let resource = resource.map(|all| all.iter().map(|(k, v)| (k.to_owned(), v.as_str().unwrap_or("?").to_owned())));
    let service = records.first().map(|r| r.service.to_string()).unwrap_or_default();
    (service, resource.map(Iterator::collect).unwrap_or_default(), spans(&records).len())
}

fn service(variables: &[(&str, &str)]) -> String {
    told(variables).0
}

#[test]
fn the_service_is_named_by_the_environment_first() {
    let (by_name, by_resource) = (("OTEL_SERVICE_NAME", "named"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=listed"));
    assert_eq!(service(&[]), "given");
    assert_eq!(service(&[("OTEL_SERVICE_NAME", "")]), "given");
    assert_eq!(service(&[by_resource]), "listed");
    assert_eq!(service(&[("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=")]), "given");
    assert_eq!(service(&[by_resource, by_name]), "named");
}

#[test]
fn resource_attributes_are_percent_decoded() {
    let (_, resource, _) =
        told(&[("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod, team=caf%C3%A9%2C x ,")]);
    let of = |key: &str| resource.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    assert_eq!([of("deployment.environment.name"), of("team")], [Some("prod"), Some("café, x")]);
    assert_eq!(of("service.name"), Some("given"));
}

#[test]
fn samplers_by_their_names() {
    let recorded = |name, share| told(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", share)]).2;
    for (name, share, least, most) in [
        ("always_on", "", 1000, 1000),
        ("always_on", "0", 1000, 1000),
        ("always_off", "", 0, 0),
        ("traceidratio", "", 1000, 1000),
        ("traceidratio", "0.5", 350, 650),
        ("traceidratio", " 0 ", 0, 0),
        ("parentbased_always_on", "", 1000, 1000),
        ("parentbased_always_off", "", 0, 0),
        ("parentbased_traceidratio", "0.5", 350, 650),
    ] {
        let n = recorded(name, share);
        assert!((least..=most).contains(&n), "{name} {share}: {n}");
    }
}

#[test]
fn only_true_disables() {
    let disabled = |value| {
        (read(&[("OTEL_SDK_DISABLED", value)]).is_disabled(), read(&[("OTEL_SDK_DISABLED", value)]).problems().len())
    };
    assert_eq!(
        ["true", "TRUE", "false", "", "1", "yes"].map(disabled),
        [(true, 0), (true, 0), (false, 0), (false, 0), (false, 1), (false, 1)]
    );
}

/// It says which variable, never what is in it.
#[test]
fn what_is_not_understood_is_named_once() {
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "secret"),
        ("OTEL_TRACES_SAMPLER", "secret"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,secret"),
        ("OTEL_RESOURCE_ATTRIBUTES", "secret=%zz"),
        ("OTEL_RESOURCE_ATTRIBUTES", "secret=%ff"),
        ("OTEL_RESOURCE_ATTRIBUTES", "secret=%f"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=secret"),
        ("OTEL_PROPAGATORS", "b3,secret,tracecontext"),
    ] {
        let environment = read(&[(name, value)]);
        let problems = environment.problems();
        assert_eq!(problems.len(), 1, "{name}: {problems:?}");
        assert!(problems[0].starts_with(name) && !problems[0].contains("secret"), "{problems:?}");
        // All of a list is discarded by one error in it, and a recorder can be set up all the same.
        drop(environment.builder("given").sink(Memory::new()).build().unwrap());
    }
    for share in ["secret", "2", "-1", "NaN", "inf"] {
        let environment = read(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", share)]);
        assert_eq!(environment.problems().len(), 1, "{share}");
    }
    assert_eq!(read(&[("OTEL_PROPAGATORS", "tracecontext, baggage")]).problems(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_value_that_is_no_text_is_ignored() {
    use std::os::unix::ffi::OsStringExt;
    let environment = Environment::of(|_| Some(OsString::from_vec(vec![0xff, b'x'])));
    assert_eq!(environment.problems().len(), 6);
    assert!(!environment.is_disabled());
    drop(environment.builder("given").sink(Memory::new()).build().unwrap());
}

/// For sinks that read variables of their own.
#[test]
fn a_sink_reads_variables_by_the_same_rules() {
    let given = [("A_FLAG", "True"), ("A_NUMBER", " 7 "), ("NO_NUMBER", "-7"), ("PAIRS", "a=b%20c, d="), ("EMPTY", "")];
    let find = |name: &str| given.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
    let mut variables = Variables::of(find);
    assert!(variables.flag("A_FLAG") && !variables.flag("EMPTY") && !variables.flag("MISSING"));
    assert_eq!([variables.number("A_NUMBER"), variables.number("EMPTY")], [Some(7), None]);
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert_eq!(variables.pairs("PAIRS"), Some(vec![pair("a", "b c"), pair("d", "")]));
    assert_eq!(variables.problems(), [""; 0]);
    assert_eq!([variables.number("NO_NUMBER"), variables.number("NO_NUMBER")], [None, None]);
    assert_eq!(variables.into_problems(), ["NO_NUMBER is ignored: it is not a whole number"]);
}

#[test]
fn what_the_environment_says_can_be_asked() {
    let listed = "service.name=listed,a=1,team=b";
    let environment = read(&[("OTEL_RESOURCE_ATTRIBUTES", listed)]);
    assert_eq!(environment.service_name(), Some("listed"));
    assert_eq!(environment.resource().collect::<Vec<_>>(), [("a", "1"), ("team", "b")]);
    assert_eq!(read(&[("OTEL_RESOURCE_ATTRIBUTES", listed), ("OTEL_SERVICE_NAME", "n")]).service_name(), Some("n"));
    assert_eq!(read(&[]).service_name(), None);
}
