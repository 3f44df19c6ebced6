//! The catalog: all images that the caller may see, and that are not blocked.

use crate::Registry;
use crate::endpoint::{CATALOG, Page};
use crate::names::permission;
use crate::pages::with_next;
use crate::reply::json_reply;
use larder_access::Admission;
use larder_door::Answer;
use larder_model::{ImageName, Kind, Problem, Verb};
use serde_json::json;

/// Images in one answer, if none are asked for and at most.
const PAGE: u64 = 1000;
/// Rows looked at for one answer: whoever sees little must page through what it does not see.
const MAX_ROWS: usize = 20_000;

/// Clients ask without credentials or with a bearer token for nothing; an answer to that would hide
/// from users what they may see. They learn to ask for a token of the catalog: anonymous callers
/// get one too.
fn may_list(admission: &Admission) -> Result<(), Problem> {
    let principal = admission.principal();
    if principal.is_for_catalog() && (principal.user.is_some() || !principal.is_unlimited()) {
        return Ok(());
    }
    let detail =
        "authentication required: the list of images needs a login or a token of the catalog";
    Err(Problem::new(Kind::Unauthenticated, "catalog", detail))
}

impl Registry {
    pub(crate) async fn catalog(
        &self,
        admission: &Admission,
        page: Page,
    ) -> Result<Answer, Problem> {
        may_list(admission)?;
        let count = usize::try_from(page.count.unwrap_or(PAGE).min(PAGE)).unwrap_or(usize::MAX);
        let mut names: Vec<String> = Vec::new();
        let mut after = format!("oci/{}", self.gate.open_cursor(&page.last, CATALOG));
        let (mut looked_at, mut more) = (0, count > 0);
        // Rows are read until the page is full, for the caller may see only some of them.
        while more && names.len() <= count && looked_at < MAX_ROWS {
            let rows = self.metadata.packages(&after, "oci0", PAGE + 1).await?;
            more = rows.len() as u64 > PAGE;
            looked_at += rows.len();
            let Some(last) = rows.last() else { break };
            after = last.to_string();
            let visible = rows
                .iter()
                .filter_map(|row| row.strip_prefix("oci/")?.parse::<ImageName>().ok());
            names.extend(
                visible
                    .filter(|name| {
                        admission.may(&permission(name, Verb::List))
                            && !admission.policy().blocks_image(name)
                    })
                    .map(|name| name.to_string()),
            );
        }
        // The next page begins after the last name shown, or after the last row looked at.
        let cut = names.len() > count;
        names.truncate(count);
        let body = json!({"repositories": names}).to_string();
        let mut reply = json_reply(body.into_bytes());
        let next = if cut {
            names.last().cloned()
        } else {
            // The caller may not know of that row.
            let last = after.strip_prefix("oci/").filter(|_| more);
            let closed = last.map(|last| self.gate.close_cursor(last, CATALOG));
            closed.transpose()?
        };
        if let (Some(next), true) = (next, count > 0) {
            let query = [("n", &*count.to_string()), ("last", &*next)];
            reply = with_next(reply, CATALOG, &query);
        }
        Ok(reply.into())
    }
}
