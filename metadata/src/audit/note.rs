//! Entries of changes: part of the batch that makes the change.

use crate::ids::made_at;
use crate::keys::PackageKey;
use crate::{Batch, Metadata, Value};
use larder_model::{Action, Author, Outcome};
use serde_json::Value as Json;

/// Writes an entry.
macro_rules! add {
    ($object:literal) => {
        concat!(
            "insert into audit_waiting (id, at, actor, action, object, result, address, request_id, \
             details, count, open_until) values (?1, ?2, ?3, ?4, ",
            $object,
            ", ?6, ?7, ?8, ?9, ?10, ?11)"
        )
    };
}

pub(super) const ADD: &str = add!("?5");
const ADD_OF_REPO: &str =
    add!("coalesce((select protocol || '/' || name from repos where id = ?12), '') || ?5");
const ADD_OF_USER: &str = add!(
    "coalesce((select case kind when 'robot' then 'robot:' else 'user:' end || name \
     from users where id = ?12), ?5)"
);
const ADD_OF_GROUP: &str =
    add!("coalesce((select 'group:' || name from groups where id = ?12), ?5)");

/// What a change is made to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Object<'a> {
    /// What is called so.
    Named(&'a str),
    /// A repository that is there when the entry is written.
    Repo(i64),
    /// A package of such a repository; of no name: the repository.
    Package(PackageKey<'a>),
    /// A user or robot that is there when the entry is written.
    User(i64),
    /// A group that is there when the entry is written.
    Group(i64),
}

impl Metadata {
    /// Adds to a batch that makes a change the entry that tells of it. `details` are an object
    /// without secrets. Does nothing for what the server keeps by itself.
    pub(crate) fn note(
        &self,
        batch: &mut Batch,
        by: &dyn Author,
        action: Action,
        object: Object<'_>,
        details: &Json,
    ) {
        if !by.is_audited() {
            return;
        }
        let (text, name, id) = match object {
            Object::Named(name) => (ADD, name.to_owned(), None),
            Object::Repo(id) => (ADD_OF_REPO, String::new(), Some(id)),
            Object::Package(key) if key.package.is_empty() => {
                (ADD_OF_REPO, String::new(), Some(key.repo))
            }
            Object::Package(key) => (ADD_OF_REPO, format!("/{}", key.package), Some(key.repo)),
            Object::User(id) => (ADD_OF_USER, format!("user:{id}"), Some(id)),
            Object::Group(id) => (ADD_OF_GROUP, format!("group:{id}"), Some(id)),
        };
        let entry = self.new_id();
        let origin = by.origin();
        let address = origin.map(|origin| origin.address.to_string());
        let request = origin.map_or("", |origin| &origin.request_id);
        let mut values: Vec<Value> = vec![
            entry.into(),
            made_at(entry).into(),
            by.label().into(),
            action.into(),
            name.into(),
            Outcome::Ok.into(),
            address.unwrap_or_default().into(),
            request.into(),
            details.to_string().into(),
            1_u64.into(),
            0_u64.into(),
        ];
        values.extend(id.map(Value::from));
        batch.run_with(text, values);
    }
}
