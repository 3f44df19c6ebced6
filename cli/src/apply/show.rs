//! How acts are told.

use super::act::{Act, FieldChange, SECRET, Verb};
use crate::escape::plain;
use crate::failure::Failure;
use crate::table::Table;
use serde_json::{Value, json};

/// Acts in columns.
pub(crate) const ACTS: Table = Table::new(
    &[
        ("ACT", "act"),
        ("KIND", "kind"),
        ("NAME", "name"),
        ("RESULT", "result"),
    ],
    &["kind", "name"],
);

/// What came of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Planned,
    Done,
    Failed(String),
    /// One before it failed.
    NotTried,
}

impl Outcome {
    const fn word(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::NotTried => "not_tried",
        }
    }

    /// What a failure comes to.
    pub(crate) fn of(done: &Result<(), Failure>) -> Self {
        match done {
            Ok(()) => Self::Done,
            Err(failure) => Self::Failed(failure.to_string()),
        }
    }
}

/// The lines of an act for people: `+ create`, `~ change`, `- delete`.
pub(crate) fn lines(act: &Act) -> String {
    let (word, mark) = act.verb.word();
    let head = format!("{mark} {word} {} {}", act.kind, plain(&act.name));
    let fields = act.fields.iter();
    match act.verb {
        Verb::Change => {
            let told = fields.map(|field| [&head, " ", &*arrow(field), "\n"].concat());
            told.collect()
        }
        Verb::Create | Verb::Delete => {
            let told = fields.map(|it| format!("{}: {}", it.field, value(&it.after)));
            let told: Vec<String> = told.collect();
            if told.is_empty() {
                return head + "\n";
            }
            format!("{head} ({})\n", told.join(", "))
        }
    }
}

fn arrow(field: &FieldChange) -> String {
    let (before, after) = (value(&field.before), value(&field.after));
    format!("{}: {before} -> {after}", field.field)
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) if text == SECRET => text.clone(),
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

/// An act for programs.
pub(crate) fn object(act: &Act, outcome: &Outcome) -> Value {
    let field =
        |it: &FieldChange| json!({"field": it.field, "before": it.before, "after": it.after});
    let fields: Vec<Value> = act.fields.iter().map(field).collect();
    let error = match outcome {
        Outcome::Failed(why) => json!(why),
        _ => Value::Null,
    };
    json!({
        "act": act.verb.word().0,
        "kind": act.kind,
        "name": act.name,
        "fields": fields,
        "result": outcome.word(),
        "error": error,
    })
}

/// A sentence about acts: `created 3, changed 1, deleted 0`.
pub(crate) fn counts(acts: &[&Act], words: [&str; 3]) -> String {
    let count = |verb: Verb| acts.iter().filter(|act| act.verb == verb).count();
    let verbs = [Verb::Create, Verb::Change, Verb::Delete];
    let told: Vec<String> = verbs
        .into_iter()
        .zip(words)
        .map(|(verb, word)| format!("{word} {}", count(verb)))
        .collect();
    told.join(", ")
}
