//! Prints the sample trees of the tests, all or the one called NAME. Set `COLOR` for colours.
//!
//! ```sh
//! cargo run -p spanbridge-cli --example gallery -- [WIDTH] [NAME]
//! ```

#[path = "../tests/tree/samples.rs"]
mod samples;

use spanbridge_cli::render::{self, Options};

fn main() {
    let mut args = std::env::args().skip(1);
    let width = args.next().and_then(|w| w.parse().ok()).unwrap_or(100);
    let only = args.next();
    let options = Options::default().width(width).color(std::env::var_os("COLOR").is_some());
    for (name, graph) in samples::all() {
        if only.as_ref().is_none_or(|only| only == name) {
            println!("{}", render::tree(&graph, &options));
        }
    }
}
