//! The options of a server, with what they know of HTTP.

use http::request::Parts;
use spanbridge::messaging::MessageView;

/// The requests of HTTP, for [`ReceiveOptions`].
#[derive(Debug)]
pub enum Http {}

impl MessageView for Http {
    type View<'m> = &'m Parts;
}

/// [`ReceiveOptions`](spanbridge::messaging::ReceiveOptions) for HTTP: `relation_by` is shown the head of a request. If it
/// panics, the request is served all the same, and `relation` counts.
pub type ReceiveOptions = spanbridge::messaging::ReceiveOptions<Http>;
