//! What a value is, in a word or two.

use serde_json::Value;

/// What a value is, and the object that it is made of.
pub(super) struct Kind {
    pub(super) text: String,
    pub(super) object: Option<String>,
}

impl Kind {
    pub(super) fn plain(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            object: None,
        }
    }
}

/// What a schema is, in a word or two.
pub(super) fn kind(schema: &Value) -> Kind {
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
mod tests;
