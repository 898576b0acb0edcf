//! `state follow` on a real server: what is recorded, and that no crash loses or doubles any of it.

mod binary;
mod crashes;
mod rows;
mod slots;
mod support;
mod tls;
