//! Users: persons, and robots for whom a person answers.

use crate::audit::Object;
use crate::keys::NameRange;
use crate::sessions::drop_others;
use crate::tokens::end_logins;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Action, Author, Subject, Timestamp, UserKind, UserName};
use serde_json::json;

macro_rules! users {
    ($more:literal, $($where:literal),+) => {
        concat!(
            "select u.id, u.name, u.kind, u.superuser, u.disabled, u.created_at, u.description, \
             o.id, o.name, o.disabled, u.password_changed_at",
            $more,
            " from users u left join users o on o.id = u.owner where ",
            $($where),+
        )
    };
}

macro_rules! users_page {
    ($where:literal) => {
        users!(
            "",
            $where,
            " and u.name >= ?1 and u.name < ?2 order by u.name limit ?3"
        )
    };
}

/// Users of a kind: any, those that are not disabled, those that are; of each any, those that are no
/// superusers, those that are. An index of those that are few is used where a statement names them.
const USERS: [[&str; 3]; 3] = [
    [
        users_page!("u.kind = ?4"),
        users_page!("u.kind = ?4 and u.superuser = 0"),
        users_page!("u.kind = ?4 and u.superuser = 1"),
    ],
    [
        users_page!("u.kind = ?4 and u.disabled = 0"),
        users_page!("u.kind = ?4 and u.disabled = 0 and u.superuser = 0"),
        users_page!("u.kind = ?4 and u.disabled = 0 and u.superuser = 1"),
    ],
    [
        users_page!("u.kind = ?4 and u.disabled = 1"),
        users_page!("u.kind = ?4 and u.disabled = 1 and u.superuser = 0"),
        users_page!("u.kind = ?4 and u.disabled = 1 and u.superuser = 1"),
    ],
];
/// The robots of an owner: any, those that are not disabled, those that are.
const ROBOTS_OF: [&str; 3] = [
    users_page!("u.owner = ?4"),
    users_page!("u.owner = ?4 and u.disabled = 0"),
    users_page!("u.owner = ?4 and u.disabled = 1"),
];
const USER: &str = users!("", "u.name = ?1");
const USER_BY_ID: &str = users!("", "u.id = ?1");
const USER_WITH_PASSWORD: &str = users!(", u.password", "u.name = ?1");
const KINDS: &str = "select kind, count(*) from users group by kind order by kind";
const ANY_USER: &str = "select id from users limit 1";
const ADD_USER: &str = "insert into users (id, name, kind, password, superuser, disabled, \
    created_at, description, owner) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
/// Changes one row if the user is there who is to answer for a robot.
const OWNER_IS_THERE: &str = "update users set name = name where id = ?1 and kind = 'person'";
const HAND_OVER: &str = "update users set owner = ?2 where id = ?1 and kind = 'robot'";
const DESCRIBE: &str = "update users set description = ?2 where id = ?1 and kind = 'robot'";
const DISABLE: &str = "update users set disabled = ?2 where id = ?1 and kind = 'robot'";
const SET_PASSWORD: &str = "update users set password = ?2, password_changed_at = ?3 where id = ?1";
const REPLACE_PASSWORD: &str = "update users set password = ?2, password_changed_at = ?3 \
    where id = ?1 and password = ?4";
const SET_FLAGS: &str = "update users set superuser = ?2, disabled = ?3 \
    where id = ?1 and superuser = ?4 and disabled = ?5";
const DROP_USER: &str = "delete from users where id = ?1 and superuser = ?2 and disabled = ?3";
const DROP_GRANTS_OF: &str = "delete from grants where subject = ?1";
const OTHER_SUPERUSERS: &str = "update users set superuser = superuser where id = \
    (select min(id) from users where superuser = 1 and disabled = 0 and id <> ?1)";

const DROP_MEMBERSHIPS: &str = "delete from group_members where kind = 'user' and member_id = ?1";

