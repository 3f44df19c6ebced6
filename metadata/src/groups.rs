//! Groups: sets of users, robots and other groups, one level deep.

use crate::audit::Object;
use crate::keys::NameRange;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Action, Author, Timestamp, UserKind, UserName};
use serde_json::{Value as Json, json};

const GROUPS: &str = "select id, name, description, created_at from groups \
    where name >= ?1 and name < ?2 order by name limit ?3";
const GROUP: &str = "select id, name, description, created_at from groups where name = ?1";
const ADD_GROUP: &str = "insert into groups (id, name, description, created_at) \
    values (?1, ?2, ?3, ?4)";
const DESCRIBE: &str = "update groups set description = ?2 where id = ?1";
const DROP_GROUP: &str = "delete from groups where id = ?1";
const DROP_MEMBERSHIPS: &str = "delete from group_members where kind = ?1 and member_id = ?2";
const DROP_GRANTS_OF: &str = "delete from grants where subject = ?1";

/// A group holds groups that hold none: neither a second level nor a circle can be made, also not by
/// two who add at once, for both need the row of the other group as it is.
const ADD_USER: &str = "insert into group_members (group_id, kind, member_id, added_at, added_by) \
    select g.id, 'user', u.id, ?3, ?4 from groups g, users u where g.id = ?1 and u.id = ?2 \
    on conflict (group_id, kind, member_id) do update set added_at = group_members.added_at";
const ADD_SUBGROUP: &str = "insert into group_members (group_id, kind, member_id, added_at, \
    added_by) select g.id, 'group', m.id, ?3, ?4 from groups g, groups m \
    where g.id = ?1 and m.id = ?2 and g.id <> m.id \
    and not exists (select 1 from group_members x where x.group_id = m.id and x.kind = 'group') \
    and not exists (select 1 from group_members x where x.member_id = g.id and x.kind = 'group') \
    on conflict (group_id, kind, member_id) do update set added_at = group_members.added_at";
/// Locks the rows of both groups in the order of their ids.
const LOCK: &str = "update groups set name = name where id = ?1";
const REMOVE: &str = "delete from group_members \
    where group_id = ?1 and kind = ?2 and member_id = ?3";
const MEMBERS: &str = "select m.kind, coalesce(u.kind, ''), coalesce(u.name, g.name), m.added_at \
    from group_members m left join users u on m.kind = 'user' and u.id = m.member_id \
    left join groups g on m.kind = 'group' and g.id = m.member_id \
    where m.group_id = ?1 and coalesce(u.name, g.name) is not null \
    and (m.kind, coalesce(u.name, g.name)) > (?2, ?3) \
    order by m.kind, coalesce(u.name, g.name) limit ?4";
const USER_LABEL: &str = "select case kind when 'robot' then 'robot:' else 'user:' end || name \
    from users where id = ?1";
const GROUP_LABEL: &str = "select 'group:' || name from groups where id = ?1";
/// The groups of a user and those that hold them.
const GROUPS_OF: &str = "select g.name, '' from group_members m join groups g on g.id = m.group_id \
    where m.kind = 'user' and m.member_id = ?1 \
    union all select o.name, g.name from group_members m join groups g on g.id = m.group_id \
    join group_members n on n.kind = 'group' and n.member_id = g.id \
    join groups o on o.id = n.group_id where m.kind = 'user' and m.member_id = ?1 order by 2, 1";

const GROUPS_WITH: &str = "select o.name from group_members n join groups o on o.id = n.group_id \
    where n.kind = 'group' and n.member_id = ?1 order by o.name";

/// A group's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id, never used again.
    pub id: i64,
    /// Its name.
    pub name: UserName,
    /// What it is for.
    pub description: Box<str>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Who can be in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberId {
    /// A person or a robot.
    User(i64),
    /// A group that holds no other.
    Group(i64),
}

impl MemberId {
    const fn kind(self) -> (&'static str, i64) {
        match self {
            Self::User(id) => ("user", id),
            Self::Group(id) => ("group", id),
        }
    }
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    /// A person or a robot.
    User(UserKind),
    /// A group.
    Group,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// What it is.
    pub kind: MemberKind,
    /// Its name.
    pub name: Box<str>,
    /// Since when.
    pub added_at: Timestamp,
}

/// A group that a user is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The group.
    pub group: Box<str>,
    /// The group by which the user is in it; `None`: directly.
    pub through: Option<Box<str>>,
}

fn read(row: &mut Row) -> Result<Group, Error> {
    Ok(Group {
        id: row.int(0)?,
        name: row.parsed(1)?,
        description: row.text(2)?,
        created_at: Timestamp(row.int(3)?),
    })
}

impl Metadata {
    /// Groups whose names begin with `prefix`, after the name `after`, at most `limit`.
    pub async fn groups(&self, prefix: &str, after: &str, limit: u64) -> Result<Vec<Group>, Error> {
        let NameRange { from, end } = NameRange::of(prefix, after);
        let values = vec![from.into(), end.into(), limit.into()];
        let mut rows = self.sql.scan(GROUPS, values).await?;
        rows.iter_mut().map(read).collect()
    }

    /// The group of this name.
    pub async fn group(&self, name: &str) -> Result<Option<Group>, Error> {
        let mut rows = self.sql.rows(GROUP, &[name.into()]).await?;
        rows.first_mut().map(read).transpose()
    }

