//! Whatever is recorded, what is written of it has the published form.

use crate::published::Published;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use spanbridge::record::Record;
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::{CriticalPath, Graph, run_of};
use std::collections::BTreeMap;

thread_local! {
    static STRICT: &'static Published = Box::leak(Box::new(Published::read().strict()));
    static OPEN: &'static Published = Box::leak(Box::new(Published::read()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// The graphs of any records.
    #[test]
    fn any_graph_has_the_published_form(records in vec(record(), 0..40)) {
        let strict = STRICT.with(|strict| strict.validator());
        let mut runs: BTreeMap<_, Vec<Record<'static>>> = BTreeMap::new();
        for record in records {
            if let Some(run) = run_of(&record) {
                runs.entry(run).or_default().push(record);
            }
        }
        for (run, records) in runs {
            let mut graph = Graph::build(run, &records);
            graph.critical_path = Some(CriticalPath::of(&graph));
            prop_assert_eq!(strict.check("graph.json", &graph.to_json()), Ok(()));
        }
    }

    /// A record is valid exactly if it can be read: a few of any are not, such as a run that ended by a panic.
    #[test]
    fn a_record_is_valid_if_it_can_be_read(records in vec(record(), 1..20)) {
        let strict = STRICT.with(|strict| strict.validator());
        for record in records {
            let line = record.to_json();
            let valid = strict.check("record.json", &serde_json::from_str(&line).unwrap());
            let read = Record::from_json(&line);
            prop_assert_eq!(valid.is_ok(), matches!(read, Ok(Some(_))), "{}\n{:?}\n{:?}", line, valid, read);
        }
    }

    /// What the schema of records allows can be imported: here with members of other records, and without some.
    #[test]
    fn what_is_valid_can_be_read(a in record(), b in record(), change in any::<u64>()) {
        let open = OPEN.with(|open| open.validator());
        let mut altered: Value = serde_json::from_str(&a.to_json()).unwrap();
        let others: Value = serde_json::from_str(&b.to_json()).unwrap();
        for (n, (name, value)) in others.as_object().unwrap().iter().enumerate() {
            if change >> (n % 32) & 1 == 1 {
                altered[name] = value.clone();
            }
        }
        let names: Vec<String> = altered.as_object().unwrap().keys().cloned().collect();
        for (n, name) in names.iter().enumerate() {
            if change >> (32 + n % 32) & 7 == 7 {
                altered.as_object_mut().unwrap().remove(name);
            }
        }
        let (valid, line) = (open.check("record.json", &altered), altered.to_string());
        let read = Record::from_json(&line);
        prop_assert!(valid.is_err() || matches!(read, Ok(Some(_))), "{}\n{:?}", line, read);
    }
}