/// A user's row, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id, never used again.
    pub id: i64,
    /// Its name.
    pub name: UserName,
    /// Whom it is for.
    pub kind: UserKind,
    /// Whether it may do everything.
    pub superuser: bool,
    /// Whether it may do nothing.
    pub disabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// What a robot is for; empty for persons.
    pub description: Box<str>,
    /// Who answers for a robot; `None`: this is a person, or the owner is gone.
    pub owner: Option<Owner>,
    /// When its password became what it is; 0: it is the first one.
    pub password_changed_at: Timestamp,
}

/// The person who answers for a robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: UserName,
    /// Whether it may do nothing; then its robots may not either.
    pub disabled: bool,
}

/// What is changed of a robot; what is `None` stays.
#[derive(Clone, Copy, Default, Debug)]
pub struct RobotChange<'a> {
    /// What it is for.
    pub description: Option<&'a str>,
    /// The id of the person who answers for it from now on.
    pub owner: Option<i64>,
    /// Whether it may do nothing.
    pub disabled: Option<bool>,
}

impl User {
    /// Whether it may do anything at all. A robot may not whose owner is gone or disabled.
    pub fn is_active(&self) -> bool {
        let has_owner = || self.owner.as_ref().is_some_and(|owner| !owner.disabled);
        !self.disabled && (self.kind == UserKind::Person || has_owner())
    }

    /// The subject of its own grants. Logs and rows name it so too: `user:alice`, `robot:ci`.
    pub fn subject(&self) -> Subject {
        Subject::of_user(self.kind, self.name.clone())
    }

    fn read(row: &mut Row) -> Result<Self, Error> {
        let owner = match row.optional_int(7)? {
            Some(id) => Some(Owner {
                id,
                name: row.parsed(8)?,
                disabled: flag(row, 9)?,
            }),
            None => None,
        };
        Ok(Self {
            id: row.int(0)?,
            name: row.parsed(1)?,
            kind: row.parsed(2)?,
            superuser: flag(row, 3)?,
            disabled: flag(row, 4)?,
            created_at: Timestamp(row.int(5)?),
            description: row.text(6)?,
            owner,
            password_changed_at: Timestamp(row.int(10)?),
        })
    }
}

/// Which users are meant; without anything, all of a kind.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct UserFilter<'a> {
    /// Those whose names begin so.
    pub prefix: &'a str,
    /// Those that may do nothing, or those that may.
    pub disabled: Option<bool>,
    /// Those that may do everything, or those that may not; of persons alone.
    pub superuser: Option<bool>,
    /// The robots for whom the user of this id answers; of robots alone.
    pub owner: Option<i64>,
}

/// A user to be made.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// Its name. Persons and robots share one set of names.
    pub name: &'a UserName,
    /// Its password's hash; robots have none.
    pub password: Option<String>,
    /// Whether it may do everything.
    pub superuser: bool,
    /// Whether it may do nothing.
    pub disabled: bool,
}

/// Another password.
#[derive(Clone, Debug)]
pub struct NewPassword {
    /// Its hash.
    pub hash: String,
    /// The hash of the password that whoever changes it has shown: it is changed only while that is
    /// the user's. `None`: whatever it was.
    pub before: Option<Box<str>>,
}

impl NewPassword {
    /// One that takes the place of any.
    pub const fn set(hash: String) -> Self {
        Self { hash, before: None }
    }
}

/// A robot to be made.
#[derive(Clone, Copy, Debug)]
pub struct NewRobot<'a> {
    /// Its name.
    pub name: &'a UserName,
    /// What it is for.
    pub description: &'a str,
    /// The id of the person who answers for it.
    pub owner: i64,
}

fn flag(row: &mut Row, column: usize) -> Result<bool, Error> {
    Ok(row.int(column)? != 0)
}

impl Metadata {
    /// How many users there are of each kind.
    pub async fn users_by_kind(&self) -> Result<Vec<(UserKind, u64)>, Error> {
        let mut rows = self.sql.scan(KINDS, Vec::new()).await?;
        let read = |row: &mut Row| Ok((row.parsed(0)?, row.count(1)?));
        rows.iter_mut().map(read).collect()
    }

