//! Replays of workers that report everything there is.

use crate::binary::{Outputs, json};
use crate::common::run;
use crate::replayed;
use crate::support::{Input, keep, order, reports};

pub(crate) fn all(out: &mut Outputs) {
    let store = keep(order(Input::Whole));
    let id = run(1).to_string();
    let mut answer = |args: &[&str]| out.push(("replay.json", json(store.path(), &[&["replay", &id], args].concat())));
    answer(&[]);
    let file = store.path().join("case.json");
    answer(&["--save", file.to_str().unwrap(), "--live", "http.client"]);
    for report in replayed::every() {
        let script = reports(store.path(), &report);
        let worker = store.path().join("worker");
        std::fs::write(&worker, script).unwrap();
        answer(&["--", "sh", worker.to_str().unwrap()]);
    }
    let store = keep(order(Input::Cut));
    out.push(("replay.json", json(store.path(), &["replay", &id])));
}
