//! What is to be done, one call of the API after another.

use larder_api::{
    Grant, Group, GroupChange, NewGrant, NewGroup, NewRepository, NewRetention, NewRobot,
    NewSchedule, Repository, RepositoryChange, Retention, Robot, RobotChange, Schedule, Settings,
    SettingsChange,
};
use larder_model::{RepoPath, UserName};
use serde::Serialize;
use serde_json::{Value, json};
use std::ops::Range;

/// What is told of a secret.
pub(crate) const SECRET: &str = "(secret)";

/// What an act does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verb {
    Create,
    Change,
    Delete,
}

impl Verb {
    /// The word for it, and its mark in a list of differences.
    pub(crate) const fn word(self) -> (&'static str, &'static str) {
        match self {
            Self::Create => ("create", "+"),
            Self::Change => ("change", "~"),
            Self::Delete => ("delete", "-"),
        }
    }
}

/// A field that is not as it is to be.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct FieldChange {
    /// Its name in the API, dots leading into objects.
    pub(crate) field: &'static str,
    /// `null`: there is none.
    pub(crate) before: Value,
    pub(crate) after: Value,
}

/// One act.
pub(crate) struct Act {
    pub(crate) verb: Verb,
    /// What it is done to: `repository`, `group`, `robot`, `member`, `grant`, `schedule`, `retention`
    /// or `settings`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) fields: Vec<FieldChange>,
    pub(crate) call: Call,
}

/// The call of an act, with the state that it rests on where the API holds one to it. Not `Debug`:
/// bodies hold passwords.
pub(crate) enum Call {
    CreateRepository(NewRepository),
    ChangeRepository(Box<Repository>, RepositoryChange),
    DeleteRepository(Box<Repository>),
    ChangeSettings(Settings, SettingsChange),
    CreateGroup(NewGroup),
    ChangeGroup(Group, GroupChange),
    DeleteGroup(Group),
    /// A robot, and whether it is disabled at once.
    CreateRobot(NewRobot, bool),
    ChangeRobot(Robot, RobotChange),
    DeleteRobot(Robot),
    AddMember(UserName, String),
    RemoveMember(UserName, String),
    CreateGrant(NewGrant),
    /// A grant that takes the place of the one of this id.
    ReplaceGrant(Grant, NewGrant),
    DeleteGrant(Grant),
    ChangeSchedule(Box<Schedule>, NewSchedule),
    /// Of a repository; `None`: it was not there, or could not be asked.
    ChangeRetention(RepoPath, Option<Box<Retention>>, Box<NewRetention>),
}

/// Why nothing is done.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Refusal {
    /// Where in the file.
    pub(crate) span: Option<Range<usize>>,
    pub(crate) sentence: String,
    /// Whether the file is sound, and what is there does not go with it.
    pub(crate) is_clash: bool,
}

impl Refusal {
    /// The file is wrong there.
    pub(crate) fn file(span: &Range<usize>, sentence: impl Into<String>) -> Self {
        Self {
            span: Some(span.clone()),
            sentence: sentence.into(),
            is_clash: false,
        }
    }

    /// The file does not go with what is there.
    pub(crate) fn clash(span: Option<&Range<usize>>, sentence: impl Into<String>) -> Self {
        Self {
            span: span.cloned(),
            sentence: sentence.into(),
            is_clash: true,
        }
    }
}

/// The fields in which something differs.
#[derive(Default)]
pub(crate) struct Differences(pub(crate) Vec<FieldChange>);

impl Differences {
    /// What a field is to be, if it is to be anything and is not that.
    pub(crate) fn of<T: PartialEq + Serialize>(
        &mut self,
        field: &'static str,
        before: Option<T>,
        wanted: Option<T>,
    ) -> Option<T> {
        let wanted = wanted.filter(|wanted| before.as_ref() != Some(wanted))?;
        self.0.push(FieldChange {
            field,
            before: before.map_or(Value::Null, |before| json!(before)),
            after: json!(wanted),
        });
        Some(wanted)
    }

    /// A secret, which nobody compares, is sent.
    pub(crate) fn secret(&mut self, field: &'static str, is_set: bool) {
        self.0.push(FieldChange {
            field,
            before: if is_set { json!(SECRET) } else { Value::Null },
            after: json!(SECRET),
        });
    }
}
