//! The services of a run.

use spanbridge_graph::Graph;
use std::collections::HashMap;

/// The services of a run, numbered in the order in which they appear.
pub(crate) struct Services {
    numbers: HashMap<String, usize>,
    pub(crate) names: Vec<String>,
}

impl Services {
    pub(crate) fn of(graph: &Graph) -> Self {
        let mut services = Self { numbers: HashMap::new(), names: Vec::new() };
        let worked = graph.spans.iter().map(|s| s.service.as_str());
        let not_shown = graph.left_out.iter().flat_map(|left_out| &left_out.services).map(String::as_str);
        for service in worked.chain(graph.run.segments.iter().map(|s| s.service.as_str())).chain(not_shown) {
            if !services.numbers.contains_key(service) {
                services.numbers.insert(service.to_owned(), services.names.len());
                services.names.push(service.to_owned());
            }
        }
        services
    }

    pub(crate) fn number(&self, service: &str) -> usize {
        self.numbers.get(service).copied().unwrap_or(0)
    }
}
