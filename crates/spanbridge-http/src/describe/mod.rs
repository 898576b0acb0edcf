//! What spans of HTTP are called, and which attributes they have.

pub(crate) mod method;
pub(crate) mod url;
