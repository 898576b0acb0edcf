//! The native libraries that a package's dependencies link.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::capture;
use crate::throwaway::Throwaway;

/// Each native library that a dependency of a package links, with that dependency. For all platforms, unless the arguments
/// name one.
pub(super) fn native(package: &Throwaway, arguments: &[&str]) -> Result<Vec<String>> {
    let text = capture(&mut package.cargo(&[&["metadata", "--format-version", "1"], arguments].concat()))?;
    let metadata: Value = serde_json::from_str(&text).context("failed to read the output of cargo metadata")?;
    Ok(linked(&metadata))
}

/// The packages with `links` that the root needs to be built or to run.
fn linked(metadata: &Value) -> Vec<String> {
    let array = |value: &'_ Value| value.as_array().cloned().unwrap_or_default();
    let id = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut needed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for node in array(&metadata["resolve"]["nodes"]) {
        let on = array(&node["deps"]).into_iter().filter(|dependency| {
            // `null` is a normal dependency. `dev` dependencies are built only for the package's own tests.
            array(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"] != "dev")
        });
        needed.insert(id(&node["id"]), on.map(|dependency| id(&dependency["pkg"])).collect());
    }
    let mut open = vec![id(&metadata["resolve"]["root"])];
    let mut reached = BTreeSet::new();
    while let Some(package) = open.pop() {
        if reached.insert(package.clone()) {
            open.extend(needed.get(&package).into_iter().flatten().cloned());
        }
    }
    let packages = array(&metadata["packages"]);
    let linking = packages.iter().filter(|package| reached.contains(&id(&package["id"])));
    let mut found: Vec<String> = linking
        .filter_map(|package| {
            let library = package["links"].as_str()?;
            Some(format!("{library} ({} {})", id(&package["name"]), id(&package["version"])))
        })
        .collect();
    found.sort();
    found
}
