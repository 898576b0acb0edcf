//! The real SDK with a connector that catches its requests.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::{Response, StatusCode};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use spanbridge_lambda::Propagate;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// The common configuration of the SDKs' clients, whose types differ only in their paths.
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

/// The result of a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Answer(u16, String),
    /// The connection breaks.
    Broken,
    /// There is no response.
    Silence,
}

/// Responds to requests with these replies, repeating the last, and keeps the last request.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    pub(crate) last: Arc<Mutex<Option<HttpRequest>>>,
}

impl Service {
    pub(crate) fn new(status: u16, answer: impl ToString) -> Self {
        Service::that([Reply::Answer(status, answer.to_string())])
    }

    pub(crate) fn that(replies: impl IntoIterator<Item = Reply>) -> Self {
        Service { replies: Arc::new(Mutex::new(replies.into_iter().collect())), last: Arc::default() }
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
        let mut replies = self.replies.lock().unwrap();
        let reply = if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() };
        let (status, answer) = match reply.unwrap() {
            Reply::Answer(status, answer) => (status, answer),
            Reply::Broken => return HttpConnectorFuture::ready(Err(ConnectorError::io("connection reset".into()))),
            Reply::Silence => return HttpConnectorFuture::new(std::future::pending()),
        };
        let mut response = Response::new(StatusCode::try_from(status).unwrap(), SdkBody::from(answer));
        response.headers_mut().insert("x-amzn-requestid", "r-1");
        HttpConnectorFuture::ready(Ok(response))
    }
}
