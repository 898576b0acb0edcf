//! The real SDK, whose requests are caught.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use spanbridge_lambda::Propagate;
use std::sync::{Arc, Mutex};

/// What the configuration of a client of any of the SDKs begins with: the types differ in name only.
macro_rules! config {
    ($sdk:ident, $service:expr) => {{
        use $sdk::config::{BehaviorVersion, Builder, Credentials, Region, retry::RetryConfig};
        Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url("http://localhost")
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("a", "b", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client($service.clone())
    }};
}

/// Answers every request alike, and keeps the last.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    answer: (u16, String),
    pub(crate) last: Arc<Mutex<Option<HttpRequest>>>,
}

impl Service {
    pub(crate) fn new(status: u16, answer: impl ToString) -> Self {
        Service { answer: (status, answer.to_string()), last: Arc::default() }
    }

    pub(crate) fn body(&self) -> String {
        let last = self.last.lock().unwrap();
        String::from_utf8(last.as_ref().unwrap().body().bytes().unwrap().to_vec()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body()).unwrap()
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::from_conf(config!(aws_sdk_sqs, self).build())
    }

    pub(crate) fn sns(&self) -> aws_sdk_sns::Client {
        let config = config!(aws_sdk_sns, self).interceptor(Propagate::new());
        aws_sdk_sns::Client::from_conf(config.build())
    }
}

impl HttpClient for Service {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Service {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        *self.last.lock().unwrap() = Some(request);
        let (status, answer) = self.answer.clone();
        let mut response = Response::new(StatusCode::try_from(status).unwrap(), SdkBody::from(answer));
        response.headers_mut().insert("x-amzn-requestid", "r-1");
        HttpConnectorFuture::ready(Ok(response))
    }
}
