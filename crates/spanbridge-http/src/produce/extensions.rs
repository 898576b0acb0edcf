//! What a request says about itself, in its [`Extensions`].

use http::Extensions;
use std::borrow::Cow;

/// What stands for all URLs of a kind, so that spans have few names: it becomes the attribute `url.template`, and the span is
/// called `{method} {template}`.
///
/// ```no_run
/// use spanbridge_http::{ClientExt, UrlTemplate};
///
/// # async fn f(id: u32) -> reqwest_middleware::Result<()> {
/// let client = reqwest::Client::new().observed();
/// let url = format!("https://shop.example.com/orders/{id}");
/// client.get(url).with_extension(UrlTemplate::new("/orders/{id}")).send().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlTemplate(Cow<'static, str>);

impl UrlTemplate {
    /// As the API documents it: `/orders/{id}`. It must not have values that differ from request to request.
    pub fn new(template: impl Into<Cow<'static, str>>) -> Self {
        UrlTemplate(template.into())
    }

    /// The template.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How many times a request was sent before: the attribute `http.request.resend_count`, which is absent at zero.
///
/// A retry middleware outside of [`ClientMiddleware`](crate::ClientMiddleware) uses the same extensions for all attempts, and the
/// middleware counts there: you need nothing. In a loop of your own each `send` has new extensions, so say the count:
///
/// ```no_run
/// use spanbridge_http::{ClientExt, ResendCount};
///
/// # async fn f() -> reqwest_middleware::Result<()> {
/// let client = reqwest::Client::new().observed();
/// for attempt in 0..3 {
///     let request = client.get("https://shop.example.com/orders").with_extension(ResendCount::new(attempt));
///     if request.send().await?.status().is_success() {
///         break;
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResendCount(u32);

impl ResendCount {
    /// So many times before: 0 for the first attempt.
    pub const fn new(resends: u32) -> Self {
        ResendCount(resends)
    }

    /// The count.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// The extensions of an attempt. When it is over, however it ends, they have the count of the next one. (Not earlier: the same
/// middleware may be inside and outside of a retry, and both count from zero.)
pub(super) struct Counting<'e> {
    pub(super) extensions: &'e mut Extensions,
    next: ResendCount,
}

impl<'e> Counting<'e> {
    pub(super) fn new(extensions: &'e mut Extensions) -> Self {
        let next = ResendCount(resends(extensions).saturating_add(1));
        Counting { extensions, next }
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.extensions.insert(self.next);
    }
}

/// How many times the request was sent before.
pub(super) fn resends(extensions: &Extensions) -> u32 {
    extensions.get().copied().map_or(0, ResendCount::get)
}
