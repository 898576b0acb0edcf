//! What is sent to the server: records of ours (`POST /api/v1/records`), and spans of anybody's as OTLP (`POST /v1/traces`).
//!
//! A request is read within a time (`body`), uncompressed and looked at on a thread that may block (`decode`), and waits for the one
//! thread that writes into the store (`writer`). That one takes all that wait together, decodes them and stores them with one
//! import (`batch`): many small requests cost one look at the store, one lock and one sync of a file. A client gets its answer when
//! what it sent is safe.
//!
//! What is held of all requests together is bounded (`budget`). Beyond that, and while too many wait, clients are told to come again.
//! Whatever comes again changes nothing: the store knows each record by its content.

mod answer;
mod batch;
mod body;
mod budget;
pub(super) mod check;
mod counts;
mod decode;
mod form;
pub(super) mod handler;
pub(super) mod intake;
mod limits;
mod mistaken;
mod outcome;
mod records;
mod refused;
mod traces;
mod writer;
