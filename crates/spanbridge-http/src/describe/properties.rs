//! What comes beside the body of a request or a response, in the shapes of `docs/conventions.md`.

use super::secret_headers::each_header;
use http::{HeaderMap, Version};
use spanbridge::adapter::Properties;
use spanbridge::messaging::PartKind;

/// What is needed beside the body to make the same request again.
#[cfg(feature = "server")]
pub(crate) fn request_properties(request: &http::request::Parts, to: &mut Properties<'_>) {
    to.member("transport").fixed("http");
    to.member("method").fixed(request.method.as_str());
    let target = target(&request.uri, to);
    to.member("target").put_text(&target);
    version_and_headers(request.version, &request.headers, to)
}

/// The target as the handler sees it, without the secrets that are known. The hook sees the path and the query.
#[cfg(feature = "server")]
fn target(uri: &http::Uri, to: &mut Properties<'_>) -> Vec<u8> {
    let mut target = vec![];
    if let Some(scheme) = uri.scheme_str() {
        target.extend_from_slice(scheme.as_bytes());
        target.extend_from_slice(b"://")
    }
    if let Some(authority) = uri.authority() {
        let authority = authority.as_str();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        target.extend_from_slice(host.as_bytes())
    }
    target.extend_from_slice(&to.shown(PartKind::Url, uri.path().as_bytes()));
    if let Some(query) = uri.query() {
        target.push(b'?');
        target.extend_from_slice(&to.shown(PartKind::Query, super::url::query(query).as_bytes()))
    }
    target
}

/// What came beside the body of a response. Its status is an attribute of the span.
#[cfg(feature = "reqwest")]
pub(crate) fn response_properties(version: Version, headers: &HeaderMap, to: &mut Properties<'_>) {
    version_and_headers(version, headers, to)
}

fn version_and_headers(version: Version, headers: &HeaderMap, to: &mut Properties<'_>) {
    to.member("version").fixed(&format!("{version:?}"));
    to.member("headers").array(|to| {
        each_header(headers, &mut |name, value| {
            to.element().array(|pair| {
                pair.element().fixed(name);
                pair.element().text(PartKind::Header(name), value)
            })
        })
    })
}
