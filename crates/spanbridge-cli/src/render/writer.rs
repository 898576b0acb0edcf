//! Who changed a row, in words.

use super::text::{escape, named};
use spanbridge::RunId;

/// The run, its name, and the name of the span if it is recorded.
pub(crate) type RunOf<'w> = (RunId, &'w str, Option<&'w str>);

/// `UPDATE orders in pay order 4bf92f35, billing`, or `unknown writer, recorded by billing`.
pub(crate) fn writer(of: Option<RunOf<'_>>, service: &str) -> String {
    let service = escape(service);
    let Some((run_id, run_name, span_name)) = of else {
        return if service.is_empty() {
            "unknown writer".to_owned()
        } else {
            format!("unknown writer, recorded by {service}")
        };
    };
    let run = if run_name.is_empty() { format!("run {run_id:.8}") } else { format!("{} {run_id:.8}", named(run_name)) };
    let span = span_name.filter(|name| *name != run_name).map_or(String::new(), |name| format!("{} in ", named(name)));
    let service = if service.is_empty() { String::new() } else { format!(", {service}") };
    format!("{span}{run}{service}")
}
