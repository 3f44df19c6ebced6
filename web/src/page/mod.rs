//! The OpenAPI document as a page for people: calls by noun, and the objects that they speak of.

mod kind;
mod text;

use askama::Template;
use kind::{Kind, kind};
use serde_json::Value;
use text::Text;

/// The page's style sheet.
pub(crate) const STYLE: &str = include_str!("../../templates/page.css");

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    style: &'static str,
    title: String,
    version: String,
    description: Text,
    nouns: Vec<Noun>,
    objects: Vec<Object>,
}

struct Noun {
    name: String,
    description: Text,
    calls: Vec<Call>,
}

struct Call {
    id: String,
    method: String,
    path: String,
    summary: Text,
    description: Text,
    parameters: Vec<Field>,
    body: Option<Kind>,
    answers: Vec<Answer>,
}

/// A parameter of a call, or a field of an object.
struct Field {
    name: String,
    /// Where a parameter stands; empty for a field.
    place: String,
    required: bool,
    kind: Kind,
    description: Text,
}

struct Answer {
    status: String,
    description: Text,
    /// What it holds if it went well.
    kind: Option<Kind>,
    /// The codes of its problems.
    codes: Vec<String>,
}

struct Object {
    name: String,
    kind: Kind,
    description: Text,
    fields: Vec<Field>,
}

/// Renders the page.
pub(crate) fn render(document: &Value) -> String {
    let nouns = document["tags"].as_array().into_iter().flatten();
    let objects = document["components"]["schemas"].as_object();
    let page = Page {
        style: STYLE,
        title: word(&document["info"]["title"]),
        version: word(&document["info"]["version"]),
        description: text(&document["info"]["description"]),
        nouns: nouns.map(|noun| of_noun(noun, document)).collect(),
        objects: objects.into_iter().flatten().map(object).collect(),
    };
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "the page of the API cannot be rendered");
        String::new()
    })
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn text(value: &Value) -> Text {
    value.as_str().unwrap_or_default().into()
}

fn of_noun(noun: &Value, document: &Value) -> Noun {
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if operation["tags"][0] == noun["name"] {
                calls.push(call(path, method, operation, document));
            }
        }
    }
    Noun {
        name: word(&noun["name"]),
        description: text(&noun["description"]),
        calls,
    }
}

fn call(path: &str, method: &str, operation: &Value, document: &Value) -> Call {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    let answers = operation["responses"].as_object().into_iter().flatten();
    Call {
        id: word(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        parameters: parameters.map(parameter).collect(),
        body: (!body.is_null()).then(|| kind(body)),
        answers: answers
            .map(|(status, answer)| of_answer(status, answer, document))
            .collect(),
    }
}

fn parameter(parameter: &Value) -> Field {
    Field {
        name: word(&parameter["name"]),
        place: word(&parameter["in"]),
        required: parameter["required"] == true,
        kind: kind(&parameter["schema"]),
        description: text(&parameter["description"]),
    }
}

fn of_answer(status: &str, answer: &Value, document: &Value) -> Answer {
    let name = answer["$ref"].as_str().and_then(|at| at.rsplit('/').next());
    let answer = name.map_or(answer, |name| &document["components"]["responses"][name]);
    let content = answer["content"].as_object().into_iter().flatten().next();
    let (mut value, mut codes) = (None, Vec::new());
    if let Some((media_type, content)) = content {
        let schema = &content["schema"];
        if media_type == crate::problem::MEDIA_TYPE {
            let known = schema["allOf"][1]["properties"]["code"]["enum"].as_array();
            codes = known.into_iter().flatten().map(word).collect();
        } else if media_type == "application/json" {
            value = Some(kind(schema));
        } else {
            value = Some(Kind::plain(media_type));
        }
    }
    Answer {
        status: status.to_owned(),
        description: text(&answer["description"]),
        kind: value,
        codes,
    }
}

fn object((name, schema): (&String, &Value)) -> Object {
    let required = schema["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let fields = schema["properties"].as_object().into_iter().flatten();
    Object {
        name: name.clone(),
        kind: kind(schema),
        description: text(&schema["description"]),
        fields: fields
            .map(|(name, field)| Field {
                name: name.clone(),
                place: String::new(),
                required: is_required(name),
                kind: kind(field),
                description: description(field),
            })
            .collect(),
    }
}

/// What is said of a field, also where that stands beside a reference.
fn description(field: &Value) -> Text {
    let parts = field["oneOf"].as_array().into_iter().flatten();
    let all = std::iter::once(field).chain(parts);
    let mut texts = all.filter_map(|part| part["description"].as_str());
    texts.next().unwrap_or_default().into()
}

#[cfg(test)]
mod tests;
