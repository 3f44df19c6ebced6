//! Backups that the server keeps.

use crate::address::{address, segment};
use crate::form::Form;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::{Query, ROWS};
use crate::screens::cleanup::Tab;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;
use larder_model::{JobKind, Problem};

#[derive(Template)]
#[template(path = "backups.html")]
struct Backups {
    frame: Frame,
    backups: Vec<api::Backup>,
    next: Option<String>,
    schedule: Option<api::Schedule>,
    last: Option<api::Job>,
}

impl Backups {
    fn tabs(&self) -> Vec<Tab> {
        Tab::seen(self.frame.is_superuser).collect()
    }

    fn is_here(&self, tab: &Tab) -> bool {
        *tab == Tab::Backups
    }

    /// The run that is not done.
    fn running(&self) -> Option<&api::Job> {
        let last = self.last.as_ref()?;
        (!last.state.is_final()).then_some(last)
    }

    fn next_path(&self, after: &str) -> String {
        address("/cleanup/backups", &[("after", after)])
    }
}

/// The list, and when the next is made.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    let after = query.get("after");
    let path = address(
        "/backups",
        &[("limit", &ROWS.to_string()), ("after", after)],
    );
    let backups: api::List<api::Backup> = visit.get(path).await.or_page(&visit)?;
    let schedules: api::List<api::Schedule> = visit.get("/schedules").await.or_page(&visit)?;
    let mut schedules = schedules.items.into_iter();
    let mut schedule = schedules.find(|schedule| schedule.kind == JobKind::Backup);
    let frame = Frame::new(&visit, visit.language().cleanup_backups()).or_page(&visit)?;
    let page = Backups {
        frame: frame.elsewhere("larder backup run", "POST /api/v1/backup/runs"),
        backups: backups.items,
        next: backups.next,
        last: schedule.as_mut().and_then(|schedule| schedule.last.take()),
        schedule,
    };
    show(&page).or_page(&visit)
}

/// Begins a backup.
pub(crate) async fn run(visit: Visit, _: Form) -> Shown {
    let asked = api::BackupRun {};
    let begun = visit.act(Method::POST, "/backup/runs", Some(&asked)).await;
    begun.or_page(&visit)?;
    see_other("/cleanup/backups").or_page(&visit)
}

#[derive(Template)]
#[template(path = "backup_delete.html")]
struct Ask {
    frame: Frame,
    backup: api::Backup,
}

/// Asks whether a backup is to go.
pub(crate) async fn ask(visit: Visit, Path(name): Path<String>) -> Shown {
    let backup = find(&visit, &name).await.or_page(&visit)?;
    let t = visit.language();
    let frame = Frame::new(&visit, t.cleanup_delete_backup_title(&backup.name)).or_page(&visit)?;
    let page = Ask {
        frame: frame
            .below(t.cleanup_backups(), "/cleanup/backups")
            .elsewhere(
                format!("larder backup delete {}", backup.name),
                format!("DELETE /api/v1/backups/{}", backup.name),
            ),
        backup,
    };
    show(&page).or_page(&visit)
}

/// A backup by its name.
async fn find(visit: &Visit, name: &str) -> Result<api::Backup, Problem> {
    let mut after = String::new();
    loop {
        let path = address("/backups", &[("limit", "1000"), ("after", &after)]);
        let list: api::List<api::Backup> = visit.get(path).await?;
        let found = list.items.into_iter().find(|backup| backup.name == name);
        match (found, list.next) {
            (Some(backup), _) => return Ok(backup),
            (None, Some(next)) => after = next,
            (None, None) => {
                let detail = format!("the server keeps no backup {name}");
                return Err(Problem::not_found("backup", detail));
            }
        }
    }
}

/// Deletes a backup. Whoever does must have written its name: it is gone for good.
pub(crate) async fn delete(visit: Visit, Path(name): Path<String>, form: Form) -> Shown {
    if form.text("name").trim() != name {
        let problem = Problem::invalid("name", format!("write {name} to delete that backup"));
        return Err(problem).or_page(&visit);
    }
    let path = format!("/backups/{}", segment(&name));
    let gone = visit.act(Method::DELETE, path, None::<&()>).await;
    gone.or_page(&visit)?;
    see_other("/cleanup/backups").or_page(&visit)
}
