//! A request to the collector, in every form and compression, is refused, or has as many records or spans as were counted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge_cli::serve::check_request;

fuzz_target!(|bytes: &[u8]| check_request(bytes));