    /// Users of a kind that `filter` means, after the name `after`, at most `limit`.
    pub async fn users(
        &self,
        kind: UserKind,
        filter: UserFilter<'_>,
        after: &str,
        limit: u64,
    ) -> Result<Vec<User>, Error> {
        let place = |choice: Option<bool>| choice.map_or(0, |it| 1 + usize::from(it));
        let disabled = place(filter.disabled);
        let (text, of) = match filter.owner {
            None => (USERS[disabled][place(filter.superuser)], kind.into()),
            Some(owner) => (ROBOTS_OF[disabled], Value::from(owner)),
        };
        let NameRange { from, end } = NameRange::of(filter.prefix, after);
        let values = vec![from.into(), end.into(), limit.into(), of];
        let mut rows = self.sql.scan(text, values).await?;
        rows.iter_mut().map(User::read).collect()
    }

    /// The user of this name.
    pub async fn user(&self, name: &str) -> Result<Option<User>, Error> {
        let mut rows = self.sql.rows(USER, &[name.into()]).await?;
        rows.first_mut().map(User::read).transpose()
    }

    /// The user of this id.
    pub async fn user_by_id(&self, id: i64) -> Result<Option<User>, Error> {
        let mut rows = self.sql.rows(USER_BY_ID, &[id.into()]).await?;
        rows.first_mut().map(User::read).transpose()
    }

    /// The user of this name with its password's hash, if it has one.
    pub async fn user_with_password(
        &self,
        name: &str,
    ) -> Result<Option<(User, Option<Box<str>>)>, Error> {
        let mut rows = self.sql.rows(USER_WITH_PASSWORD, &[name.into()]).await?;
        let read = |row: &mut Row| Ok((User::read(row)?, row.optional_text(11)?));
        rows.first_mut().map(read).transpose()
    }

    /// Whether there is any user.
    pub async fn has_users(&self) -> Result<bool, Error> {
        Ok(!self.sql.rows(ANY_USER, &[]).await?.is_empty())
    }

    /// Makes a person's account; [`Error::Exists`] if the name is taken.
    pub async fn add_user(&self, new: NewUser<'_>, by: &dyn Author) -> Result<i64, Error> {
        let mut batch = Batch::default();
        let id = self.new_id();
        let values = [
            id.into(),
            new.name.as_str().into(),
            UserKind::Person.into(),
            new.password.into(),
            new.superuser.into(),
            new.disabled.into(),
            self.now().into(),
            "".into(),
            Value::from(None::<i64>),
        ];
        batch.run(ADD_USER, values);
        let details = json!({"superuser": new.superuser, "disabled": new.disabled});
        let object = Object::User(id);
        self.note(&mut batch, by, Action::UserCreate, object, &details);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await?;
        Ok(id)
    }

    /// Makes a robot; [`Error::Exists`] if the name is taken. [`Error::Unmet`]: its
    /// [`Requirement::Owner`] is gone, or is a robot.
    pub async fn add_robot(&self, new: NewRobot<'_>, by: &dyn Author) -> Result<i64, Error> {
        let mut batch = Batch::default();
        let id = self.new_id();
        batch.require(Requirement::Owner, OWNER_IS_THERE, [new.owner.into()]);
        let values = [
            id.into(),
            new.name.as_str().into(),
            UserKind::Robot.into(),
            Value::from(None::<String>),
            false.into(),
            false.into(),
            self.now().into(),
            new.description.into(),
            new.owner.into(),
        ];
        batch.run(ADD_USER, values);
        let details = json!({"description": new.description, "owner_id": new.owner.to_string()});
        let object = Object::User(id);
        self.note(&mut batch, by, Action::RobotCreate, object, &details);
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await?;
        Ok(id)
    }

