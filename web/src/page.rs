//! The OpenAPI document as a page for people: calls by noun, and the objects that they speak of.

use askama::Template;
use serde_json::Value;

/// The page's style sheet.
pub(crate) const STYLE: &str = include_str!("../templates/page.css");

#[derive(Template)]
#[template(path = "page.html")]
struct Page {
    style: &'static str,
    title: String,
    version: String,
    description: String,
    nouns: Vec<Noun>,
    objects: Vec<Object>,
}

struct Noun {
    name: String,
    description: String,
    calls: Vec<Call>,
}

struct Call {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: String,
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
    description: String,
}

/// What a value is, and the object that it is made of.
struct Kind {
    text: String,
    object: Option<String>,
}

struct Answer {
    status: String,
    description: String,
    /// What it holds if it went well.
    kind: Option<Kind>,
    /// The codes of its problems.
    codes: Vec<String>,
}

struct Object {
    name: String,
    kind: Kind,
    description: String,
    fields: Vec<Field>,
}

/// Renders the page.
pub(crate) fn render(document: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let nouns = document["tags"].as_array().into_iter().flatten();
    let objects = document["components"]["schemas"].as_object();
    let page = Page {
        style: STYLE,
        title: text(&document["info"]["title"]),
        version: text(&document["info"]["version"]),
        description: text(&document["info"]["description"]),
        nouns: nouns.map(|noun| of_noun(noun, document)).collect(),
        objects: objects
            .into_iter()
            .flatten()
            .map(|(name, schema)| Object {
                name: name.clone(),
                kind: kind(schema),
                description: text(&schema["description"]),
                fields: fields(schema),
            })
            .collect(),
    };
    page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "the page of the API cannot be rendered");
        String::new()
    })
}

fn of_noun(noun: &Value, document: &Value) -> Noun {
    let name = noun["name"].as_str().unwrap_or_default();
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if operation["tags"][0] == name {
                calls.push(call(path, method, operation, document));
            }
        }
    }
    Noun {
        name: name.to_owned(),
        description: noun["description"].as_str().unwrap_or_default().to_owned(),
        calls,
    }
}

fn call(path: &str, method: &str, operation: &Value, document: &Value) -> Call {
    let text = |field: &str| operation[field].as_str().unwrap_or_default().to_owned();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    let answers = operation["responses"].as_object().into_iter().flatten();
    Call {
        id: text("operationId"),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text("summary"),
        description: text("description"),
        parameters: parameters.map(parameter).collect(),
        body: (!body.is_null()).then(|| kind(body)),
        answers: answers
            .map(|(status, answer)| of_answer(status, answer, document))
            .collect(),
    }
}

fn parameter(parameter: &Value) -> Field {
    let text = |field: &str| parameter[field].as_str().unwrap_or_default().to_owned();
    Field {
        name: text("name"),
        place: text("in"),
        required: parameter["required"] == true,
        kind: kind(&parameter["schema"]),
        description: text("description"),
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
            let known = known.into_iter().flatten().filter_map(Value::as_str);
            codes = known.map(str::to_owned).collect();
        } else if media_type == "application/json" {
            value = Some(kind(schema));
        } else {
            value = Some(Kind::plain(media_type));
        }
    }
    Answer {
        status: status.to_owned(),
        description: answer["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        kind: value,
        codes,
    }
}

fn fields(schema: &Value) -> Vec<Field> {
    let required = schema["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields
        .map(|(name, field)| Field {
            name: name.clone(),
            place: String::new(),
            required: is_required(name),
            kind: kind(field),
            description: description(field),
        })
        .collect()
}

/// What is said of a field, also where that stands beside a reference.
fn description(field: &Value) -> String {
    let parts = field["oneOf"].as_array().into_iter().flatten();
    let all = std::iter::once(field).chain(parts);
    let mut texts = all.filter_map(|part| part["description"].as_str());
    texts.next().unwrap_or_default().to_owned()
}

impl Kind {
    fn plain(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            object: None,
        }
    }
}

/// What a schema is, in a word or two.
fn kind(schema: &Value) -> Kind {
    if let Some(name) = schema["$ref"].as_str().and_then(|at| at.rsplit('/').next()) {
        return Kind {
            text: name.to_owned(),
            object: Some(name.to_owned()),
        };
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        return Kind::plain(&words.join(" | "));
    }
    if let Some(parts) = schema["oneOf"].as_array() {
        let kinds: Vec<Kind> = parts.iter().map(kind).collect();
        let texts: Vec<&str> = kinds.iter().map(|kind| &*kind.text).collect();
        return Kind {
            text: texts.join(" | "),
            object: kinds.iter().find_map(|kind| kind.object.clone()),
        };
    }
    match &schema["type"] {
        Value::String(name) if name == "array" => {
            let item = kind(&schema["items"]);
            Kind {
                text: format!("list of {}", item.text),
                object: item.object,
            }
        }
        Value::String(name) => Kind::plain(name),
        Value::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            match (names.contains(&"array"), &schema["items"]) {
                (true, items) => {
                    let item = kind(items);
                    Kind {
                        text: format!("list of {} | null", item.text),
                        object: item.object,
                    }
                }
                _ => Kind::plain(&names.join(" | ")),
            }
        }
        _ => Kind::plain("any"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_are_told_in_words() {
        let object = |text: &str| (text.to_owned(), Some("User".to_owned()));
        let plain = |text: &str| (text.to_owned(), None);
        let user = json!({"$ref": "#/components/schemas/User"});
        for (schema, expected) in [
            (user.clone(), object("User")),
            (
                json!({"type": "array", "items": user}),
                object("list of User"),
            ),
            (
                json!({"type": ["array", "null"], "items": user}),
                object("list of User | null"),
            ),
            (
                json!({"oneOf": [{"type": "null"}, user]}),
                object("null | User"),
            ),
            (json!({"type": ["string", "null"]}), plain("string | null")),
            (
                json!({"type": "string", "enum": ["a", "b"]}),
                plain("a | b"),
            ),
        ] {
            let kind = kind(&schema);
            assert_eq!((kind.text, kind.object), expected, "{schema}");
        }
    }

    #[test]
    fn nothing_of_the_document_is_more_than_text() {
        let document = json!({"info": {"title": "<script>alert(1)</script>"}});
        let page = render(&document);
        assert!(
            page.contains("&#60;script&#62;") && !page.contains("<script"),
            "{page}"
        );
    }
}
