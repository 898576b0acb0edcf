//! The services of a run.

use spanbridge_graph::Graph;
use std::collections::HashMap;

/// The services of a run, numbered in the order in which they appear.
pub(crate) struct Services<'g> {
    numbers: HashMap<&'g str, usize>,
    pub(crate) names: Vec<&'g str>,
}

impl<'g> Services<'g> {
    pub(crate) fn of(graph: &'g Graph) -> Self {
        let mut services = Self { numbers: HashMap::new(), names: Vec::new() };
        let worked = graph.spans.iter().map(|s| s.service.as_str());
        for service in worked.chain(graph.run.segments.iter().map(|s| s.service.as_str())) {
            services.numbers.entry(service).or_insert_with(|| {
                services.names.push(service);
                services.names.len() - 1
            });
        }
        services
    }

    pub(crate) fn number(&self, service: &str) -> usize {
        self.numbers.get(service).copied().unwrap_or(0)
    }
}
