//! The script that starts and kills the nodes.

/// The script without its variables.
pub(super) const SCRIPT: &str = include_str!("control.sh");

/// Its variables. `command` is the command line of a node, for a shell, with the node's number as `$1`; `port` that of the first
/// node, for HTTP, and `step` from one node's to the next.
pub(super) fn assignments(command: &str, nodes: u16, port: u16, step: u16) -> String {
    let nodes: Vec<_> = (1..=nodes).map(|node| node.to_string()).collect();
    let serve = format!("serve() {{ launch \"$dir/node$1.group\" \"$dir/node$1.log\" {command}; }}");
    format!("{serve}\nnodes='{}'\nport={port}\nstep={step}\n", nodes.join(" "))
}
