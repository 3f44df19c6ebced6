//! What every call has in common, added to the document: its right, its security, all problems by
//! their status.

use super::conditional;
use super::operations::{FILE, SCHEMAS, operations, parameters, referred, right};
use super::patches::refuse_nulls;
use crate::problem::{MEDIA_TYPE, status};
use crate::right::Right;
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Answers that are the same in many calls: a name, and the only code of their status.
const COMMON: [(&str, &str, &str); 10] = [
    (
        "Unauthenticated",
        "unauthenticated",
        "Credentials are needed, or those that were shown do not hold.",
    ),
    ("Denied", "not_allowed", "The caller may not."),
    ("Timeout", "timeout", "The body took too long."),
    ("TooLarge", "too_large", "The body is too large."),
    (
        "TooManyRequests",
        "too_many_requests",
        "The caller sends too many requests, or too many failed logins came for its name: try again \
         after `Retry-After`.",
    ),
    (
        "HeaderTooLarge",
        "header_too_large",
        "The head is too large.",
    ),
    ("Internal", "internal", "The server failed."),
    (
        "Busy",
        "busy",
        "The server has too much to do, or its database fails: try again later.",
    ),
    (
        "PreconditionFailed",
        "precondition_failed",
        "It is not in a state that `If-Match` names; nothing was changed.",
    ),
    (
        "StorageFull",
        "storage_full",
        "There is no room left; nothing was changed.",
    ),
];

/// Adds what every call has in common: its right, its security, and all problems by their status.
/// `tagged` are the paths with an entity tag.
pub(super) fn complete(document: &mut Value, tagged: &BTreeSet<String>) {
    let mut codes = Vec::new();
    for (path, method, operation) in operations(document) {
        let mut own = codes_of(&method, operation, document);
        if tagged.contains(path) {
            own.extend(conditional::codes(&method).iter().map(ToString::to_string));
        }
        codes.push((path.clone(), method.clone(), own));
    }
    for (path, method, codes) in codes {
        let operation = &mut document["paths"][&path][method.as_str().to_lowercase()];
        let right = right(operation);
        let text = operation["description"].as_str().unwrap_or_default();
        operation["description"] = format!("{text}\n\n{}", right.sentence()).trim().into();
        operation["security"] = match right {
            Right::Open => json!([]),
            right if right.is_for_anonymous() => {
                json!([{}, {"basic": []}, {"token": []}, {"session": []}])
            }
            _ => json!([{"basic": []}, {"token": []}, {"session": []}]),
        };
        if let Some(operation) = operation.as_object_mut() {
            operation.remove("x-codes");
        }
        add_answers(&mut operation["responses"], codes);
        if method == Method::POST {
            conditional::add_key(operation);
        }
        if tagged.contains(&path) {
            conditional::complete(&method, operation);
        }
    }
    for (name, code, text) in COMMON {
        document["components"]["responses"][name] = problem(status(code), text, &[code.to_owned()]);
    }
    refuse_nulls(document);
    close_bodies(document);
    name_items(document);
}

/// The codes of all problems of a call.
fn codes_of(method: &Method, operation: &Value, document: &Value) -> BTreeSet<String> {
    let mut codes: BTreeSet<&str> = [
        "query_invalid",
        "if_match_invalid",
        "header_too_large",
        "too_many_requests",
        "internal",
    ]
    .into();
    let right = right(operation);
    codes.extend(right.codes());
    if right != Right::Open {
        codes.extend(["unauthenticated", "busy"]);
    }
    if !parameters(operation, "path").is_empty() {
        codes.insert("path_invalid");
    }
    if parameters(operation, "query")
        .iter()
        .any(|name| name == "limit")
    {
        codes.insert("limit_invalid");
    }
    if *method == Method::POST {
        codes.extend(conditional::KEY_CODES);
    }
    if *method != Method::GET {
        codes.extend(["not_allowed", "storage_full"]); // not from a page of another site
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        codes.extend([
            "body_invalid",
            "content_type_invalid",
            "too_large",
            "timeout",
        ]);
    }
    if !operation["requestBody"]["content"][FILE].is_null() {
        codes.extend(["too_large", "timeout"]);
    }
    let own = operation["x-codes"].as_array().into_iter().flatten();
    codes.extend(own.filter_map(Value::as_str));
    let mut codes: BTreeSet<String> = codes.into_iter().map(str::to_owned).collect();
    for_each_field(body, document, &mut |name| {
        codes.insert(format!("{name}_invalid"));
    });
    codes
}

