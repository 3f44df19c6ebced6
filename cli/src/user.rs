//! `larder user`.

use crate::arguments::{filters, flag};
use crate::client::Client;
use crate::context::Context;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::password::{self, NewPassword, PasswordSource};
use crate::table::Table;
use clap::{ArgAction, Subcommand};
use larder_api::{Caller, NewUser, UserChange};
use larder_model::UserName;
use serde_json::Value;

/// What can be done to users.
#[derive(Subcommand, Debug)]
pub enum User {
    /// List users.
    List {
        /// Those whose names begin so.
        #[arg(long)]
        prefix: Option<String>,
        /// Those that may do nothing for now, or those that may.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        disabled: Option<bool>,
        /// Those that may do everything, or those that may not.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        superuser: Option<bool>,
    },
    /// Show one user.
    Show {
        /// The user's name.
        name: UserName,
    },
    /// Make a user.
    Create {
        /// The user's name.
        name: UserName,
        #[command(flatten)]
        password: PasswordSource,
        /// Let it do everything.
        #[arg(long)]
        superuser: bool,
        /// Let it do nothing for now.
        #[arg(long)]
        disabled: bool,
    },
    /// Change a user.
    Set {
        /// The user's name.
        name: UserName,
        /// Set a new password, asked for.
        #[arg(long, conflicts_with = "PasswordSource")]
        password: bool,
        #[command(flatten)]
        source: PasswordSource,
        /// Whether it may do everything.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        superuser: Option<bool>,
        /// Whether it may do nothing.
        #[arg(long, action = ArgAction::Set, value_name = "true|false")]
        disabled: Option<bool>,
    },
    /// Delete a user with its tokens and grants.
    Delete {
        /// The user's name.
        name: UserName,
    },
}

const LIST: Table = Table::new(
    &[
        ("NAME", "name"),
        ("KIND", "kind"),
        ("SUPERUSER", "superuser"),
        ("DISABLED", "disabled"),
        ("CREATED", "created_at"),
    ],
    &["name"],
);
const RECORD: Table = Table::new(
    &[
        ("Name", "name"),
        ("Kind", "kind"),
        ("Superuser", "superuser"),
        ("Disabled", "disabled"),
        ("Groups", "groups"),
        ("Created", "created_at"),
    ],
    &["name"],
);
/// The same with a password that was made here.
const WITH_PASSWORD: Table = Table::new(
    &[
        ("Name", "name"),
        ("Kind", "kind"),
        ("Superuser", "superuser"),
        ("Disabled", "disabled"),
        ("Created", "created_at"),
        ("Password", "password"),
    ],
    &["name"],
);

pub(crate) async fn user(command: User, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    match command {
        User::List {
            prefix,
            disabled,
            superuser,
        } => {
            let filters = filters([
                ("prefix", prefix.as_deref()),
                ("disabled", disabled.map(flag)),
                ("superuser", superuser.map(flag)),
            ]);
            Ok(Outcome::list(
                client.all(&["users"], &filters).await?,
                &LIST,
            ))
        }
        User::Show { name } => Ok(Outcome::record(
            client.get(&["users", name.as_str()], &[]).await?,
            &RECORD,
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
        User::Delete { name } => {
            cx.confirm(&format!("Delete user {name} with its tokens and grants?"))?;
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
            Outcome::record(user, &WITH_PASSWORD).noting("the password is shown only now")
        }
        None => Outcome::record(user, &RECORD),
    }
}
