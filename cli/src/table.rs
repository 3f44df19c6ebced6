//! Answers for people and for spreadsheets: columns of a list, or the lines of one thing.

use crate::escape::plain;
use larder_model::Timestamp;
use serde_json::Value;

/// A title and the field it shows; a slash leads into the object of that name.
pub(crate) type Column = (&'static str, &'static str);

/// How things of one kind are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    /// What is always shown.
    columns: &'static [Column],
    /// What `wide` shows too.
    more: &'static [Column],
    /// The fields that are its name, or its id; joined by a slash.
    name: &'static [&'static str],
}

/// The narrowest that a column is made where a terminal is too narrow for all.
const NARROWEST: usize = 8;

impl Table {
    /// With these columns; `name`: the fields that name a thing.
    pub(crate) const fn new(columns: &'static [Column], name: &'static [&'static str]) -> Self {
        Self {
            columns,
            more: &[],
            name,
        }
    }

    /// With more columns for `wide`.
    pub(crate) const fn with(mut self, more: &'static [Column]) -> Self {
        self.more = more;
        self
    }

    fn columns(&self, wide: bool) -> Vec<Column> {
        let more: &[Column] = if wide { self.more } else { &[] };
        [self.columns, more].concat()
    }

    /// A list, one line an item. `width`: of the terminal that it must fit; `None`: nothing is cut.
    pub(crate) fn list(&self, items: &[Value], wide: bool, width: Option<usize>) -> String {
        let columns = self.columns(wide);
        let titles = columns
            .iter()
            .map(|(title, _)| (*title).to_owned())
            .collect();
        let line = |item: &Value| {
            let cells = columns
                .iter()
                .map(|(_, field)| cell(field, at(item, field)));
            cells.collect()
        };
        let rows: Vec<Vec<String>> = std::iter::once(titles)
            .chain(items.iter().map(line))
            .collect();
        lay_out(&rows, width)
    }

    /// One thing, one line a field.
    pub(crate) fn record(&self, value: &Value, wide: bool) -> String {
        let line =
            |(title, field): &Column| vec![(*title).to_owned(), cell(field, at(value, field))];
        let rows: Vec<Vec<String>> = self.columns(wide).iter().map(line).collect();
        lay_out(&rows, None)
    }

    /// Comma-separated values (RFC 4180, with line feeds) of all columns, their fields as header.
    pub(crate) fn csv(&self, items: &[Value]) -> String {
        let columns = self.columns(true);
        let header = columns.iter().map(|(_, field)| field.replace('/', "."));
        let mut out = csv_line(header);
        for item in items {
            out += &csv_line(columns.iter().map(|(_, field)| csv_cell(at(item, field))));
        }
        out
    }

    /// The names of things, one a line.
    pub(crate) fn names(&self, items: &[Value]) -> String {
        let name = |item: &Value| {
            let parts = self.name.iter().map(|field| cell(field, at(item, field)));
            parts.collect::<Vec<_>>().join("/") + "\n"
        };
        items.iter().map(name).collect()
    }
}

fn lay_out(rows: &[Vec<String>], width: Option<usize>) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widest = |column: usize| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = (0..columns).map(widest).collect();
    if let Some(width) = width {
        fit(&mut widths, width);
    }
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, width)| format!("{:width$}", cut(cell, *width)))
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// Takes from the widest columns until all fit, or none can give more.
fn fit(widths: &mut [usize], width: usize) {
    let all = |widths: &[usize]| widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    while all(widths) > width {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

/// A cell that is no wider; an ellipsis stands for what is missing.
fn cut(cell: &str, width: usize) -> String {
    if cell.chars().count() <= width {
        return cell.to_owned();
    }
    let kept: String = cell.chars().take(width.saturating_sub(1)).collect();
    kept + "…"
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

fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| {
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    };
    cells.map(quoted).collect::<Vec<_>>().join(",") + "\n"
}

/// A value as it is, but no text that a spreadsheet takes for a formula: it gets an apostrophe.
fn csv_cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::Bool(_) | Value::Number(_) => return value.to_string(),
        Value::String(text) => plain(text),
        Value::Array(items) => items.iter().map(item).collect::<Vec<_>>().join(", "),
        Value::Object(_) => plain(&value.to_string()),
    };
    if text.starts_with(['=', '+', '-', '@']) {
        return format!("'{text}");
    }
    text
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
