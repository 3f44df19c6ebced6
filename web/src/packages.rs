//! Changes of packages: a version is yanked, taken back, or, of a mirror, not kept any more.

use crate::Api;
use crate::endpoint::{PackagePath, no_package};
use crate::fields::{Fields, needed};
use crate::listing::{no_version, place};
use crate::reply::{gone, ok};
use larder_access::Admission;
use larder_metadata::{Error, Requirement};
use larder_mirrors::publishing::Change;
use larder_mirrors::{Protocol, VersionKind};
use larder_model::{Kind, Problem, ProtocolName, Reply, RepoKind, Verb};
use serde_json::{Value, json};

/// Characters of the reason why a version is yanked.
const REASON: usize = 500;

impl Api {
    pub(crate) async fn change_version(
        &self,
        admission: &Admission,
        path: &PackagePath,
        version: &str,
        body: &[u8],
    ) -> Result<Reply, Problem> {
        admission.require(&path.permission(Verb::Write))?;
        let mut fields = Fields::read(body)?;
        let yanked: Value = needed(
            fields.take("yanked", "true, false, or the reason why")?,
            "yanked",
        )?;
        fields.finish()?;
        let change = yank(version, &yanked)?;
        if versions_are_tags(path.repo.protocol) {
            let detail =
                "tags of images are not yanked: push another image to the tag, or delete it";
            return Err(Problem::new(Kind::Unsupported, "version", detail));
        }
        self.engine
            .change(admission, &self.repo(&path.repo)?, &path.package, &change)
            .await?;
        ok(&json!({"package": path.package, "version": version, "yanked": yanked}))
    }

    /// Takes back a version or, without one, the whole package. A mirror forgets what it keeps of
    /// it.
    pub(crate) async fn delete_package(
        &self,
        admission: &Admission,
        path: &PackagePath,
        version: Option<&str>,
    ) -> Result<Reply, Problem> {
        let by = admission.require(&path.permission(Verb::Delete))?;
        let repo = self.repo(&path.repo)?;
        let image = versions_are_tags(repo.protocol);
        if repo.kind != RepoKind::Mirror && !image {
            let change = Change::Remove {
                version: version.map(Into::into),
            };
            self.engine
                .change(admission, &repo, &path.package, &change)
                .await?;
            return Ok(gone());
        }
        let place = place(&repo, &path.package);
        let dropped = match version {
            None => self.metadata.drop_package(place, &by).await,
            Some(tag) if image => self.metadata.drop_tag(place, tag, None, &by).await,
            Some(version) => self.metadata.drop_version(place, version, &by).await,
        };
        match dropped {
            Ok(()) => {}
            Err(Error::Unmet(Requirement::Package)) => return Err(no_package()),
            Err(Error::Unmet(_)) => return Err(no_version()),
            Err(error) => return Err(error.into()),
        }
        tracing::info!(by = %admission.principal().label, package = %path, version, "package deleted");
        Ok(gone())
    }
}

/// Whether versions of a protocol's packages are tags, which move.
fn versions_are_tags(protocol: ProtocolName) -> bool {
    let kind = larder_mirrors::of(protocol).map(Protocol::version_kind);
    kind == Some(VersionKind::Tag)
}

fn yank(version: &str, yanked: &Value) -> Result<Change, Problem> {
    let version = version.into();
    let wrong = || {
        let detail = format!(
            "`yanked` is true, false, or the reason: one line of at most {REASON} characters"
        );
        Problem::invalid("yanked", detail)
    };
    match yanked {
        Value::Bool(false) => Ok(Change::Unyank { version }),
        Value::Bool(true) => Ok(Change::Yank {
            version,
            reason: "".into(),
        }),
        Value::String(reason)
            if reason.chars().count() <= REASON && !reason.chars().any(char::is_control) =>
        {
            Ok(Change::Yank {
                version,
                reason: reason.as_str().into(),
            })
        }
        _ => Err(wrong()),
    }
}
