//! docker's `daemon.json`: lists in an object, which has no comments to mark anything with.

use serde_json::{Map, Value};

/// The lists that are wanted, by key.
type Lists = Vec<(String, Vec<Value>)>;

fn object(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err("it is no JSON object".to_owned()),
        Err(error) => Err(format!("it is no valid JSON (line {})", error.line())),
    }
}

fn lists(wanted: &[String]) -> Result<Lists, String> {
    let list = |(key, value): (String, Value)| match value {
        Value::Array(items) => Ok((key, items)),
        _ => Err(format!("{key} is no list")),
    };
    object(&wanted.join("\n"))?.into_iter().map(list).collect()
}

fn list<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a [Value], String> {
    match object.get(key) {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(format!("{key} is no list there")),
    }
}

/// Whether a text has all that is wanted.
pub(crate) fn satisfied(text: &str, wanted: &[String]) -> bool {
    let (Ok(there), Ok(wanted)) = (object(text), lists(wanted)) else {
        return false;
    };
    wanted.iter().all(|(key, items)| {
        let there = list(&there, key).unwrap_or_default();
        items.iter().all(|item| there.contains(item))
    })
}

/// The text with the wanted items before others in their lists, and all else as someone wrote it.
/// Fails with a sentence where that is not safe.
pub(crate) fn put(text: &str, wanted: &[String]) -> Result<String, String> {
    if text.trim().is_empty() {
        return Ok(wanted.join("\n") + "\n");
    }
    let mut there = object(text)?;
    let mut new = text.to_owned();
    for (key, items) in lists(wanted)? {
        let old = list(&there, &key)?.to_vec();
        let more: Vec<Value> = items
            .into_iter()
            .filter(|item| !old.contains(item))
            .collect();
        let words: Vec<String> = more.iter().map(ToString::to_string).collect();
        let words = words.join(", ");
        match list_begins(&new, &key) {
            Some(at) if old.is_empty() => new.insert_str(at, &words),
            Some(at) if !more.is_empty() => new.insert_str(at, &format!("{words}, ")),
            Some(_) => {}
            None => {
                let comma = if there.is_empty() { "" } else { "," };
                let at = new.find('{').map_or(0, |at| at + 1);
                new.insert_str(at, &format!("\n  {}: [{words}]{comma}", Value::from(&*key)));
            }
        }
        let all = more.into_iter().chain(old).collect();
        there.insert(key, Value::Array(all));
    }
    if object(&new)? != there {
        return Err("it sets the same in a way that cannot be edited safely".to_owned());
    }
    Ok(new)
}

/// Where the items of a list of the object itself begin.
fn list_begins(text: &str, key: &str) -> Option<usize> {
    let name = Value::from(key).to_string();
    text.match_indices(&name).find_map(|(at, _)| {
        let rest = text[at + name.len()..].trim_start().strip_prefix(':')?;
        let rest = rest.trim_start().strip_prefix('[')?;
        is_in_the_object(&text[..at]).then_some(text.len() - rest.len())
    })
}

/// Whether what comes after a text stands in the outermost object, and in no string.
fn is_in_the_object(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
    }
    depth == 1 && !in_string
}

/// The text without the items that `after` has and `before` has not, whatever else was changed.
pub(crate) fn take(text: &str, before: &str, after: &str) -> Result<String, String> {
    let (mut there, before, after) = (object(text)?, object(before)?, object(after)?);
    for (key, items) in &after {
        let Value::Array(items) = items else { continue };
        let old = list(&before, key)?;
        let kept = list(&there, key)?
            .iter()
            .filter(|item| old.contains(item) || !items.contains(item));
        let kept: Vec<Value> = kept.cloned().collect();
        if kept.is_empty() && !before.contains_key(key) {
            there.remove(key);
        } else {
            there.insert(key.clone(), Value::Array(kept));
        }
    }
    Ok(written(there))
}

fn written(object: Map<String, Value>) -> String {
    format!("{:#}\n", Value::Object(object))
}

#[cfg(test)]
mod tests;
