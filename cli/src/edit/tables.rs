//! TOML files. They are edited as text, so that all else stays as someone wrote it, and then read
//! again: what comes out must mean what was meant.

use crate::edit::marks::{Block, Marks};
use toml::{Table, Value};

/// Keys that name an element of an array of tables; two of one name would be two of one thing.
const NAMES: [&str; 2] = ["name", "prefix"];
/// What one element of an array alone may be, and what says the same at the top of the file.
const DEFAULT: &str = "default";
const SAME_AS_DEFAULT: &str = "index-url";

/// A part of a file: what stands below one header, or above the first.
struct Part<'a> {
    /// The header as it stands there; `None`: above the first.
    header: Option<&'a str>,
    /// The header's keys, and whether it is one of many.
    path: Vec<String>,
    many: bool,
    /// Its first line after the header, and the line after its last.
    from: usize,
    to: usize,
}

impl Part<'_> {
    fn is(&self, other: &Part<'_>) -> bool {
        self.path == other.path && self.many == other.many
    }
}

/// A header's keys, in one spelling.
fn path_of(header: &str) -> Option<(Vec<String>, bool)> {
    let many = header.starts_with("[[");
    let table: Table = header.parse().ok()?;
    let mut path = Vec::new();
    let mut value = Value::Table(table);
    loop {
        value = match value {
            Value::Table(table) => match table.into_iter().next() {
                Some((key, inner)) => {
                    path.push(key);
                    inner
                }
                None => return Some((path, many)),
            },
            Value::Array(mut items) => items.pop()?,
            _ => return None,
        };
    }
}

fn parts<'a>(lines: &[&'a str]) -> Vec<Part<'a>> {
    let mut parts = vec![Part {
        header: None,
        path: Vec::new(),
        many: false,
        from: 0,
        to: lines.len(),
    }];
    for (number, line) in lines.iter().enumerate() {
        let bare = line.trim();
        let Some((path, many)) = Some(bare)
            .filter(|bare| bare.starts_with('['))
            .and_then(path_of)
        else {
            continue; // no header, or a line of a list
        };
        if let Some(last) = parts.last_mut() {
            last.to = number;
        }
        parts.push(Part {
            header: Some(bare),
            path,
            many,
            from: number + 1,
            to: lines.len(),
        });
    }
    parts
}

/// The statements of a part: the first key of each and the lines that it takes.
fn statements(lines: &[&str], part: &Part<'_>) -> Result<Vec<(String, usize, usize)>, String> {
    let mut all = Vec::new();
    let mut from = part.from;
    while from < part.to {
        let whole = (from + 1..=part.to).find_map(|to| {
            let table: Table = lines[from..to].join("\n").parse().ok()?;
            Some((table, to))
        });
        let Some((table, to)) = whole else {
            return Err(format!("line {} is no TOML that can be edited", from + 1));
        };
        if let Some(key) = table.keys().next() {
            all.push((key.clone(), from, to));
        }
        from = to;
    }
    Ok(all)
}

fn parse(text: &str) -> Result<Table, String> {
    let line = |error: &toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        text.get(..start).unwrap_or_default().matches('\n').count() + 1
    };
    text.parse()
        .map_err(|error| format!("it is no valid TOML (line {})", line(&error)))
}

/// Whether a text sets all that is wanted.
pub(crate) fn satisfied(text: &str, wanted: &[String]) -> bool {
    let (Ok(there), Ok(wanted)) = (parse(text), parse(&wanted.join("\n"))) else {
        return false;
    };
    wanted
        .iter()
        .all(|(key, value)| there.get(key).is_some_and(|there| holds(there, value)))
}

fn holds(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Table(there), Value::Table(wanted)) => wanted
            .iter()
            .all(|(key, value)| there.get(key).is_some_and(|there| holds(there, value))),
        (Value::Array(there), Value::Array(wanted)) if wanted.iter().all(Value::is_table) => {
            wanted.iter().all(|value| there.contains(value))
        }
        (there, wanted) => there == wanted,
    }
}