    /// Changes a robot. [`Error::Unmet`]: the robot ([`Requirement::User`]) or its new
    /// [`Requirement::Owner`] is gone.
    pub async fn change_robot(
        &self,
        id: i64,
        change: RobotChange<'_>,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        let details = json!({
            "description": change.description,
            "owner_id": change.owner.map(|owner| owner.to_string()),
            "disabled": change.disabled,
        });
        let object = Object::User(id);
        self.note(&mut batch, by, Action::RobotChange, object, &details);
        if let Some(owner) = change.owner {
            batch.require(Requirement::Owner, OWNER_IS_THERE, [owner.into()]);
            batch.require(Requirement::User, HAND_OVER, [id.into(), owner.into()]);
        }
        if let Some(description) = change.description {
            let values = [id.into(), description.into()];
            batch.require(Requirement::User, DESCRIBE, values);
        }
        if let Some(disabled) = change.disabled {
            batch.require(Requirement::User, DISABLE, [id.into(), disabled.into()]);
        }
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Changes a user. Another password, and that it is disabled, end its sessions, and another
    /// password ends the logins of its clients, but for the one by which the author asks for another
    /// password. [`Error::Unmet`]: the [`Requirement::User`] is
    /// gone or not as it was read, or had another password than the one that was shown, so that no
    /// change undoes another unseen; or there is no [`Requirement::OtherSuperuser`].
    pub async fn change_user(
        &self,
        user: &User,
        password: Option<NewPassword>,
        superuser: bool,
        disabled: bool,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        let action = match user.kind {
            UserKind::Person => Action::UserChange,
            UserKind::Robot => Action::RobotChange,
        };
        let password_changed = password.is_some();
        let details = json!({
            "superuser": superuser,
            "disabled": disabled,
            "password_changed": password_changed,
        });
        self.note(&mut batch, by, action, Object::User(user.id), &details);
        if user.superuser && !user.disabled && (disabled || !superuser) {
            batch.require(
                Requirement::OtherSuperuser,
                OTHER_SUPERUSERS,
                [user.id.into()],
            );
        }
        if let Some(password) = password {
            let values = [user.id.into(), password.hash.into(), self.now().into()];
            match password.before {
                Some(before) => {
                    let [id, hash, at] = values;
                    let values = [id, hash, at, before.as_ref().into()];
                    batch.require(Requirement::User, REPLACE_PASSWORD, values);
                }
                None => batch.require(Requirement::User, SET_PASSWORD, values),
            }
            end_logins(&mut batch, user.id, by.token());
        }
        // Whoever knew the password before, or was let in before, must not stay in.
        let kept = by.session().filter(|_| !disabled);
        if password_changed || disabled {
            drop_others(&mut batch, user.id, kept);
        }
        let flags = [superuser, disabled, user.superuser, user.disabled].map(Value::from);
        let [superuser, disabled, was_superuser, was_disabled] = flags;
        batch.require(
            Requirement::User,
            SET_FLAGS,
            [
                user.id.into(),
                superuser,
                disabled,
                was_superuser,
                was_disabled,
            ],
        );
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }

    /// Removes a user with its tokens and grants. [`Error::Unmet`] as for a change.
    pub async fn drop_user(&self, user: &User, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        let action = match user.kind {
            UserKind::Person => Action::UserDelete,
            UserKind::Robot => Action::RobotDelete,
        };
        self.note(&mut batch, by, action, Object::User(user.id), &json!({}));
        if user.superuser && !user.disabled {
            batch.require(
                Requirement::OtherSuperuser,
                OTHER_SUPERUSERS,
                [user.id.into()],
            );
        }
        batch.run(DROP_MEMBERSHIPS, [user.id.into()]);
        batch.run(DROP_GRANTS_OF, [user.subject().to_string().into()]);
        batch.require(
            Requirement::User,
            DROP_USER,
            [user.id.into(), user.superuser.into(), user.disabled.into()],
        );
        self.touch_policy(&mut batch, by);
        self.sql.apply(batch).await
    }
}

#[cfg(test)]
mod tests;