/// Calls `each` with the name of every field of a body, and of every part of it that has names of
/// its own.
fn for_each_field(schema: &Value, document: &Value, each: &mut dyn FnMut(&str)) {
    let schema = resolved(schema, document);
    for part in schema["oneOf"].as_array().into_iter().flatten() {
        for_each_field(part, document, each);
    }
    if !schema["items"].is_null() {
        for_each_field(&schema["items"], document, each);
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        each(name);
        if field["x-whole"] != true {
            for_each_field(field, document, each);
        }
    }
}

/// A schema itself, where it is only referred to.
fn resolved<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    match referred(schema) {
        Some(name) => &document["components"]["schemas"][name],
        None => schema,
    }
}

/// Adds the problems to an operation's answers, by their status.
fn add_answers(answers: &mut Value, codes: BTreeSet<String>) {
    let mut by_status: BTreeMap<u16, Vec<String>> = BTreeMap::new();
    for code in codes {
        by_status.entry(status(&code)).or_default().push(code);
    }
    for (status, codes) in by_status {
        let common = COMMON.iter().find(|(_, code, _)| codes == [*code]);
        answers[status.to_string()] = match common {
            Some((name, ..)) => json!({"$ref": format!("#/components/responses/{name}")}),
            None => problem(status, &text_of(status), &codes),
        };
    }
    let location =
        json!({"description": "Where it is.", "required": true, "schema": {"type": "string"}});
    if let Some(created) = answers.get_mut("201") {
        created["headers"]["Location"] = location;
    }
}

fn text_of(status: u16) -> String {
    let text = match status {
        400 => "The request is wrong as it stands.",
        403 => "The caller may not.",
        422 => "The key was sent with another request.",
        404 => "It is not there, or the caller may not see it.",
        405 => "This is not done to such a repository.",
        409 => "It clashes with what is there.",
        _ => "It could not be done.",
    };
    text.to_owned()
}

/// How a problem is answered.
fn problem(status: u16, text: &str, codes: &[String]) -> Value {
    let schema = json!({
        "allOf": [
            {"$ref": format!("{SCHEMAS}Problem")},
            {
                "type": "object",
                "properties": {"status": {"const": status}, "code": {"enum": codes}},
            },
        ],
    });
    let mut answer = json!({
        "description": text,
        "content": {MEDIA_TYPE: {"schema": schema}},
    });
    let header = |text: &str, required: bool, schema: Value| {
        json!({
            "description": text,
            "required": required,
            "schema": schema,
        })
    };
    match status {
        401 => {
            let schema = json!({"type": "string"});
            answer["headers"]["WWW-Authenticate"] =
                header("How to show credentials.", true, schema);
        }
        405 => {
            let schema = json!({"type": "string"});
            answer["headers"]["Allow"] = header("The methods of the path.", true, schema);
        }
        429 | 503 => {
            let schema = json!({"type": "integer", "minimum": 1});
            answer["headers"]["Retry-After"] =
                header("When to try again, in seconds.", status == 429, schema);
        }
        _ => {}
    }
    answer
}

/// Says of every object in a body that it has no other fields.
fn close_bodies(document: &mut Value) {
    let mut names = BTreeSet::new();
    for (_, _, operation) in operations(document) {
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        collect_objects(body, document, &mut names);
    }
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    for (name, schema) in schemas.iter_mut() {
        if names.contains(name) {
            schema["additionalProperties"] = json!(false);
        }
        let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
        for (_, field) in fields.into_iter().flatten() {
            field.as_object_mut().map(|field| field.remove("x-whole"));
        }
    }
}

/// The names of the schemas of objects that a schema is made of.
fn collect_objects(schema: &Value, document: &Value, names: &mut BTreeSet<String>) {
    let name = referred(schema);
    let schema = resolved(schema, document);
    if let Some(name) = name.filter(|_| schema["type"] == "object") {
        names.insert(name.to_owned());
    }
    let parts = schema["oneOf"].as_array().into_iter().flatten();
    let fields = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(Map::values);
    for part in parts.chain(fields).chain(schema.get("items")) {
        collect_objects(part, document, names);
    }
}

/// Has lists name the schema of their items, which `utoipa` writes out in each.
fn name_items(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    for (name, list) in schemas.iter_mut() {
        if let Some(item) = name.strip_prefix("List_") {
            list["properties"]["items"]["items"] = json!({"$ref": format!("{SCHEMAS}{item}")});
        }
    }
}
