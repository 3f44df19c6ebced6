//! Grants. Superusers give any; whoever administers all repositories of a pattern gives grants on
//! it.

use crate::Api;
use crate::endpoint::no_user;
use crate::fields::{Fields, needed};
use crate::page::{List, Page};
use crate::reply::{created, gone, ok};
use crate::scope::Scope;
use larder_access::{Admission, PolicySnapshot};
use larder_metadata::people::Grant;
use larder_metadata::{Error, Requirement};
use larder_model::{Kind, Problem, Reply, UserKind, UserName};
use serde::Serialize;

/// Rows looked at in one go.
const ROWS: usize = 1000;

#[derive(Serialize)]
struct Shown {
    id: String,
    subject: Box<str>,
    repository: String,
    package: String,
    role: &'static str,
    created_at: String,
    created_by: Box<str>,
}

impl Shown {
    fn of(row: Grant) -> Self {
        Self {
            id: row.id.to_string(),
            subject: row.subject,
            repository: row.repository.to_string(),
            package: row.package.to_string(),
            role: row.role.word(),
            created_at: row.created_at.to_string(),
            created_by: row.created_by,
        }
    }
}

fn no_grant() -> Problem {
    Problem::not_found("grant", "there is no such grant, or you may not see it")
}

impl Api {
    pub(crate) async fn list_grants(
        &self,
        admission: &Admission,
        page: &Page,
    ) -> Result<Reply, Problem> {
        let mut after = page.after_id()?;
        let mut shown = Vec::new();
        while shown.len() <= page.limit {
            let rows = self.metadata.grants_after(after, ROWS as u64).await?;
            let more = rows.len() == ROWS;
            after = rows.last().map_or(after, |row| row.id);
            shown.extend(
                rows.into_iter()
                    .filter(|row| admission.principal().administers(&row.repository))
                    .map(Shown::of),
            );
            if !more {
                break;
            }
        }
        ok(&List::of(shown, page.limit, |admission| {
            admission.id.clone()
        }))
    }

    pub(crate) async fn create_grant(
        &self,
        admission: &Admission,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        let mut fields = Fields::read(body)?;
        let subject = needed(fields.text("subject")?, "subject")?;
        let Scope {
            repository,
            package,
            role,
        } = Scope::take(&mut fields)?;
        fields.finish()?;
        if !admission.principal().administers(&repository) {
            let detail = format!(
                "only who administers all repositories of {repository} may give grants on it"
            );
            return Err(Problem::new(Kind::Denied, "access", detail));
        }
        self.gate.refresh().await?;
        check_subject(&subject, &self.gate.policy())?;
        let row = Grant {
            id: self.metadata.new_id(),
            subject: subject.into(),
            repository,
            package,
            role,
            created_at: self.metadata.now(),
            created_by: (&*admission.principal().label).into(),
        };
        self.metadata
            .add_grant(&row)
            .await
            .map_err(|error| match error {
                Error::Exists(_) => Problem::new(
                    Kind::Conflict,
                    "grant",
                    "there is already the very same grant",
                ),
                error => error.into(),
            })?;
        self.gate.refresh().await?;
        tracing::info!(
            by = %row.created_by, grant = row.id, subject = %row.subject, repository = %row.repository,
            package = %row.package, role = role.word(), "grant created"
        );
        created(format_args!("/grants/{}", row.id), &Shown::of(row.clone()))
    }

    pub(crate) async fn delete_grant(
        &self,
        admission: &Admission,
        id: i64,
    ) -> Result<Reply, Problem> {
        let row = self.metadata.grant(id).await?.ok_or_else(no_grant)?;
        if !admission.principal().administers(&row.repository) {
            return Err(no_grant());
        }
        self.metadata
            .drop_grant(id)
            .await
            .map_err(|error| match error {
                Error::Unmet(Requirement::Grant) => no_grant(),
                error => error.into(),
            })?;
        self.gate.refresh().await?;
        tracing::info!(by = %admission.principal().label, grant = id, subject = %row.subject, "grant deleted");
        Ok(gone())
    }
}

/// Whom a grant may be for.
fn check_subject(subject: &str, policy: &PolicySnapshot) -> Result<(), Problem> {
    let wrong = |why: &str| {
        let forms = "user:NAME, group:NAME, robot:NAME, authenticated or anonymous";
        Problem::invalid("subject", format!("`subject` is {forms}{why}"))
    };
    let (word, name) = match subject.split_once(':') {
        None if subject == "authenticated" || subject == "anonymous" => return Ok(()),
        None => return Err(wrong("")),
        Some(parts) => parts,
    };
    let name: UserName = name.parse().map_err(|error| wrong(&format!(": {error}")))?;
    let kind = match word {
        "group" => return Ok(()),
        "user" => UserKind::Person,
        "robot" => UserKind::Robot,
        _ => return Err(wrong("")),
    };
    if policy
        .user(name.as_str())
        .is_some_and(|user| user.kind == kind)
    {
        Ok(())
    } else {
        Err(no_user())
    }
}
