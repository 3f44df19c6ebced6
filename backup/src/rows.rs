//! Rows as lines: a JSON array each.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use larder_archive::Fault;
use larder_metadata::snapshot::{Column, ColumnKind, Table};
use larder_metadata::{Row, Value};
use serde_json::Value as Json;

/// Appends a row as a line, without its end.
pub(crate) fn write(row: &Row, line: &mut Vec<u8>) -> serde_json::Result<()> {
    line.push(b'[');
    for (at, value) in row.0.iter().enumerate() {
        if at > 0 {
            line.push(b',');
        }
        match value {
            Value::Null => line.extend_from_slice(b"null"),
            Value::Int(it) => serde_json::to_writer(&mut *line, it)?,
            Value::Text(it) => serde_json::to_writer(&mut *line, it)?,
            Value::Bytes(it) => serde_json::to_writer(&mut *line, &STANDARD.encode(it))?,
        }
    }
    line.push(b']');
    Ok(())
}

/// Reads a line as a row of a table.
pub(crate) fn read(line: &[u8], table: &Table) -> Result<Row, Fault> {
    let wrong = |what: &str| Fault::damaged(format!("a row of {} {what}", table.name));
    let values: Vec<Json> =
        serde_json::from_slice(line).map_err(|_| wrong("cannot be understood"))?;
    if values.len() != table.columns.len() {
        return Err(wrong("has not the columns of its table"));
    }
    let values = values.into_iter().zip(&table.columns);
    let values = values.map(|(json, column)| {
        let text = || format!("has something else in {} than it holds", column.name);
        value(json, column).ok_or_else(|| wrong(&text()))
    });
    Ok(Row(values.collect::<Result<_, _>>()?))
}

fn value(json: Json, column: &Column) -> Option<Value> {
    Some(match (column.kind, json) {
        (_, Json::Null) => Value::Null,
        (ColumnKind::Int, Json::Number(it)) => Value::Int(it.as_i64()?),
        (ColumnKind::Text, Json::String(it)) => Value::Text(it.into()),
        (ColumnKind::Bytes, Json::String(it)) => Value::Bytes(STANDARD.decode(it).ok()?.into()),
        _ => return None,
    })
}
