//! `larder user`.

use crate::client::Client;
use crate::command::{PasswordSource, User};
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::password::{self, NewPassword};
use crate::table::Column;
use crate::terminal::confirm;
use larder_api::{Caller, NewUser, UserChange};
use larder_model::UserName;
use serde_json::Value;

const LIST: &[Column] = &[
    ("NAME", "name"),
    ("KIND", "kind"),
    ("SUPERUSER", "superuser"),
    ("DISABLED", "disabled"),
    ("CREATED", "created_at"),
];
const RECORD: &[Column] = &[
    ("Name", "name"),
    ("Kind", "kind"),
    ("Superuser", "superuser"),
    ("Disabled", "disabled"),
    ("Created", "created_at"),
];
/// The same with a password that was made here.
const WITH_PASSWORD: &[Column] = &[
    ("Name", "name"),
    ("Kind", "kind"),
    ("Superuser", "superuser"),
    ("Disabled", "disabled"),
    ("Created", "created_at"),
    ("Password", "password"),
];

pub(crate) async fn user(command: User, client: &Client) -> Result<Outcome, Failure> {
    match command {
        User::List => Ok(Outcome::list(client.all(&["users"], &[]).await?, LIST)),
        User::Show { name } => Ok(Outcome::record(
            client.get(&["users", name.as_str()], &[]).await?,
            RECORD,
        )),
        User::Create {
            name,
            password,
            superuser,
            disabled,
        } => {
            let new = password::new(password, name.as_str())?;
            let body = NewUser {
                name,
                password: new.password.clone(),
                superuser: Some(superuser),
                disabled: Some(disabled),
            };
            Ok(shown(client.post(&["users"], &[], &body).await?, Some(new)))
        }
        User::Set {
            name,
            password,
            source,
            superuser,
            disabled,
        } => {
            let new_password =
                (password || source.password_stdin || source.generate_password).then_some(source);
            set(client, &name, new_password, superuser, disabled).await
        }
        User::Delete { name, yes } => {
            confirm(
                &format!("Delete user {name} with its tokens and grants?"),
                yes,
            )?;
            client.delete(&["users", name.as_str()]).await?;
            Ok(Outcome::done(format!("User {name} deleted.")))
        }
    }
}

async fn set(
    client: &Client,
    name: &UserName,
    new_password: Option<PasswordSource>,
    superuser: Option<bool>,
    disabled: Option<bool>,
) -> Result<Outcome, Failure> {
    let mut body = UserChange {
        superuser,
        disabled,
        ..UserChange::default()
    };
    let new = match new_password {
        Some(source) => {
            // Whoever changes its own password must know the present one.
            let caller = client.get(&["whoami"], &[]).await?;
            let caller: Caller = client.read(&caller, "a caller")?;
            if caller.name.as_ref() == Some(name) {
                let present = password::present(source.password_stdin, name.as_str())?;
                body.current_password = Some(present);
            }
            let new = password::new(source, name.as_str())?;
            body.password = Some(new.password.clone());
            Some(new)
        }
        None if superuser.is_none() && disabled.is_none() => {
            return Err(Failure::Usage(
                "nothing to change: give --password, --superuser or --disabled".to_owned(),
            ));
        }
        None => None,
    };
    Ok(shown(
        client.patch(&["users", name.as_str()], &body).await?,
        new,
    ))
}

/// A user, with the password that was made for it.
fn shown(mut user: Value, new: Option<NewPassword>) -> Outcome {
    match new.filter(|new| new.generated) {
        Some(new) => {
            user["password"] = Value::String(new.password);
            Outcome::record(user, WITH_PASSWORD).noting("the password is shown only now")
        }
        None => Outcome::record(user, RECORD),
    }
}
