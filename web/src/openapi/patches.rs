//! Bodies of `PATCH`: `null` is a value only of what can be taken back by it (RFC 7396), and the
//! document says so.

use super::operations::{operations, referred};
use http::Method;
use larder_api::NULLABLE;
use serde_json::Value;
use std::collections::BTreeSet;

const NULL: &str = "null";

/// Takes `null` from the values of all other fields. What stands in lists is whole, and no patch.
pub(super) fn refuse_nulls(document: &mut Value) {
    let mut names = BTreeSet::new();
    for (_, method, operation) in operations(document) {
        if method == Method::PATCH {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            collect(body, document, &mut names);
        }
    }
    for name in names {
        let fields = document.pointer_mut(&format!("/components/schemas/{name}/properties"));
        let fields = fields.and_then(Value::as_object_mut);
        for (name, field) in fields.into_iter().flatten() {
            if !NULLABLE.contains(&&**name) {
                refuse_null(field);
            }
        }
    }
}

/// The names of the objects that a patch is made of.
fn collect(schema: &Value, document: &Value, names: &mut BTreeSet<String>) {
    for part in schema["oneOf"].as_array().into_iter().flatten() {
        collect(part, document, names);
    }
    let Some(name) = referred(schema) else {
        return;
    };
    if names.insert(name.to_owned()) {
        let fields = &document["components"]["schemas"][name]["properties"];
        for (_, field) in fields.as_object().into_iter().flatten() {
            collect(field, document, names);
        }
    }
}

fn refuse_null(field: &mut Value) {
    let Some(field) = field.as_object_mut() else {
        return;
    };
    if let Some(Value::Array(kinds)) = field.get_mut("type") {
        kinds.retain(|kind| kind != NULL);
        if let [kind] = &kinds[..] {
            let kind = kind.clone();
            field.insert("type".to_owned(), kind);
        }
    }
    let Some(Value::Array(parts)) = field.get_mut("oneOf") else {
        return;
    };
    parts.retain(|part| part["type"] != NULL);
    if let [Value::Object(part)] = &parts[..] {
        let part = part.clone();
        field.remove("oneOf");
        for (name, value) in part {
            field.entry(name).or_insert(value);
        }
    }
}
