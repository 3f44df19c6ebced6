//! What stands in the document, found by those who use it.

use crate::right::Right;
use http::Method;
use serde_json::Value;

/// Where schemas are.
pub(super) const SCHEMAS: &str = "#/components/schemas/";
/// The media type of bodies that are files.
pub(super) const FILE: &str = "application/octet-stream";

/// All operations of a document: path, method, what is said of it.
pub(crate) fn operations(document: &Value) -> Vec<(&String, Method, &Value)> {
    let items = document["paths"].as_object().into_iter().flatten();
    items
        .flat_map(|(path, item)| {
            let operations = item.as_object().into_iter().flatten();
            operations.filter_map(move |(name, operation)| {
                let method = Method::from_bytes(name.to_uppercase().as_bytes()).ok()?;
                Some((path, method, operation))
            })
        })
        .collect()
}

/// The right that an operation needs. The tests see to it that each names one.
pub(crate) fn right(operation: &Value) -> Right {
    serde_json::from_value(operation["x-right"].clone()).unwrap_or(Right::Superuser)
}

/// The names of an operation's parameters in the path or in the query.
pub(super) fn parameters(operation: &Value, place: &str) -> Vec<String> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    all.filter(|parameter| parameter["in"] == place)
        .filter_map(|parameter| parameter["name"].as_str().map(str::to_owned))
        .collect()
}

/// The name of the schema that is referred to.
pub(super) fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix(SCHEMAS)
}
