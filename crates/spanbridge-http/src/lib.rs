//! spanbridge for HTTP: a tower layer for servers (axum, hyper, tonic) and a reqwest middleware for clients.

#[cfg_attr(not(test), expect(dead_code, reason = "whoever describes spans uses it"))]
mod describe;
