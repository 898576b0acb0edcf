//! The services in Python. Their packages are in virtual environments.

use crate::python::Environment;

/// What all programs need. Its exporter of OTLP writes protobuf.
pub(super) const PYTHON: Environment = Environment {
    variable: "SPANBRIDGE_INTEROP_PYTHON",
    requirements: "tests/interop/requirements.txt",
    only_these: false,
    name: "interop-python",
    modules: "pika, confluent_kafka, opentelemetry.instrumentation.pika, \
              opentelemetry.instrumentation.confluent_kafka, awslambdaric, boto3, moto.server, aiohttp, flask, rotel, \
              opentelemetry.exporter.otlp.proto.http",
};

/// The exporter that writes JSON, which cannot be installed beside the other one.
pub(super) const JSON: Environment = Environment {
    variable: "SPANBRIDGE_INTEROP_PYTHON_JSON",
    requirements: "tests/interop/requirements-json.txt",
    only_these: false,
    name: "interop-python-json",
    modules: "flask, requests, opentelemetry.exporter.otlp.json.http",
};