    /// Makes a group. [`Error::Exists`] if there is one of this name.
    pub async fn add_group(
        &self,
        name: &UserName,
        description: &str,
        by: &dyn Author,
    ) -> Result<Group, Error> {
        let group = Group {
            id: self.new_id(),
            name: name.clone(),
            description: description.into(),
            created_at: self.now(),
        };
        let mut batch = Batch::default();
        let values: [Value; 4] = [
            group.id.into(),
            name.as_str().into(),
            description.into(),
            group.created_at.into(),
        ];
        batch.run(ADD_GROUP, values);
        let details = json!({"description": description});
        let object = Object::Group(group.id);
        self.note(&mut batch, by, Action::GroupCreate, object, &details);
        self.sql.apply(batch).await?;
        Ok(group)
    }

    /// Says what a group is for. [`Error::Unmet`]: the [`Requirement::Group`] is gone.
    pub async fn describe_group(
        &self,
        id: i64,
        description: &str,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        let values = [id.into(), description.into()];
        batch.require(Requirement::Group, DESCRIBE, values);
        let details = json!({"description": description});
        self.note(
            &mut batch,
            by,
            Action::GroupChange,
            Object::Group(id),
            &details,
        );
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Removes a group with its grants. [`Error::Unmet`]: the [`Requirement::Group`] is gone.
    pub async fn drop_group(&self, group: &Group, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        let object = Object::Group(group.id);
        self.note(&mut batch, by, Action::GroupDelete, object, &json!({}));
        batch.run(DROP_MEMBERSHIPS, ["group".into(), group.id.into()]);
        batch.run(DROP_GRANTS_OF, [format!("group:{}", group.name).into()]);
        batch.require(Requirement::Group, DROP_GROUP, [group.id.into()]);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Puts a member into a group; does nothing where it is in it. [`Error::Unmet`]: one of both is
    /// gone, or a group would hold one that holds others ([`Requirement::Member`]).
    pub async fn add_member(
        &self,
        group: i64,
        member: MemberId,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let (kind, id) = member.kind();
        let mut batch = Batch::default();
        let add = if kind == "user" {
            ADD_USER
        } else {
            for id in [group.min(id), group.max(id)] {
                batch.run(LOCK, [id.into()]);
            }
            ADD_SUBGROUP
        };
        let values = [
            group.into(),
            id.into(),
            self.now().into(),
            by.label().into(),
        ];
        batch.require(Requirement::Member, add, values);
        let details = self.member_details(member).await?;
        let object = Object::Group(group);
        self.note(&mut batch, by, Action::MemberAdd, object, &details);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Takes a member out of a group. [`Error::Unmet`]: it is not in it ([`Requirement::Member`]).
    pub async fn remove_member(
        &self,
        group: i64,
        member: MemberId,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let (kind, id) = member.kind();
        let mut batch = Batch::default();
        let values = [group.into(), kind.into(), id.into()];
        batch.require(Requirement::Member, REMOVE, values);
        let details = self.member_details(member).await?;
        let object = Object::Group(group);
        self.note(&mut batch, by, Action::MemberRemove, object, &details);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Who came into a group or left it, as the audit trail tells it. Names of users and groups
    /// never change, and ids are never used again.
    async fn member_details(&self, member: MemberId) -> Result<Json, Error> {
        let (text, id) = match member {
            MemberId::User(id) => (USER_LABEL, id),
            MemberId::Group(id) => (GROUP_LABEL, id),
        };
        let mut rows = self.sql.rows(text, &[id.into()]).await?;
        let label = rows.first_mut().map(|row| row.text(0)).transpose()?;
        Ok(json!({"member": label}))
    }

    /// Members of a group after the one of this kind (`group` or `user`) and name, at most `limit`.
    pub async fn group_members(
        &self,
        group: i64,
        (kind, name): (&str, &str),
        limit: u64,
    ) -> Result<Vec<GroupMember>, Error> {
        let values = vec![group.into(), kind.into(), name.into(), limit.into()];
        let member = |row: &mut Row| {
            let (kind, name) = (row.text(0)?, row.text(2)?);
            let kind = if &*kind == "group" {
                MemberKind::Group
            } else {
                MemberKind::User(row.parsed(1)?)
            };
            let added_at = Timestamp(row.int(3)?);
            Ok(GroupMember {
                kind,
                name,
                added_at,
            })
        };
        let mut rows = self.sql.scan(MEMBERS, values).await?;
        rows.iter_mut().map(member).collect()
    }

    /// The groups of a user, directly and by a group that is in another.
    pub async fn groups_of(&self, user: i64) -> Result<Vec<Membership>, Error> {
        let membership = |row: &mut Row| {
            Ok(Membership {
                group: row.text(0)?,
                through: Some(row.text(1)?).filter(|name| !name.is_empty()),
            })
        };
        let mut rows = self.sql.scan(GROUPS_OF, vec![user.into()]).await?;
        rows.iter_mut().map(membership).collect()
    }

    /// The groups that hold this one.
    pub async fn groups_with(&self, group: i64) -> Result<Vec<Box<str>>, Error> {
        let mut rows = self.sql.rows(GROUPS_WITH, &[group.into()]).await?;
        rows.iter_mut().map(|row| row.text(0)).collect()
    }
}
