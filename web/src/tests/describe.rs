//! Holds answers to the OpenAPI document: their status, media type, headers, codes and fields.

use super::Answer;
use crate::extract::path::canonical;
use crate::openapi::operations;
use crate::router::DOCUMENT;
use http::Method;
use serde_json::Value;
use std::sync::LazyLock;

/// The document as a client reads it.
pub(super) static JSON: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(&DOCUMENT.json).expect("JSON"));

/// Whether a path fits a template.
fn fits(template: &str, path: &str) -> bool {
    let pairs = || template.split('/').zip(path.split('/'));
    template.split('/').count() == path.split('/').count()
        && pairs().all(|(wanted, segment)| wanted.starts_with('{') || wanted == segment)
}

/// The call that a request is; `None` if it is none.
pub(super) fn operation(method: &str, target: &str) -> Option<&'static Value> {
    let path = canonical(target.split('?').next().unwrap_or_default()).ok()?;
    let path = path
        .strip_suffix("v1/")
        .map_or(path.clone(), |root| format!("{root}v1"));
    let method = if method == "HEAD" { "GET" } else { method };
    let method = Method::from_bytes(method.as_bytes()).expect("method");
    let mut all = operations(&JSON).into_iter();
    let found = all.find(|(template, known, _)| *known == method && fits(template, &path));
    found.map(|(_, _, operation)| operation)
}

/// What a reference refers to.
pub(super) fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(at) => JSON.pointer(at.trim_start_matches('#')).expect("reference"),
        None => value,
    }
}

/// Whether what is of a kind is of a type: whole numbers are numbers too.
fn is_a(kind: &str, name: &str) -> bool {
    name == kind || (name == "number" && kind == "integer")
}

/// Fails unless the document tells of this answer.
pub(super) fn check(method: &str, target: &str, answer: &Answer) {
    let known = operation(method, target).filter(|_| answer.code() != "path_not_found");
    let Some(operation) = known else {
        assert!(
            matches!(answer.status, 400 | 401 | 404 | 405),
            "{method} {target}: {}",
            answer.status
        );
        return;
    };
    let told = format!(
        "{method} {target}: {} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    let described = resolved(&operation["responses"][answer.status.to_string()]);
    assert!(described.is_object(), "{told} is not described");
    for (name, header) in described["headers"].as_object().into_iter().flatten() {
        assert!(
            header["required"] != true || answer.headers.contains_key(name),
            "{told} lacks {name}"
        );
    }
    let Some(content) = described["content"]
        .as_object()
        .filter(|_| method != "HEAD")
    else {
        assert!(answer.body.is_empty(), "{told} has a body");
        return;
    };
    let media_type = answer
        .header("content-type")
        .split(';')
        .next()
        .unwrap_or_default();
    let content = content.get(media_type);
    let content = content.unwrap_or_else(|| panic!("{told} has the media type {media_type}"));
    if media_type.ends_with("json") {
        let valid = validate(&answer.json(), &content["schema"]);
        valid.unwrap_or_else(|wrong| panic!("{told}: {wrong}"));
    }
}

/// Whether a value is as its schema says, as far as our schemas go.
fn validate(value: &Value, schema: &'static Value) -> Result<(), String> {
    let schema = resolved(schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        validate(value, part)?;
    }
    if let Some(parts) = schema["oneOf"].as_array() {
        let fitting = parts.iter().filter(|part| validate(value, part).is_ok());
        if fitting.count() != 1 {
            return Err(format!("{value} is not one of {parts:?}"));
        }
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = match &schema["type"] {
        Value::Null => true,
        Value::String(name) => is_a(kind, name),
        names => names.as_array().is_some_and(|names| {
            names
                .iter()
                .any(|name| name.as_str().is_some_and(|name| is_a(kind, name)))
        }),
    };
    if !fits {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|words| !words.contains(value))
    {
        return Err(format!("{value} is none of {}", schema["enum"]));
    }
    for item in value.as_array().into_iter().flatten() {
        validate(item, &schema["items"])?;
    }
    validate_fields(value, schema)
}

fn validate_fields(value: &Value, schema: &'static Value) -> Result<(), String> {
    let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object()) else {
        return Ok(());
    };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !fields.contains_key(name.as_str().unwrap_or_default()) {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, field) in fields {
        match known.get(name) {
            Some(schema) => validate(field, schema).map_err(|wrong| format!("{name}: {wrong}"))?,
            None if schema["required"].is_null() => {} // a part of several that fit together
            None => return Err(format!("{name} is not described")),
        }
    }
    Ok(())
}
