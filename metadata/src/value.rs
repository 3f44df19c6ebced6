//! Values that go into a statement and come out of it: whole numbers, text, bytes.

use crate::Error;
use bytes::Bytes;
use larder_model::{
    Action, Digest, FileKind, JobKind, JobState, Outcome, RepoKind, Timestamp, TokenKind, UserKind,
};

/// One value. Booleans are 0 and 1, times microseconds.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(Box<str>),
    /// Bytes.
    Bytes(Bytes),
}

macro_rules! into_value {
    ($($from:ty => |$it:ident| $to:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($it: $from) -> Self {
                $to
            }
        }
    )*};
}

into_value! {
    i64 => |it| Self::Int(it);
    u64 => |it| Self::Int(i64::try_from(it).unwrap_or(i64::MAX));
    bool => |it| Self::Int(i64::from(it));
    Timestamp => |it| Self::Int(it.0);
    FileKind => |it| Self::Text(it.word().into());
    RepoKind => |it| Self::Text(it.word().into());
    UserKind => |it| Self::Text(it.word().into());
    TokenKind => |it| Self::Text(it.word().into());
    Action => |it| Self::Text(it.word().into());
    Outcome => |it| Self::Text(it.word().into());
    JobKind => |it| Self::Text(it.word().into());
    JobState => |it| Self::Text(it.word().into());
    &str => |it| Self::Text(it.into());
    &String => |it| Self::Text(it.as_str().into());
    String => |it| Self::Text(it.into());
    &Digest => |it| Self::Text(it.to_string().into());
    Digest => |it| Self::Text(it.to_string().into());
    Bytes => |it| Self::Bytes(it);
    Vec<u8> => |it| Self::Bytes(it.into());
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(it: Option<T>) -> Self {
        it.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer, read by column number.
#[derive(Clone, PartialEq, Debug)]
pub struct Row(pub Vec<Value>);

impl Row {
    fn take(&mut self, column: usize) -> Value {
        self.0
            .get_mut(column)
            .map_or(Value::Null, |value| std::mem::replace(value, Value::Null))
    }

    /// A whole number.
    pub fn int(&mut self, column: usize) -> Result<i64, Error> {
        match self.take(column) {
            Value::Int(it) => Ok(it),
            other => Err(shape(column, "a number", &other)),
        }
    }

    /// A size or count.
    pub fn count(&mut self, column: usize) -> Result<u64, Error> {
        u64::try_from(self.int(column)?).map_err(|_| shape(column, "a count", &Value::Int(-1)))
    }

    /// Text.
    pub fn text(&mut self, column: usize) -> Result<Box<str>, Error> {
        match self.take(column) {
            Value::Text(it) => Ok(it),
            other => Err(shape(column, "text", &other)),
        }
    }

    /// Text or nothing.
    pub fn optional_text(&mut self, column: usize) -> Result<Option<Box<str>>, Error> {
        match self.take(column) {
            Value::Null => Ok(None),
            Value::Text(it) => Ok(Some(it)),
            other => Err(shape(column, "text or null", &other)),
        }
    }

    /// Bytes or nothing.
    pub fn optional_bytes(&mut self, column: usize) -> Result<Option<Bytes>, Error> {
        match self.take(column) {
            Value::Null => Ok(None),
            Value::Bytes(it) => Ok(Some(it)),
            other => Err(shape(column, "bytes or null", &other)),
        }
    }

    /// A number or nothing.
    pub fn optional_int(&mut self, column: usize) -> Result<Option<i64>, Error> {
        match self.take(column) {
            Value::Null => Ok(None),
            Value::Int(it) => Ok(Some(it)),
            other => Err(shape(column, "a number or null", &other)),
        }
    }

    /// Text that was written from a checked type, read back into it.
    pub fn parsed<T: std::str::FromStr>(&mut self, column: usize) -> Result<T, Error> {
        parse(column, self.text(column)?)
    }

    /// The same, or nothing.
    pub fn optional_parsed<T: std::str::FromStr>(
        &mut self,
        column: usize,
    ) -> Result<Option<T>, Error> {
        let text = self.optional_text(column)?;
        text.map(|text| parse(column, text)).transpose()
    }
}

fn parse<T: std::str::FromStr>(column: usize, text: Box<str>) -> Result<T, Error> {
    text.parse()
        .map_err(|_| shape(column, "text of its type", &Value::Text(text)))
}

fn shape(column: usize, wanted: &str, found: &Value) -> Error {
    Error::Shape(format!("column {column} is not {wanted} but {found:?}"))
}
