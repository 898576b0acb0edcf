//! A reader of live events.
#![allow(dead_code, reason = "each test binary uses some of it")]

use crate::server::Running;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

/// A reader of events.
pub(crate) struct Events(BufReader<Box<dyn Read + Send>>);

pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Events {
    pub(crate) fn of(server: &Running, query: &str, last: Option<&str>) -> Self {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().proxy(None).timeout_recv_body(Some(Duration::from_secs(60))).build().into();
        let mut request = agent.get(format!("{}/api/v1/live{query}", server.url));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.call().unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(BufReader::new(Box::new(response.into_body().into_reader())))
    }

    pub(crate) fn next(&mut self) -> Event {
        let (mut id, mut name, mut data) = (String::new(), String::new(), None);
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("id", value)) => value.clone_into(&mut id),
                Some(("event", value)) => value.clone_into(&mut name),
                Some(("data", value)) => data = Some(serde_json::from_str(value).unwrap()),
                // Without data, it ends a comment.
                _ if line == "\n" => {
                    if let Some(data) = data.take() {
                        return Event { id, name, data };
                    }
                }
                _ => assert_eq!(line, ":\n"),
            }
        }
    }

    /// The ids of the runs of the next events, until there are so many.
    pub(crate) fn runs(&mut self, count: usize) -> (Vec<String>, Event) {
        let mut all = Vec::new();
        loop {
            let event = self.next();
            assert_eq!(event.name, "runs");
            all.extend(
                event.data["runs"].as_array().unwrap().iter().map(|row| row["runId"].as_str().unwrap().to_owned()),
            );
            if all.len() >= count {
                all.sort_unstable();
                return (all, event);
            }
        }
    }
}
