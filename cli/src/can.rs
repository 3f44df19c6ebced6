//! `larder can`.

use crate::arguments::repo_path;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::outcome::Outcome;
use crate::table::Table;
use clap::Args;
use larder_model::RepoPath;

/// A question about someone's rights. The command ends with 4 if it may not.
#[derive(Args, Debug)]
pub struct Can {
    /// Who: user:NAME, robot:NAME, group:NAME, authenticated, anonymous, or me.
    pub subject: String,
    /// What: read, write, delete or administer.
    #[arg(value_parser = ["read", "write", "delete", "administer"])]
    pub action: String,
    /// Where: a repository, e.g. oci/team, or a package or image in it, e.g. oci/team/app.
    #[arg(value_parser = place)]
    pub place: Place,
    /// Which package or image, if the place is a repository [default: all of it].
    pub package: Option<String>,
    /// Which ref of the package, e.g. refs/heads/main [default: all of it].
    #[arg(long = "ref", value_name = "REF")]
    pub refs: Option<String>,
}

/// A repository, or a package in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    repository: RepoPath,
    package: Option<String>,
}

fn place(text: &str) -> Result<Place, String> {
    let mut parts = text.splitn(3, '/');
    let (protocol, name) = (parts.next().unwrap_or_default(), parts.next());
    let repository = match name {
        Some(name) => repo_path(&format!("{protocol}/{name}"))?,
        None => repo_path(text)?,
    };
    let package = parts.next().map(str::to_owned);
    Ok(Place {
        repository,
        package,
    })
}

const VERDICT: Table = Table::new(
    &[
        ("Allowed", "allowed"),
        ("Grant", "grant"),
        ("Through", "through"),
    ],
    &["allowed"],
);

pub(crate) async fn can(question: Can, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let client = &cx.client()?;
    let repository = question.place.repository.to_string();
    let package = match (question.place.package, question.package) {
        (Some(_), Some(_)) => {
            let twice = "the package is named twice: behind the repository and after it";
            return Err(Failure::Usage(twice.to_owned()));
        }
        (behind, after) => behind.or(after),
    };
    let mut query = vec![
        ("repository", repository.as_str()),
        ("action", question.action.as_str()),
    ];
    if question.subject != "me" {
        query.push(("subject", &question.subject));
    }
    query.extend(package.as_deref().map(|name| ("package", name)));
    query.extend(question.refs.as_deref().map(|name| ("ref", name)));
    let verdict = client.get(&["can"], &query).await?;
    let allowed = verdict["allowed"] == true;
    let outcome = Outcome::record(verdict, &VERDICT);
    Ok(if allowed {
        outcome
    } else {
        outcome.ending(Exit::NotAllowed)
    })
}
