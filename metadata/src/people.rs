//! Users, groups, tokens and grants.

use crate::{Batch, Error, Metadata, Requirement, Row, Value};
use larder_model::{Pattern, Role, Timestamp, TokenKind, UserKind, UserName};

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

const GRANTS: &str =
    "select id, subject, repository, package, role, created_at, created_by from grants order by id";
const GRANTS_AFTER: &str = "select id, subject, repository, package, role, created_at, created_by from grants \
    where id > ?1 order by id limit ?2";
const GRANT_BY_ID: &str = "select id, subject, repository, package, role, created_at, created_by from grants \
    where id = ?1";
const ADD_GRANT: &str = "insert into grants (id, subject, repository, package, role, created_at, created_by) \
    values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const DROP_GRANT: &str = "delete from grants where id = ?1";

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

/// A grant's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id.
    pub id: i64,
    /// `user:…`, `group:…`, `robot:…`, `authenticated` or `anonymous`.
    pub subject: Box<str>,
    /// Which repositories, e.g. `oci/team-*`.
    pub repository: Pattern,
    /// Which packages in them; `*`: all.
    pub package: Pattern,
    /// What the subject is there.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: Box<str>,
}

impl Grant {
    fn read(row: &mut Row) -> Result<Self, Error> {
        Ok(Self {
            id: row.int(0)?,
            subject: row.text(1)?,
            repository: row.parsed(2)?,
            package: row.parsed(3)?,
            role: row.parsed(4)?,
            created_at: Timestamp(row.int(5)?),
            created_by: row.text(6)?,
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
    pub async fn add_user(&self, new: NewUser<'_>) -> Result<i64, Error> {
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
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await?;
        Ok(id)
    }

    /// Makes a robot; [`Error::Exists`] if the name is taken. [`Error::Unmet`]: its
    /// [`Requirement::Owner`] is gone, or is a robot.
    pub async fn add_robot(&self, new: NewRobot<'_>) -> Result<i64, Error> {
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
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
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
    ) -> Result<(), Error> {
        let mut batch = Batch::default();
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
    pub async fn drop_user(&self, user: &User) -> Result<(), Error> {
        let mut batch = Batch::default();
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
    pub async fn add_token(&self, token: &Token, hash: &str) -> Result<(), Error> {
        let mut batch = Batch::default();
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
    pub async fn drop_token(&self, id: i64, owner: i64) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.require(Requirement::Token, DROP_TOKEN, [id.into(), owner.into()]);
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await
    }

    /// All grants in the order of their making.
    pub async fn grants(&self) -> Result<Vec<Grant>, Error> {
        self.sql
            .scan(GRANTS, Vec::new())
            .await?
            .iter_mut()
            .map(Grant::read)
            .collect()
    }

    /// Grants after the one of id `after`, at most `limit`.
    pub async fn grants_after(&self, after: i64, limit: u64) -> Result<Vec<Grant>, Error> {
        let values = vec![after.into(), limit.into()];
        self.sql
            .scan(GRANTS_AFTER, values)
            .await?
            .iter_mut()
            .map(Grant::read)
            .collect()
    }

    /// The grant of this id.
    pub async fn grant(&self, id: i64) -> Result<Option<Grant>, Error> {
        self.sql
            .rows(GRANT_BY_ID, &[id.into()])
            .await?
            .first_mut()
            .map(Grant::read)
            .transpose()
    }

    /// Keeps a grant; [`Error::Exists`] if the very same is there.
    pub async fn add_grant(&self, grant: &Grant) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.run(
            ADD_GRANT,
            [
                grant.id.into(),
                grant.subject.as_ref().into(),
                grant.repository.as_str().into(),
                grant.package.as_str().into(),
                grant.role.word().into(),
                grant.created_at.into(),
                grant.created_by.as_ref().into(),
            ],
        );
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await
    }

    /// Ends a grant; [`Error::Unmet`] if there is no such [`Requirement::Grant`].
    pub async fn drop_grant(&self, id: i64) -> Result<(), Error> {
        let mut batch = Batch::default();
        batch.require(Requirement::Grant, DROP_GRANT, [id.into()]);
        self.touch_policy(&mut batch);
        self.sql.apply(batch).await
    }
}
