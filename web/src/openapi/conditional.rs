//! What the document says of entity tags, conditions and the keys of requests.

use super::operations::operations;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The mark of a GET whose answer has an entity tag.
const MARK: &str = "x-entity-tag";

/// The codes that come of the key of a request.
pub(super) const KEY_CODES: [&str; 3] = [
    "idempotency_key_invalid",
    "idempotency_key_in_use",
    "idempotency_key_reused",
];

/// The paths whose GET tells an entity tag.
pub(super) fn tagged(document: &Value) -> BTreeSet<String> {
    let all = operations(document).into_iter();
    let tagged = all.filter(|(_, _, operation)| operation[MARK] == true);
    tagged.map(|(path, ..)| path.clone()).collect()
}

/// The codes that come of a condition on a path that has an entity tag.
pub(super) const fn codes(method: &Method) -> &'static [&'static str] {
    match *method {
        Method::GET => &["if_none_match_invalid"],
        Method::PUT | Method::PATCH | Method::DELETE => &["precondition_failed"],
        _ => &[],
    }
}

/// Tells of the headers of a call on a path that has an entity tag.
pub(super) fn complete(method: &Method, operation: &mut Value) {
    match *method {
        Method::GET => show(operation),
        Method::PUT | Method::PATCH | Method::DELETE => {
            let text = "Entity tags of earlier answers, or `*`: the change is made only if it is in \
                        one of these states, also if others change it at the same time.";
            add_header(operation, "If-Match", text);
        }
        _ => {}
    }
    if let Some(operation) = operation.as_object_mut() {
        operation.remove(MARK);
    }
}

fn show(operation: &mut Value) {
    let header = json!({
        "description": "The state that is shown: for `If-None-Match`, and for `If-Match` of a change.",
        "required": true,
        "schema": {"type": "string"},
    });
    let answers = &mut operation["responses"];
    answers["200"]["headers"]["ETag"] = header.clone();
    answers["304"] = json!({
        "description": "It is in one of the states that `If-None-Match` names.",
        "headers": {"ETag": header},
    });
    let text = "Entity tags of earlier answers: if it is in one of these states, 304 says so.";
    add_header(operation, "If-None-Match", text);
}

/// Tells of the key that every POST takes.
pub(super) fn add_key(operation: &mut Value) {
    let text = "A text that no other request of the caller has, best a random UUID: the request is \
                carried out once, and answered the same again for 24 hours.";
    let schema = json!({"type": "string", "minLength": 1, "maxLength": 257});
    add_parameter(operation, "Idempotency-Key", text, schema);
}

fn add_header(operation: &mut Value, name: &str, description: &str) {
    add_parameter(operation, name, description, json!({"type": "string"}));
}

#[expect(clippy::needless_pass_by_value, reason = "`json!` only borrows it")]
fn add_parameter(operation: &mut Value, name: &str, description: &str, schema: Value) {
    let parameter = json!({
        "name": name,
        "in": "header",
        "description": description,
        "required": false,
        "schema": schema,
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
}
