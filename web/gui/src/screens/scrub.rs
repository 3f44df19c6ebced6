//! Scrubs: whether what is kept is whole; and the blobs that are not.

use crate::address::{address, segment};
use crate::form::Form;
use crate::language::Language;
use crate::page::{Frame, OrPage as _, Shown, see_other, show};
use crate::query::{Query, ROWS};
use crate::screens::cleanup::Tab;
use crate::visit::Visit;
use askama::Template;
use axum::extract::Path;
use http::Method;
use larder_api as api;

/// What is wrong with a blob, in words.
pub(crate) const fn damage(t: Language, damage: api::BlobDamage) -> &'static str {
    match damage {
        api::BlobDamage::Changed => t.cleanup_damage_changed(),
        api::BlobDamage::Size => t.cleanup_damage_size(),
        api::BlobDamage::Missing => t.cleanup_damage_missing(),
        api::BlobDamage::Unreadable => t.cleanup_damage_unreadable(),
        api::BlobDamage::Deleted => t.cleanup_damage_deleted(),
    }
}

#[derive(Template)]
#[template(path = "scrub.html")]
struct Scrub {
    frame: Frame,
    status: api::ScrubStatus,
    blobs: Vec<api::QuarantinedBlob>,
    next: Option<String>,
}

impl Scrub {
    fn tabs(&self) -> Vec<Tab> {
        Tab::seen(self.frame.is_superuser).collect()
    }

    fn is_here(&self, tab: &Tab) -> bool {
        *tab == Tab::Scrub
    }

    /// The run that is not done.
    fn running(&self) -> Option<&api::Job> {
        let last = self.status.last.as_ref()?;
        (!last.state.is_final()).then_some(last)
    }

    fn next_path(&self, after: &str) -> String {
        address("/cleanup/scrub", &[("after", after)])
    }
}

/// How scrubs go on, and what is damaged.
pub(crate) async fn list(visit: Visit, query: Query) -> Shown {
    let after = query.get("after");
    let status: api::ScrubStatus = visit.get("/scrub").await.or_page(&visit)?;
    let path = address(
        "/quarantine",
        &[("limit", &ROWS.to_string()), ("after", after)],
    );
    let blobs: api::List<api::QuarantinedBlob> = visit.get(path).await.or_page(&visit)?;
    let frame = Frame::new(&visit, visit.language().cleanup_scrub()).or_page(&visit)?;
    let page = Scrub {
        frame: frame.elsewhere("larder scrub run", "POST /api/v1/scrub/runs"),
        status,
        blobs: blobs.items,
        next: blobs.next,
    };
    show(&page).or_page(&visit)
}

/// Begins a scrub.
pub(crate) async fn run(visit: Visit, form: Form) -> Shown {
    let new = api::NewScrub {
        dry_run: Some(form.text("do") != "run"),
        digests: None,
    };
    let begun = visit.act(Method::POST, "/scrub/runs", Some(&new)).await;
    begun.or_page(&visit)?;
    see_other("/cleanup/scrub").or_page(&visit)
}

#[derive(Template)]
#[template(path = "scrub_delete.html")]
struct Ask {
    frame: Frame,
    blob: api::QuarantinedBlob,
}

/// Asks whether damaged bytes are to be given up.
pub(crate) async fn ask(visit: Visit, Path(digest): Path<String>) -> Shown {
    let path = format!("/quarantine/{}", segment(&digest));
    let blob: api::QuarantinedBlob = visit.get(path).await.or_page(&visit)?;
    let t = visit.language();
    let frame = Frame::new(&visit, t.cleanup_give_up_title()).or_page(&visit)?;
    let page = Ask {
        frame: frame.below(t.cleanup_scrub(), "/cleanup/scrub").elsewhere(
            format!("larder quarantine delete {}", blob.digest),
            format!("DELETE /api/v1/quarantine/{}", blob.digest),
        ),
        blob,
    };
    show(&page).or_page(&visit)
}

/// Gives damaged bytes up.
pub(crate) async fn delete(visit: Visit, Path(digest): Path<String>, _: Form) -> Shown {
    let path = format!("/quarantine/{}", segment(&digest));
    let gone = visit.act(Method::DELETE, path, None::<&()>).await;
    gone.or_page(&visit)?;
    see_other("/cleanup/scrub").or_page(&visit)
}
