//! Lists of tags (end-8).

use crate::Registry;
use crate::endpoint::Page;
use crate::names::{no_name, package_key, repo_of};
use crate::pages::with_next;
use crate::reply::json_reply;
use http::StatusCode;
use larder_access::Admission;
use larder_door::Answer;
use larder_metadata::files::PackageKey;
use larder_model::{FileKind, ImageName, Problem, Reply};
use serde_json::json;

/// Tags in one answer at most; more come with a link.
const MAX_TAGS: u64 = 100_000;

impl Registry {
    pub(crate) async fn tags(
        &self,
        admission: &Admission,
        name: &ImageName,
        page: Page,
    ) -> Result<Answer, Problem> {
        let repo = repo_of(admission, name)?;
        let package = package_key(&repo, name);
        let revision = self.metadata.revision(package).await?.ok_or_else(no_name)?;
        if page.count.is_some() || !page.last.is_empty() {
            return self
                .tags_page(package, name, &page)
                .await
                .map(|(reply, _)| reply.into());
        }
        let key = (repo.id, name.image().into());
        if let Some(body) = self.tag_lists.get(&key, revision) {
            return Ok(Reply::new(StatusCode::OK)
                .with_body("application/json", body)
                .into());
        }
        let (reply, whole) = self.tags_page(package, name, &page).await?;
        if whole {
            // The revision was read before the list: a change meanwhile makes the list old, never
            // wrongly new.
            self.tag_lists.keep(key, revision, reply.body.clone());
        }
        Ok(reply.into())
    }

    /// A page, and whether it is all there is.
    async fn tags_page(
        &self,
        package: PackageKey<'_>,
        name: &ImageName,
        page: &Page,
    ) -> Result<(Reply, bool), Problem> {
        let count = page.count.unwrap_or(MAX_TAGS).min(MAX_TAGS);
        let mut rows = self
            .metadata
            .list(package, FileKind::Tag, &page.last, count + 1)
            .await?;
        let more = rows.len() as u64 > count;
        rows.truncate(usize::try_from(count).unwrap_or(usize::MAX));
        let tags: Vec<&str> = rows.iter().map(|row| &*row.path).collect();
        let body = json!({"name": name.to_string(), "tags": tags}).to_string();
        let mut reply = json_reply(body.into_bytes());
        if let (true, Some(last)) = (more, tags.last()) {
            reply = with_next(
                reply,
                &format!("/v2/{name}/tags/list"),
                &[("n", &count.to_string()), ("last", last)],
            );
        }
        Ok((reply, !more))
    }
}
