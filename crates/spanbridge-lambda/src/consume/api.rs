//! Requests to Lambda's Runtime API.

use http::{Method, Request};
use lambda_runtime::Error;
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::build_request;

/// Responds with the next event.
pub(super) const NEXT: &str = "/2018-06-01/runtime/invocation/next";
/// With SnapStart, responds when the process was restored from its snapshot.
pub(super) const RESTORE_NEXT: &str = "/2018-06-01/runtime/restore/next";
/// Reports that the process could not be set up.
pub(super) const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";

pub(super) fn get(path: &'static str) -> Result<Request<Body>, Error> {
    request(Method::GET, path, Body::empty())
}

pub(super) fn post(path: &'static str, body: Vec<u8>) -> Result<Request<Body>, Error> {
    request(Method::POST, path, Body::from(body))
}

fn request(method: Method, path: &'static str, body: Body) -> Result<Request<Body>, Error> {
    Ok(build_request().method(method).uri(path).body(body)?)
}
