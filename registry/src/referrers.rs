//! Referrers (end-12): what names a digest as its subject.

use crate::Registry;
use crate::endpoint::Filter;
use crate::names::{package_key, repo_of};
use crate::pages::with_next;
use http::header::HeaderName;
use http::{HeaderValue, StatusCode};
use larder_access::Admission;
use larder_door::Answer;
use larder_metadata::manifests::Referrer;
use larder_model::{Digest, ImageName, Problem, Reply};
use oci_spec::image::MediaType;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
static INDEX: MediaType = MediaType::ImageIndex;
/// Rows read at once: annotations make a row as large as a manifest may be.
const ROWS: u64 = 50;
/// An answer is cut when it has so many bytes.
const PAGE_BYTES: usize = 2 << 20;
/// Rows looked at for one answer.
const MAX_ROWS: usize = 10_000;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Facts<'a> {
    artifact_type: Option<String>,
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor<'a> {
    media_type: &'a str,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a RawValue>,
}

impl Registry {
    pub(crate) async fn referrers(
        &self,
        admission: &Admission,
        name: &ImageName,
        subject: &Digest,
        filter: Filter,
    ) -> Result<Answer, Problem> {
        let mut items: Vec<String> = Vec::new();
        let (mut bytes, mut looked_at) = (0, 0);
        let mut after = filter.last.clone();
        let mut more = true;
        // An image that was never pushed has no referrers: never 404.
        let repo = repo_of(admission, name).ok();
        while let (Some(repo), true) = (&repo, more && bytes < PAGE_BYTES && looked_at < MAX_ROWS) {
            let rows = self
                .metadata
                .referrers(package_key(repo, name), subject, &after, ROWS)
                .await?;
            more = rows.len() as u64 == ROWS;
            looked_at += rows.len();
            for row in &rows {
                if bytes >= PAGE_BYTES {
                    more = true;
                    break;
                }
                after = row.digest.to_string();
                if let Some(item) = describe(row, filter.artifact_type.as_deref())? {
                    bytes += item.len();
                    items.push(item);
                }
            }
        }
        let more = more && repo.is_some();
        let body = format!(
            r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{}]}}"#,
            items.join(",")
        );
        // Where there is more, the next page begins after the last row that was looked at.
        let mut reply = Reply::new(StatusCode::OK).with_body(INDEX.as_ref(), body);
        if filter.artifact_type.is_some() {
            reply = reply.with(FILTERS_APPLIED, HeaderValue::from_static("artifactType"));
        }
        if more {
            let path = format!("/v2/{name}/referrers/{subject}");
            reply = match filter.artifact_type.as_deref() {
                Some(wanted) => {
                    with_next(reply, &path, &[("artifactType", wanted), ("last", &after)])
                }
                None => with_next(reply, &path, &[("last", &after)]),
            };
        }
        Ok(reply.into())
    }
}

/// A row as the index shows it, if it is of the wanted type.
fn describe(row: &Referrer, wanted: Option<&str>) -> Result<Option<String>, Problem> {
    let metadata: Facts<'_> = if row.metadata.is_empty() {
        Facts::default()
    } else {
        serde_json::from_str(&row.metadata).map_err(Problem::internal)?
    };
    if wanted.is_some() && wanted != metadata.artifact_type.as_deref() {
        return Ok(None);
    }
    let descriptor = Descriptor {
        media_type: &row.content_type,
        digest: row.digest.to_string(),
        size: row.size,
        artifact_type: metadata.artifact_type,
        annotations: metadata.annotations.filter(|raw| raw.get() != "null"),
    };
    serde_json::to_string(&descriptor)
        .map(Some)
        .map_err(Problem::internal)
}
