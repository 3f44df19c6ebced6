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
    /// Where, e.g. oci/team.
    #[arg(value_parser = repo_path)]
    pub repository: RepoPath,
    /// Which package or image [default: the whole repository].
    pub package: Option<String>,
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
    let repository = question.repository.to_string();
    let mut query = vec![
        ("repository", repository.as_str()),
        ("action", question.action.as_str()),
    ];
    if question.subject != "me" {
        query.push(("subject", &question.subject));
    }
    query.extend(question.package.as_deref().map(|name| ("package", name)));
    let verdict = client.get(&["can"], &query).await?;
    let allowed = verdict["allowed"] == true;
    let outcome = Outcome::record(verdict, &VERDICT);
    Ok(if allowed {
        outcome
    } else {
        outcome.ending(Exit::NotAllowed)
    })
}
