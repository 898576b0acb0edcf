//! The published schemas, and a strict form of them that only tests use.

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

/// The schemas, by the name of their file.
#[derive(Clone)]
pub(crate) struct Published(pub(crate) BTreeMap<String, Value>);

impl Published {
    pub(crate) fn read() -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let schemas = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        Self(
            schemas
                .map(|path| (name(&path), serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap()))
                .collect(),
        )
    }

    /// The same schemas, without room for properties that they do not name.
    pub(crate) fn strict(mut self) -> Self {
        self.0.values_mut().for_each(close);
        self
    }

    pub(crate) fn validator(&self) -> Validator<'_> {
        Validator { published: self, compiled: RefCell::default() }
    }
}

/// These apply to the same value as the schema that has them.
pub(crate) const IN_PLACE: [&str; 4] = ["allOf", "oneOf", "anyOf", "then"];

/// Closes a schema that applies to a value of its own. Those that apply to the same value are closed by this one: in 2020-12,
/// `unevaluatedProperties` looks through them.
fn close(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    object.insert("unevaluatedProperties".into(), false.into());
    close_below(schema);
}

fn close_below(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else { return };
    for (keyword, value) in object {
        match (keyword.as_str(), value) {
            ("properties", Value::Object(named)) => named.values_mut().for_each(close),
            ("$defs", Value::Object(named)) => named.values_mut().for_each(close_below),
            ("items", value) => close(value),
            (keyword, Value::Array(all)) if IN_PLACE.contains(&keyword) => all.iter_mut().for_each(close_below),
            (keyword, value) if IN_PLACE.contains(&keyword) => close_below(value),
            _ => {}
        }
    }
}

/// Validates answers. A schema is compiled when it is first used.
pub(crate) struct Validator<'a> {
    published: &'a Published,
    compiled: RefCell<BTreeMap<String, (Schemas, SchemaIndex)>>,
}

impl Validator<'_> {
    /// Validates a value with the schema in this file. The error says where the value is wrong, and which rule says so.
    pub(crate) fn check(&self, file: &str, value: &Value) -> Result<(), String> {
        let mut compiled = self.compiled.borrow_mut();
        let (schemas, index) = compiled.entry(file.to_owned()).or_insert_with(|| self.compile(file));
        schemas.validate(value, *index).map_err(|e| format!("{file}: {e:#}"))
    }

    fn compile(&self, file: &str) -> (Schemas, SchemaIndex) {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.enable_format_assertions();
        for schema in self.published.0.values() {
            compiler.add_resource(schema["$id"].as_str().unwrap(), schema.clone()).unwrap();
        }
        let url = self.published.0[file]["$id"].as_str().unwrap();
        let index = compiler.compile(url, &mut schemas).unwrap_or_else(|e| panic!("{file}: {e:#}"));
        (schemas, index)
    }
}

/// Closing must not close too little, or the tests would pass whatever the schemas leave out.
#[test]
fn strict_schemas_refuse_unknown_properties() {
    let strict = Published::read().strict();
    let answer = json!({ "schemaVersion": 1, "runs": [{
        "runId": "4bf92f3577b34da6a3ce929d0e0e4736", "name": "a", "status": "ok", "services": [], "spans": 1, "errors": 0,
        "startedAt": "2026-11-20T09:25:46.000000000Z",
    }], "more": false });
    let validator = strict.validator();
    validator.check("runs.json", &answer).unwrap();
    for place in ["", "/runs/0"] {
        let mut more = answer.clone();
        more.pointer_mut(place).unwrap()["more than is known"] = 1.into();
        assert!(validator.check("runs.json", &more).is_err(), "{place}");
        assert!(Published::read().validator().check("runs.json", &more).is_ok(), "{place}");
    }
}
