//! Values as PostgreSQL takes and gives them.

use crate::{Error, Row, Value};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

pub(super) fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

/// Rows of an answer.
pub(super) fn read(found: &[tokio_postgres::Row]) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::with_capacity(found.len());
    for row in found {
        let values: Result<Vec<Value>, _> =
            (0..row.len()).map(|column| row.try_get(column)).collect();
        rows.push(Row(values?));
    }
    Ok(rows)
}

impl ToSql for Value {
    fn to_sql(
        &self,
        column: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(it) if *column == Type::INT4 => i32::try_from(*it)?.to_sql(column, out),
            Self::Int(it) => it.to_sql(column, out),
            Self::Text(it) => it.as_ref().to_sql(column, out),
            Self::Bytes(it) => it.as_ref().to_sql(column, out),
        }
    }

    fn accepts(column: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::TEXT,
            Type::VARCHAR,
            Type::BYTEA,
        ]
        .contains(column)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        column: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *column {
            Type::INT8 => Self::Int(i64::from_sql(column, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(column, raw)?.into()),
            Type::BYTEA => Self::Bytes(raw.to_vec().into()),
            _ => Self::Text(String::from_sql(column, raw)?.into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(column: &Type) -> bool {
        <Self as ToSql>::accepts(column)
    }
}