/// The text with the wanted lines; what sets the same is made a comment. Fails with a sentence
/// where that is not safe.
pub(crate) fn put(text: &str, wanted: &[String], marks: &Marks) -> Result<String, String> {
    let (old, ours) = (parse(text)?, parse(&wanted.join("\n"))?);
    let lines: Vec<&str> = text.lines().collect();
    let there = parts(&lines);
    let wanted_lines: Vec<&str> = wanted.iter().map(|line| &**line).collect();
    let (mut out, mut blocks, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for ours in parts(&wanted_lines) {
        let body = wanted_lines[ours.from..ours.to]
            .iter()
            .map(|line| (*line).to_owned());
        let keys: Vec<String> = statements(&wanted_lines, &ours)?
            .into_iter()
            .map(|(key, ..)| key)
            .collect();
        if let Some(part) = there.iter().find(|part| part.is(&ours) && !ours.many) {
            for (key, from, to) in statements(&lines, part)? {
                if keys.contains(&key) {
                    out.extend(from..to);
                }
            }
            blocks.push(Block {
                at: part.from,
                lines: body.collect(),
            });
        } else {
            last.extend(ours.header.map(str::to_owned));
            last.extend(body);
            if ours.many && keys.iter().any(|key| key == DEFAULT) {
                out.extend(defaults(&lines, &there, &ours)?);
            }
        }
    }
    blocks.push(Block {
        at: lines.len(),
        lines: last,
    });
    let new = marks.put(text, &blocks, &out);
    if parse(&new)? != merged(old, ours)? {
        return Err("it sets the same in a way that cannot be edited safely".to_owned());
    }
    Ok(new)
}

/// The lines of other elements that are the default: all of each, since one that is the default no
/// more would be asked before it.
fn defaults(lines: &[&str], there: &[Part<'_>], ours: &Part<'_>) -> Result<Vec<usize>, String> {
    let mut out = Vec::new();
    for part in there {
        let all = statements(lines, part)?;
        match part.header {
            None => {
                let found = all.into_iter().filter(|(key, ..)| key == SAME_AS_DEFAULT);
                out.extend(found.flat_map(|(_, from, to)| from..to));
            }
            Some(_) if part.is(ours) && all.iter().any(|(key, ..)| key == DEFAULT) => {
                out.push(part.from - 1);
                out.extend(all.into_iter().flat_map(|(_, from, to)| from..to));
            }
            Some(_) => {}
        }
    }
    Ok(out)
}

/// What is meant: ours in place of the same, and all else as it was.
fn merged(mut old: Table, ours: Table) -> Result<Table, String> {
    for (key, value) in ours {
        let elements = match &value {
            Value::Array(items) if items.iter().all(Value::is_table) => items.as_slice(),
            _ => &[],
        };
        if elements.iter().any(|one| one.get(DEFAULT).is_some()) {
            old.remove(SAME_AS_DEFAULT);
        }
        let value = match (old.remove(&key), value) {
            (Some(Value::Table(old)), Value::Table(ours)) => Value::Table(merged(old, ours)?),
            (Some(Value::Array(old)), Value::Array(ours)) if ours.iter().all(Value::is_table) => {
                Value::Array(joined(old, ours)?)
            }
            (_, value) => value,
        };
        old.insert(key, value);
    }
    Ok(old)
}

/// Elements of both, without others that are the default.
fn joined(mut old: Vec<Value>, ours: Vec<Value>) -> Result<Vec<Value>, String> {
    for one in &ours {
        for name in NAMES {
            let named = one.get(name).filter(|named| {
                let mut others = old.iter();
                others.any(|other| other.get(name) == Some(named))
            });
            if let Some(named) = named {
                return Err(format!("it has one with {name} = {named} already"));
            }
        }
        if one.get(DEFAULT).is_some() {
            old.retain(|other| other.get(DEFAULT).is_none());
        }
    }
    old.extend(ours);
    Ok(old)
}

#[cfg(test)]
mod tests;
