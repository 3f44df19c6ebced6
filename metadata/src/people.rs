//! Users and tokens.

use crate::audit::Object;
use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Action, Author, Timestamp, TokenKind, UserKind, UserName};
use serde_json::json;

const USERS: &str = "select id, name, kind, superuser, disabled, created_at, description, owner \
    from users order by name";
const USER_PASSWORD: &str = "select id, password from users where name = ?1";
const ADD_USER: &str = "insert into users (id, name, kind, password, superuser, disabled, created_at, \
    description, owner) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
/// Changes one row if the user is there who is to answer for a robot.
const OWNER_IS_THERE: &str = "update users set name = name where id = ?1 and kind = 'person'";
const HAND_OVER: &str = "update users set owner = ?2 where id = ?1 and kind = 'robot'";
const DESCRIBE: &str = "update users set description = ?2 where id = ?1 and kind = 'robot'";
const SET_PASSWORD: &str = "update users set password = ?2 where id = ?1";
const SET_FLAGS: &str = "update users set superuser = ?2, disabled = ?3 \
    where id = ?1 and superuser = ?4 and disabled = ?5";
const DROP_USER: &str = "delete from users where id = ?1 and superuser = ?2 and disabled = ?3";
const DROP_GRANTS_OF: &str = "delete from grants where subject = ?1";
const OTHER_SUPERUSERS: &str = "update users set superuser = superuser where id = \
    (select min(id) from users where superuser = 1 and disabled = 0 and id <> ?1)";

const DROP_MEMBERSHIPS: &str = "delete from group_members where kind = 'user' and member_id = ?1";
/// Also of groups that hold the group of a user.
const MEMBERS: &str = "select m.member_id, g.name from group_members m \
    join groups g on g.id = m.group_id where m.kind = 'user' union \
    select m.member_id, o.name from group_members m \
    join group_members n on n.kind = 'group' and n.member_id = m.group_id \
    join groups o on o.id = n.group_id where m.kind = 'user'";

const TOKENS_OF: &str = "select id, owner, name, kind, grants, created_at, expires_at from tokens \
    where owner = ?1 and id > ?2 order by id limit ?3";
const TOKEN_BY_HASH: &str =
    "select id, owner, name, kind, grants, created_at, expires_at from tokens where hash = ?1";
const TOKEN_BY_ID: &str =
    "select id, owner, name, kind, grants, created_at, expires_at from tokens where id = ?1";
const ADD_TOKEN: &str = "insert into tokens (id, owner, name, kind, hash, grants, created_at, expires_at) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const DROP_TOKEN: &str = "delete from tokens where id = ?1 and owner = ?2";
const DROP_EXPIRED: &str = "delete from tokens where expires_at < ?1";

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
    /// The id of the person who answers for a robot. Who is gone or disabled disables it.
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

/// A token's row, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: i64,
    /// The user that it acts for.
    pub owner: i64,
    /// What its maker calls it.
    pub name: Box<str>,
    /// How it came to be.
    pub kind: TokenKind,
    /// What it is limited to, as JSON; `None`: all that its owner may.
    pub grants: Option<Box<str>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

impl Token {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            owner: row.int(1)?,
            name: row.text(2)?,
            kind: row.parsed(3)?,
            grants: row.optional_text(4)?,
            created_at: Timestamp(row.int(5)?),
            expires_at: row.optional_int(6)?.map(Timestamp),
        })
    }
}

fn flag(row: &mut Row, column: usize) -> Result<bool, Error> {
    Ok(row.int(column)? != 0)
}

impl Metadata {
    /// All users by name.
    pub async fn users(&self) -> Result<Vec<User>, Error> {
        let read = |row: &mut Row| {
            Ok(User {
                id: row.int(0)?,
                name: row.parsed(1)?,
                kind: row.parsed(2)?,
                superuser: flag(row, 3)?,
                disabled: flag(row, 4)?,
                created_at: Timestamp(row.int(5)?),
                description: row.text(6)?,
                owner: row.optional_int(7)?,
            })
        };
        self.sql
            .scan(USERS, Vec::new())
            .await?
            .iter_mut()
            .map(read)
            .collect()
    }

    /// A user's id and password hash.
    pub async fn password_of(&self, name: &str) -> Result<Option<(i64, Option<Box<str>>)>, Error> {
        let mut rows = self.sql.rows(USER_PASSWORD, &[name.into()]).await?;
        rows.first_mut()
            .map(|row| Ok((row.int(0)?, row.optional_text(1)?)))
            .transpose()
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
        self.note(
            &mut batch,
            by,
            Action::UserCreate,
            Object::User(id),
            &details,
        );
        self.touch_policy(&mut batch);
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
        self.note(
            &mut batch,
            by,
            Action::RobotCreate,
            Object::User(id),
            &details,
        );
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await?;
        Ok(id)
    }

