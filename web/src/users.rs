//! Users. The rights of these calls are judged in `require`; what hangs on their bodies is judged
//! here.

use crate::Api;
use crate::endpoint::no_user;
use crate::fields::{Fields, needed};
use crate::page::{List, Page};
use crate::reply::{created, gone, ok};
use crate::require::only_superusers;
use larder_access::Admission;
use larder_keys::secret;
use larder_metadata::people::User;
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem, Reply, UserKind, UserName};
use serde::Serialize;
use std::sync::Arc;

/// Characters of a password.
const PASSWORD: std::ops::RangeInclusive<usize> = 8..=256;

#[derive(Serialize)]
struct Shown<'a> {
    name: &'a str,
    kind: &'a str,
    superuser: bool,
    disabled: bool,
    created_at: String,
}

impl<'a> Shown<'a> {
    fn of(user: &'a User) -> Self {
        Self {
            name: user.name.as_str(),
            kind: user.kind.word(),
            superuser: user.superuser,
            disabled: user.disabled,
            created_at: user.created_at.to_string(),
        }
    }
}

impl Api {
    pub(crate) fn list_users(&self, _: &Admission, page: &Page) -> Result<Reply, Problem> {
        let policy = self.gate.policy();
        let mut users: Vec<&Arc<User>> = policy
            .users()
            .filter(|user| user.name.as_str() > &*page.after)
            .collect();
        users.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let shown = users
            .into_iter()
            .take(page.limit + 1)
            .map(|user| Shown::of(user))
            .collect();
        ok(&List::of(shown, page.limit, |user| user.name.to_owned()))
    }

    pub(crate) async fn create_user(
        &self,
        admission: &Admission,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        let mut fields = Fields::read(body)?;
        let name: UserName = needed(fields.parsed("name")?, "name")?;
        let password = needed(fields.text("password")?, "password")?;
        let superuser = fields.flag("superuser")?.unwrap_or(false);
        let disabled = fields.flag("disabled")?.unwrap_or(false);
        fields.finish()?;
        check_password(&password, &name)?;
        let hash = self.gate.hash_password(&password).await?;
        match self
            .metadata
            .add_user(&name, UserKind::Person, Some(hash), superuser, disabled)
            .await
        {
            Ok(_) => {}
            Err(Error::Exists(_)) => {
                return Err(Problem::new(
                    Kind::Conflict,
                    "user",
                    format!("there is already a user {name}"),
                ));
            }
            Err(error) => return Err(error.into()),
        }
        self.gate.refresh().await?;
        tracing::info!(by = %admission.principal().label, user = %name, superuser, "user created");
        created(
            format_args!("/users/{name}"),
            &Shown::of(&*self.user(&name)?),
        )
    }

    pub(crate) fn get_user(&self, _: &Admission, name: &UserName) -> Result<Reply, Problem> {
        ok(&Shown::of(&*self.user(name)?))
    }

    pub(crate) async fn change_user(
        &self,
        admission: &Admission,
        name: &UserName,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        let change = Change::read(body, name)?;
        if !admission.principal().is_superuser()
            && (change.superuser.is_some() || change.disabled.is_some())
        {
            return Err(only_superusers());
        }
        self.gate.refresh().await?;
        let user = self.user(name)?;
        if change.is_nothing() {
            return ok(&Shown::of(&user));
        }
        let hash = match &change.password {
            Some(password) => {
                if admission.principal().user == Some(user.id) {
                    self.check_current(name, change.current_password.as_deref())
                        .await?;
                }
                Some(self.gate.hash_password(password).await?)
            }
            None => None,
        };
        let (superuser, disabled) = (
            change.superuser.unwrap_or(user.superuser),
            change.disabled.unwrap_or(user.disabled),
        );
        let password_changed = hash.is_some();
        self.metadata
            .change_user(&user, hash, superuser, disabled)
            .await
            .map_err(refused)?;
        self.gate.refresh().await?;
        tracing::info!(by = %admission.principal().label, user = %name, superuser, disabled, password_changed, "user changed");
        ok(&Shown::of(&*self.user(name)?))
    }

    pub(crate) async fn delete_user(
        &self,
        admission: &Admission,
        name: &UserName,
    ) -> Result<Reply, Problem> {
        self.gate.refresh().await?;
        self.metadata
            .drop_user(&*self.user(name)?)
            .await
            .map_err(refused)?;
        self.gate.refresh().await?;
        tracing::info!(by = %admission.principal().label, user = %name, "user deleted");
        Ok(gone())
    }

    pub(crate) fn user(&self, name: &UserName) -> Result<Arc<User>, Problem> {
        self.gate
            .policy()
            .user(name.as_str())
            .cloned()
            .ok_or_else(no_user)
    }

    /// Whoever found an open session must not be able to keep the account.
    async fn check_current(&self, name: &UserName, password: Option<&str>) -> Result<(), Problem> {
        let lacks = || {
            Problem::invalid(
                "current_password",
                "to change your own password send `current_password` too",
            )
        };
        let holds = self
            .gate
            .verify_password(name.as_str(), password.ok_or_else(lacks)?)
            .await?;
        if holds {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Denied,
            "current_password",
            "`current_password` is not your password",
        ))
    }
}

/// What a PATCH brings.
struct Change {
    password: Option<String>,
    current_password: Option<String>,
    superuser: Option<bool>,
    disabled: Option<bool>,
}

impl Change {
    fn read(body: &[u8], name: &UserName) -> Result<Self, Problem> {
        let mut fields = Fields::read(body)?;
        let change = Self {
            password: fields.text("password")?,
            current_password: fields.text("current_password")?,
            superuser: fields.flag("superuser")?,
            disabled: fields.flag("disabled")?,
        };
        fields.finish()?;
        if let Some(password) = &change.password {
            check_password(password, name)?;
        }
        Ok(change)
    }

    const fn is_nothing(&self) -> bool {
        self.password.is_none() && self.superuser.is_none() && self.disabled.is_none()
    }
}

fn check_password(password: &str, name: &UserName) -> Result<(), Problem> {
    let why = if !PASSWORD.contains(&password.chars().count()) {
        "a password has 8 to 256 characters"
    } else if password.chars().any(char::is_control) {
        "a password has no control characters, which clients could not send" // RFC 7617 2
    } else if password.eq_ignore_ascii_case(name.as_str()) {
        "a password is not the user's name"
    } else if password.starts_with(secret::PREFIX) {
        "a password does not begin like a token"
    } else {
        return Ok(());
    };
    Err(Problem::invalid("password", why))
}

fn refused(error: Error) -> Problem {
    match error {
        Error::Unmet(Requirement::OtherSuperuser) => {
            let detail = "this is the last superuser who is not disabled; make another one first";
            Problem::new(Kind::Conflict, "last_superuser", detail)
        }
        Error::Unmet(Requirement::User) => Problem::new(
            Kind::Conflict,
            "user",
            "the user was changed by someone else meanwhile; look at it again",
        ),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords() {
        let name = "alice-in-chains".parse().expect("name");
        let check = |password: &str| check_password(password, &name).is_ok();
        assert!(check("12345678") && check("päßwörtchen") && check(&"x".repeat(256)));
        for bad in [
            "",
            "1234567",
            "ööööööö",
            &"x".repeat(257),
            "Alice-In-Chains",
            "a\nbcdefgh",
            "lrd_12345678",
        ] {
            assert!(!check(bad), "{bad}");
        }
    }
}
