//! An engine that only notes what it is asked.

use super::blob;
use crate::{
    Download, Engine, KeptBackup, PublishedTag, RetentionItem, RetentionPreview, ServerSetting,
    TagToPublish,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::iter;
use larder_access::Admission;
use larder_door::Incoming;
use larder_metadata::Metadata;
use larder_metadata::copies::{Copied, VersionCopy};
use larder_metadata::files::FileKey;
use larder_metadata::repos::RepoRecord;
use larder_metadata::retention::StoredPreview;
use larder_mirrors::describing::{About, FileState, Marks, Told};
use larder_mirrors::publishing::{Change, FileUpload};
use larder_model::upstream::{Checked, Health, PausedOrigin, Refreshed};
use larder_model::{
    Author, Distribution, Kind, Permission, Problem, RefScope, RepoPath, RetentionPolicy,
    Timestamp, UserName, Verb,
};
use serde_json::json;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

/// An engine that notes what it is asked to do.
#[derive(Default)]
pub(super) struct RecordingEngine {
    pub(super) log: Mutex<Vec<String>>,
    pub(super) metadata: OnceLock<Metadata>,
}

fn download() -> Download {
    let pieces = [Ok(Bytes::from("a back")), Ok(Bytes::from("up."))];
    Download {
        size: 9,
        bytes: iter(pieces).boxed(),
    }
}

#[async_trait]
impl Engine for RecordingEngine {
    async fn change(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        package: &str,
        change: &Change,
    ) -> Result<(), Problem> {
        let by = &admission.principal().label;
        self.log.lock().expect("log").push(format!(
            "{by} {}/{} {package} {change:?}",
            repo.protocol, repo.name
        ));
        Ok(())
    }

    async fn publish(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        upload: &FileUpload,
        mut body: Incoming,
    ) -> Result<Bytes, Problem> {
        let mut bytes = 0;
        while let Some(more) = body.next().await? {
            bytes += more.len();
        }
        let by = &admission.principal().label;
        self.log.lock().expect("log").push(format!(
            "{by} {}/{} {upload:?} {bytes}",
            repo.protocol, repo.name
        ));
        Ok("published\n".into())
    }

    async fn check_upstream(&self, repo: &Arc<RepoRecord>) -> Result<Checked, Problem> {
        self.log
            .lock()
            .expect("log")
            .push(format!("check {}", repo.name));
        assert_ne!(repo.name.as_str(), "broken", "this engine breaks");
        Ok(Checked {
            reachable: true,
            status: Some(401),
            problem: Some("it wants a login".into()),
            ..Checked::default()
        })
    }

    async fn refresh(
        &self,
        repo: &Arc<RepoRecord>,
        package: &str,
        version: Option<&str>,
    ) -> Result<Vec<Refreshed>, Problem> {
        let told = format!("refresh {} {package} {version:?}", repo.name);
        self.log.lock().expect("log").push(told);
        if package == "none" {
            return Err(Problem::not_found("name", "there is no such thing"));
        }
        let document = |path: &str, before: Option<&str>, now: Option<&str>| Refreshed {
            path: path.into(),
            before: before.map(|text| blob(text).digest),
            now: now.map(|text| blob(text).digest),
            checked_at: Timestamp(1_800_000_000_000_000),
        };
        if version.is_some() {
            return Ok(vec![document("v1", Some("a"), Some("a"))]);
        }
        Ok(vec![
            document("new", None, Some("a")),
            document("changed", Some("a"), Some("b")),
            document("gone", Some("a"), None),
        ])
    }

    async fn about(
        &self,
        _: &Arc<RepoRecord>,
        _: &str,
        version: &str,
    ) -> Result<Option<Told>, Problem> {
        let about = About {
            summary: Some(format!("It is {version}.")),
            ..About::default()
        };
        let file = FileState::NotKept;
        Ok((version == "known").then_some(Told { about, file }))
    }

    async fn marks(&self, _: &Arc<RepoRecord>, package: &str) -> Result<Arc<Marks>, Problem> {
        let mut marks = Marks::default();
        if package == "left-pad" {
            marks.tags.insert("latest".into(), "1.0.0".into());
            marks.deprecated.insert("1.0.0".into(), "use 2".into());
        }
        Ok(Arc::new(marks))
    }

    async fn copy(&self, admission: &Admission, copy: &VersionCopy<'_>) -> Result<Copied, Problem> {
        // As the engine does: the right to publish is asked for before anything else.
        let permission = Permission {
            protocol: copy.to.protocol,
            repo: copy.to.name.clone(),
            package: Some(copy.to_package.into()),
            refs: RefScope::All,
            verb: Verb::Write,
        };
        admission.require(&permission)?;
        self.log.lock().expect("log").push(format!(
            "copy {} {} {} to {} {} {}",
            copy.from.full_name(),
            copy.package,
            copy.version,
            copy.to.full_name(),
            copy.to_package,
            copy.to_version
        ));
        Ok(Copied {
            digest: None,
            files: 2,
            bytes: 7,
        })
    }

    async fn publish_tag(
        &self,
        admission: &Admission,
        repo: &Arc<RepoRecord>,
        tag: &TagToPublish<'_>,
    ) -> Result<PublishedTag, Problem> {
        let package = tag.package.unwrap_or("of/the-sources");
        let permission = Permission {
            protocol: repo.protocol,
            repo: repo.name.clone(),
            package: Some(package.into()),
            refs: RefScope::All,
            verb: Verb::Write,
        };
        admission.require(&permission)?;
        let TagToPublish {
            repository,
            path,
            tag,
            site,
            ..
        } = tag;
        let told = format!(
            "tag {tag} of {repository} {path} to {} {package} at {site}",
            repo.name
        );
        self.log.lock().expect("log").push(told);
        Ok(PublishedTag {
            repository: RepoPath {
                protocol: repo.protocol,
                name: repo.name.clone(),
            },
            package: package.into(),
            version: "v1.2.3".to_owned(),
            commit: "0123".to_owned(),
        })
    }

    async fn preview_retention(
        &self,
        repo: &Arc<RepoRecord>,
        policy: &RetentionPolicy,
    ) -> Result<RetentionPreview, Problem> {
        let told = format!("preview {} {}", repo.name, json!(policy));
        self.log.lock().expect("log").push(told);
        let metadata = self.metadata.get().expect("metadata");
        let preview = StoredPreview {
            policy: policy.clone(),
            deletions: Bytes::from_static(b"12345678"),
        };
        Ok(RetentionPreview {
            id: metadata.add_preview(repo.id, &preview).await?,
            items: vec![RetentionItem {
                package: "app".into(),
                version: None,
                digest: Some(blob("a").digest),
                goes: true,
                reason: "it has had no tag for 7d".to_owned(),
                rule: None,
                bytes: 7,
            }],
            more: false,
            keep: 0,
            delete: 1,
            bytes: 7,
        })
    }

    async fn is_preview_past(
        &self,
        repo: &Arc<RepoRecord>,
        _: &StoredPreview,
    ) -> Result<bool, Problem> {
        Ok(repo.name.as_str() == "moving")
    }

    async fn read(&self, repo: &Arc<RepoRecord>, file: FileKey<'_>) -> Result<Bytes, Problem> {
        if repo.name.as_str() == "blocking" {
            let detail = "it is blocked here";
            return Err(Problem::new(Kind::Policy, "package", detail));
        }
        let metadata = self.metadata.get().expect("metadata");
        let found = metadata.find(file).await?.expect("file");
        Ok(found.body.clone().expect("body"))
    }

    fn health(&self, repo: &RepoRecord) -> Option<Health> {
        let last_error = Some(("it answered 500".into(), Duration::from_secs(1)));
        let health = Health {
            failures: 3,
            pause: Some(Duration::from_secs(4)),
            last_error,
            last_answer: Some(Duration::from_secs(2)),
            answers: Distribution::default(),
            paused_origins: vec![PausedOrigin {
                origin: "https://files.example".into(),
                pause: Duration::from_secs(8),
                reason: "cannot be reached".into(),
            }],
            warnings: Vec::new(),
        };
        (repo.name.as_str() == "up").then_some(health)
    }

    fn forget_first_password(&self, user: &UserName) {
        let told = format!("forget the first password of {user}");
        self.log.lock().expect("log").push(told);
    }

    async fn backup(&self, with_blobs: bool, by: &dyn Author) -> Result<Download, Problem> {
        let told = format!("backup for {}, blobs: {with_blobs}", by.label());
        self.log.lock().expect("log").push(told);
        Ok(download())
    }

    async fn backups(&self) -> Result<Vec<KeptBackup>, Problem> {
        let kept = |name: &str| KeptBackup {
            name: name.to_owned(),
            created_at: Timestamp(1_800_000_000_000_000),
            size: 9,
        };
        Ok(vec![kept("a.tar"), kept("b.tar"), kept("c.tar")])
    }

    async fn open_backup(&self, name: &str) -> Result<Option<Download>, Problem> {
        Ok((name == "b.tar").then(download))
    }

    async fn delete_backup(&self, name: &str) -> Result<bool, Problem> {
        let told = format!("delete the backup {name}");
        self.log.lock().expect("log").push(told);
        Ok(name == "b.tar")
    }

    async fn reach_storage(&self) -> Result<(), Problem> {
        let asked = self.log.lock().expect("log").len();
        match asked {
            0 => Ok(()),
            _ => Err(Problem::busy("the store is away", Duration::from_secs(1))),
        }
    }

    fn disk_space(&self) -> Option<(u64, u64)> {
        Some((1000, 4000))
    }

    fn authority(&self) -> Option<String> {
        Some("-----BEGIN CERTIFICATE-----\n".to_owned())
    }

    fn is_offline(&self) -> bool {
        false
    }

    fn settings(&self) -> Vec<ServerSetting> {
        vec![ServerSetting {
            key: "server.threads",
            value: "2".to_owned(),
            default: "0".to_owned(),
            set_by: Some("larder.toml:3:1".to_owned()),
        }]
    }
}