    /// Changes a robot. [`Error::Unmet`]: the robot ([`Requirement::User`]) or its new
    /// [`Requirement::Owner`] is gone.
    pub async fn change_robot(
        &self,
        id: i64,
        description: Option<&str>,
        owner: Option<i64>,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        let owner_id = owner.map(|owner| owner.to_string());
        let details = json!({"description": description, "owner_id": owner_id});
        self.note(
            &mut batch,
            by,
            Action::RobotChange,
            Object::User(id),
            &details,
        );
        if let Some(owner) = owner {
            batch.require(Requirement::Owner, OWNER_IS_THERE, [owner.into()]);
            batch.require(Requirement::User, HAND_OVER, [id.into(), owner.into()]);
        }
        if let Some(description) = description {
            let values = [id.into(), description.into()];
            batch.require(Requirement::User, DESCRIBE, values);
        }
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await
    }

    /// Changes a user. [`Error::Unmet`]: the [`Requirement::User`] is gone or not as it was read, so that no
    /// change undoes another unseen; or there is no [`Requirement::OtherSuperuser`].
    pub async fn change_user(
        &self,
        user: &User,
        password: Option<String>,
        superuser: bool,
        disabled: bool,
        by: &dyn Author,
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
        let action = match user.kind {
            UserKind::Person => Action::UserChange,
            UserKind::Robot => Action::RobotChange,
        };
        let details = json!({
            "superuser": superuser,
            "disabled": disabled,
            "password_changed": password.is_some(),
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
            batch.require(
                Requirement::User,
                SET_PASSWORD,
                [user.id.into(), password.into()],
            );
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
        self.touch_policy(&mut batch);
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
        for word in ["user", "robot"] {
            batch.run(DROP_GRANTS_OF, [format!("{word}:{}", user.name).into()]);
        }
        batch.require(
            Requirement::User,
            DROP_USER,
            [user.id.into(), user.superuser.into(), user.disabled.into()],
        );
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await
    }

    /// Which user is in which group.
    pub async fn members(&self) -> Result<Vec<(i64, Box<str>)>, Error> {
        let read = |row: &mut Row| Ok((row.int(0)?, row.text(1)?));
        self.sql
            .scan(MEMBERS, Vec::new())
            .await?
            .iter_mut()
            .map(read)
            .collect()
    }

    /// The token whose secret has this hash.
    pub async fn token_by_hash(&self, hash: &str) -> Result<Option<Token>, Error> {
        self.sql
            .rows(TOKEN_BY_HASH, &[hash.into()])
            .await?
            .first_mut()
            .map(Token::read)
            .transpose()
    }

    /// The token of this id.
    pub async fn token(&self, id: i64) -> Result<Option<Token>, Error> {
        self.sql
            .rows(TOKEN_BY_ID, &[id.into()])
            .await?
            .first_mut()
            .map(Token::read)
            .transpose()
    }

    /// A user's tokens after the one of id `after`, at most `limit`.
    pub async fn tokens_of(&self, owner: i64, after: i64, limit: u64) -> Result<Vec<Token>, Error> {
        let values = vec![owner.into(), after.into(), limit.into()];
        self.sql
            .scan(TOKENS_OF, values)
            .await?
            .iter_mut()
            .map(Token::read)
            .collect()
    }

    /// Keeps a token's row; `hash` is that of its secret.
    pub async fn add_token(&self, token: &Token, hash: &str, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        let details = json!({
            "id": token.id.to_string(),
            "name": token.name,
            "kind": token.kind,
            "grants": token.grants,
            "expires_at": token.expires_at,
        });
        let owner = Object::User(token.owner);
        self.note(&mut batch, by, Action::TokenCreate, owner, &details);
        batch.run(
            ADD_TOKEN,
            [
                token.id.into(),
                token.owner.into(),
                token.name.as_ref().into(),
                token.kind.into(),
                hash.into(),
                token.grants.as_deref().into(),
                token.created_at.into(),
                token.expires_at.into(),
            ],
        );
        batch.run(DROP_EXPIRED, [self.now().into()]);
        self.sql.apply(batch).await
    }

    /// Ends a token of that owner; [`Error::Unmet`] if there is no such [`Requirement::Token`].
    pub async fn drop_token(&self, id: i64, owner: i64, by: &dyn Author) -> Result<(), Error> {
        let mut batch = Batch::default();
        let details = json!({"id": id.to_string()});
        let of = Object::User(owner);
        self.note(&mut batch, by, Action::TokenDelete, of, &details);
        batch.require(Requirement::Token, DROP_TOKEN, [id.into(), owner.into()]);
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await
    }
}
