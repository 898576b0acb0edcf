//! spanbridge for HTTP: a tower layer for servers (axum, hyper, tonic) and a reqwest middleware for clients.

mod describe;
