//! Answers for people: columns of a list, or the lines of one thing.

use crate::escape::plain;
use larder_model::Timestamp;
use serde_json::Value;

/// A title and the field it shows; a slash leads into the object of that name.
pub(crate) type Column = (&'static str, &'static str);

/// A list, one line an item.
pub(crate) fn list(columns: &[Column], items: &[Value]) -> String {
    let titles = columns
        .iter()
        .map(|(title, _)| (*title).to_owned())
        .collect();
    let lines = items.iter().map(|item| {
        columns
            .iter()
            .map(|(_, field)| cell(field, at(item, field)))
            .collect()
    });
    let rows: Vec<Vec<String>> = std::iter::once(titles).chain(lines).collect();
    lay_out(&rows)
}

/// One thing, one line a field.
pub(crate) fn record(columns: &[Column], value: &Value) -> String {
    let rows: Vec<Vec<String>> = columns
        .iter()
        .map(|(title, field)| vec![(*title).to_owned(), cell(field, at(value, field))])
        .collect();
    lay_out(&rows)
}

fn lay_out(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn at<'a>(value: &'a Value, field: &str) -> &'a Value {
    field.split('/').fold(value, |value, name| &value[name])
}

fn cell(field: &str, value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => plain(&if field.ends_with("_at") {
            whole_seconds(text)
        } else {
            text.clone()
        }),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(item).collect::<Vec<_>>().join(", "),
        other => plain(&other.to_string()),
    }
}

fn whole_seconds(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(
        |_| text.to_owned(),
        |time| Timestamp(time.seconds() * 1_000_000).to_string(),
    )
}

/// An item of a list within a cell: text, a number, a limit of a token, an origin that is paused, a
/// file, or a pattern of blocked packages.
fn item(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Number(number) => number.to_string(),
        value if value["origin"].is_string() => plain(value["origin"].as_str().unwrap_or_default()),
        value if value["path"].is_string() => plain(value["path"].as_str().unwrap_or_default()),
        value if value["role"].is_string() => scope(value),
        value => block(value),
    }
}

/// Blocked packages, in the form that `--block` takes.
fn block(value: &Value) -> String {
    let text = |field: &str| value[field].as_str().map(plain);
    let reason = text("reason")
        .map(|reason| format!("={reason}"))
        .unwrap_or_default();
    text("package").unwrap_or_default() + &reason
}

/// A limit of a token, in the form that `--grant` takes.
fn scope(grant: &Value) -> String {
    let text = |field: &str| plain(grant[field].as_str().unwrap_or_default());
    let package = text("package");
    let package = if package == "*" {
        String::new()
    } else {
        format!(":{package}")
    };
    format!("{}:{}{package}", text("repository"), text("role"))
}

#[cfg(test)]
mod tests;
