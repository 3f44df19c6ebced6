//! A way back for whoever has the server's machine and lost the password.

use crate::ended::Ended;
use crate::first_start;
use crate::house::gate_settings;
use crate::stores::metadata;
use larder_access::Gate;
use larder_cli::Exit;
use larder_config::Config;
use larder_metadata::users::{NewPassword, UserFilter};
use larder_model::{System, UserKind, UserName, hex};
use std::error::Error;

/// Gives a user a new random password and lets it in again; the password. Fails while a server runs
/// on the data folder. With `superuser` it may do everything from now on.
pub(crate) async fn reset_password(
    config: &Config,
    name: &UserName,
    superuser: bool,
) -> Result<String, Box<dyn Error>> {
    let _lock = first_start::lock(&config.data)?;
    let metadata = metadata(config).await?;
    let keys = first_start::signing_keys(&config.auth.token_key, &metadata).await?;
    let user = metadata.user(name.as_str()).await?;
    let Some(user) = user.filter(|user| user.kind == UserKind::Person) else {
        let filter = UserFilter {
            superuser: Some(true),
            ..UserFilter::default()
        };
        let superusers = metadata.users(UserKind::Person, filter, "", 1000);
        let known = superusers.await?;
        let known: Vec<&str> = known.iter().map(|user| user.name.as_str()).collect();
        let known = known.join(", ");
        let why = format!("there is no user {name}; the superusers are: {known}");
        return Err(Ended::new(Exit::NotFound, why).into());
    };
    let gate = Gate::new(metadata.clone(), gate_settings(config, keys)).await?;
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| error.to_string())?;
    let password = hex::encode(&random);
    let hash = gate.hash_password(&password).await?;
    let superuser = superuser || user.superuser;
    metadata
        .change_user(
            &user,
            Some(NewPassword::set(hash)),
            superuser,
            false,
            &System::Console,
        )
        .await?;
    metadata.seal(true).await?;
    first_start::forget_password(&config.data, name)?;
    Ok(password)
}
