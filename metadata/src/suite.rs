//! What every database must do. Run on SQLite and PostgreSQL; any panic is a failed check.

#![expect(clippy::missing_panics_doc, reason = "panicking is how a suite fails")]

use crate::blobs::{Bytestore, Expect, Finish, NewBlob, NewManifest, Putting};
use crate::files::PackageKey;
use crate::hosted::{OWNED, Step, package_of};
use crate::index::{Of, Told};
use crate::listing::By;
use crate::mirrored::NewFile;
use crate::people::{Grant, User};
use crate::uploads::Progress;
use crate::{Error, Metadata};
use larder_model::{Algorithm, CacheLifetime, Digest, Hasher, ProtocolName, Role, UserName};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs all checks on a database that is fresh or was used by this suite before.
pub async fn all(metadata: &Metadata) {
    settings(metadata).await;
    people(metadata).await;
    let name = format!("suite-{:x}", metadata.new_id());
    let name = name.parse().expect("name");
    let repo = metadata
        .add_repo(ProtocolName("oci"), &name, "hosted", "", "{}")
        .await
        .expect("repo");
    let again = metadata
        .add_repo(ProtocolName("oci"), &name, "hosted", "", "{}")
        .await;
    assert!(matches!(again, Err(Error::Exists(_))));
    assert!(metadata.repos().await.expect("repos").contains(&repo));
    blobs(metadata, repo.id).await;
    manifests(metadata, repo.id).await;
    uploads(metadata, repo.id).await;
    races(metadata, repo.id).await;
    reads_after_writes(metadata, repo.id).await;
    mirrored(metadata, repo.id).await;
    hosted(metadata, repo.id).await;
    listings(metadata, repo.id).await;
    whole(metadata, repo.id).await;
    metadata.drop_repo(repo.id).await.expect("drop");
    metadata.ping().await.expect("ping");
}

async fn settings(metadata: &Metadata) {
    let before = metadata.policy_version().await.expect("version");
    let key = format!("suite-{:x}", metadata.new_id());
    assert_eq!(metadata.setting(&key).await.expect("get"), None);
    assert_eq!(
        &*metadata.setting_or(&key, "one").await.expect("add"),
        "one"
    );
    assert_eq!(
        &*metadata.setting_or(&key, "two").await.expect("add"),
        "one"
    );
    metadata.put_setting(&key, "three").await.expect("put");
    assert_eq!(
        metadata.setting(&key).await.expect("get").as_deref(),
        Some("three")
    );
    assert_ne!(metadata.policy_version().await.expect("version"), before);
}

async fn people(metadata: &Metadata) {
    let name: UserName = format!("u{:x}", metadata.new_id()).parse().expect("name");
    let id = metadata
        .add_user(&name, "person", Some("hash".into()), false, false)
        .await
        .expect("user");
    assert!(matches!(
        metadata.add_user(&name, "person", None, false, false).await,
        Err(Error::Exists(_))
    ));
    assert_eq!(
        metadata.password_of(name.as_str()).await.expect("password"),
        Some((id, Some("hash".into())))
    );
    let users = metadata.users().await.expect("users");
    let user = users
        .iter()
        .find(|user| user.id == id)
        .expect("listed")
        .clone();
    metadata
        .change_user(&user, Some("other".into()), false, true)
        .await
        .expect("change");
    let stale = metadata
        .change_user(&user, Some("third".into()), true, false)
        .await;
    assert!(
        matches!(stale, Err(Error::Unmet("user"))),
        "a change of what was changed meanwhile is not done"
    );
    assert_eq!(
        metadata.password_of(name.as_str()).await.expect("password"),
        Some((id, Some("other".into())))
    );
    assert!(matches!(
        metadata.drop_user(&user).await,
        Err(Error::Unmet("user"))
    ));
    let user = User {
        disabled: true,
        ..user
    };
    grants(metadata, &name).await;
    metadata.drop_user(&user).await.expect("drop");
    let left = metadata.grants().await.expect("grants");
    assert!(
        !left
            .iter()
            .any(|grant| *grant.subject == *format!("user:{name}"))
    );
    assert_eq!(
        metadata.password_of(name.as_str()).await.expect("password"),
        None
    );
    assert!(matches!(
        metadata.drop_user(&user).await,
        Err(Error::Unmet("user"))
    ));
}

async fn grants(metadata: &Metadata, user: &UserName) {
    let grant = |repository: &str| Grant {
        id: metadata.new_id(),
        subject: format!("user:{user}").into(),
        repository: repository.parse().expect("pattern"),
        package: "*".parse().expect("pattern"),
        role: Role::Writer,
        created_at: metadata.now(),
        created_by: "user:suite".into(),
    };
    let (first, second) = (grant("oci/a"), grant("oci/b-*"));
    for grant in [&first, &second] {
        metadata.add_grant(grant).await.expect("add");
    }
    assert!(matches!(
        metadata.add_grant(&grant("oci/a")).await,
        Err(Error::Exists(_))
    ));
    assert_eq!(
        metadata.grant(first.id).await.expect("grant").as_ref(),
        Some(&first)
    );
    assert_eq!(
        metadata
            .grants_after(first.id - 1, 1)
            .await
            .expect("grants"),
        std::slice::from_ref(&first)
    );
    assert_eq!(
        metadata.grants_after(first.id, 10).await.expect("grants"),
        [second]
    );
    metadata.drop_grant(first.id).await.expect("drop");
    assert!(matches!(
        metadata.drop_grant(first.id).await,
        Err(Error::Unmet("grant"))
    ));
    assert_eq!(metadata.grant(first.id).await.expect("grant"), None);
}

fn blob(text: &str) -> NewBlob {
    let digest = Digest::of(Algorithm::Sha256, text.as_bytes());
    NewBlob {
        digest,
        size: text.len() as u64,
        bytes: Bytestore::Inline(text.to_owned().into()),
    }
}

async fn blobs(metadata: &Metadata, repo: i64) {
    let at = |package| Putting {
        place: PackageKey { repo, package },
        by: "user:suite",
    };
    let one = blob("one");
    let path = format!("blobs/{}", one.digest);
    metadata
        .keep_blob(at("a"), one.clone(), None)
        .await
        .expect("keep");
    metadata
        .keep_blob(at("a"), one.clone(), None)
        .await
        .expect("keep again");
    let found = metadata
        .find(at("a").place, &path)
        .await
        .expect("find")
        .expect("there");
    assert_eq!(
        (found.digest, found.size, found.body.as_deref()),
        (one.digest, 3, Some(&b"one"[..]))
    );
    let stated = metadata
        .stat(at("a").place, &path)
        .await
        .expect("stat")
        .expect("there");
    assert_eq!(
        (stated.digest, stated.size, &*stated.content_type),
        (one.digest, 3, "application/octet-stream")
    );
    assert!(
        metadata
            .find(at("b").place, &path)
            .await
            .expect("find")
            .is_none()
    );
    metadata
        .mount(at("b"), at("a").place, &one.digest)
        .await
        .expect("mount");
    metadata
        .mount(at("b"), at("a").place, &one.digest)
        .await
        .expect("mount again");
    let missing = metadata.mount(at("b"), at("c").place, &one.digest).await;
    assert!(matches!(missing, Err(Error::Unmet("source"))));
    let places = metadata
        .places_of(&one.digest, &path, 10)
        .await
        .expect("places");
    assert!(places.contains(&(repo, "a".into())) && places.contains(&(repo, "b".into())));
    metadata
        .drop_blob(at("a").place, &one.digest)
        .await
        .expect("drop");
    assert!(matches!(
        metadata.drop_blob(at("a").place, &one.digest).await,
        Err(Error::Unmet("blob"))
    ));
    assert!(
        metadata
            .find(at("b").place, &path)
            .await
            .expect("find")
            .is_some()
    );
    metadata
        .take_blob(at("a"), &one.digest, None)
        .await
        .expect("take");
    let unknown = blob(&format!("never kept {:x}", metadata.new_id())).digest;
    assert!(matches!(
        metadata.take_blob(at("a"), &unknown, None).await,
        Err(Error::Unmet("blob"))
    ));
    let object = NewBlob {
        bytes: Bytestore::Object(7),
        ..blob(&format!("object {:x}", metadata.new_id()))
    };
    metadata
        .keep_blob(at("a"), object.clone(), None)
        .await
        .expect("keep");
    let again = NewBlob {
        bytes: Bytestore::Object(8),
        ..object.clone()
    };
    metadata
        .keep_blob(at("a"), again, None)
        .await
        .expect("keep");
    let kept = metadata
        .generation(&object.digest)
        .await
        .expect("generation");
    assert_eq!(kept, Some(7), "the first object stays");
}

async fn manifests(metadata: &Metadata, repo: i64) {
    let putting = Putting {
        place: PackageKey { repo, package: "m" },
        by: "user:suite",
    };
    let place = putting.place;
    let layer = blob("layer");
    metadata
        .keep_blob(putting, layer.clone(), None)
        .await
        .expect("keep");
    let subject = blob("subject").digest;
    let new = |text, blobs, tags, expect| NewManifest {
        putting,
        full_name: "oci/suite/m",
        blob: blob(text),
        content_type: "x/y",
        metadata: "{\"a\":1}",
        blobs,
        absent: &[],
        manifests: &[],
        subject: Some(subject),
        tags,
        expect,
    };
    let gone = [blob("gone").digest];
    let refused = metadata
        .keep_manifest(new("m1", &gone, &["t"], Expect::Any))
        .await;
    assert!(matches!(refused, Err(Error::Unmet("blob"))));
    assert!(
        metadata
            .find(place, "tags/t")
            .await
            .expect("find")
            .is_none(),
        "nothing of a failed batch stays"
    );
    assert_eq!(metadata.revision(place).await.expect("revision"), None);

    let blobs = [layer.digest];
    metadata
        .keep_manifest(new("m1", &blobs, &["t", "b"], Expect::Absent))
        .await
        .expect("keep");
    let first = metadata.revision(place).await.expect("revision");
    let refused = metadata
        .keep_manifest(new("m2", &blobs, &["t"], Expect::Absent))
        .await;
    assert!(matches!(refused, Err(Error::Unmet("tag"))));
    let refused = metadata
        .keep_manifest(new("m2", &blobs, &["t"], Expect::Is(subject)))
        .await;
    assert!(matches!(refused, Err(Error::Unmet("tag"))));
    metadata
        .keep_manifest(new("m2", &blobs, &["t"], Expect::Is(blob("m1").digest)))
        .await
        .expect("replace");
    assert_ne!(metadata.revision(place).await.expect("revision"), first);
    let found = metadata
        .find(place, "tags/t")
        .await
        .expect("find")
        .expect("there");
    assert_eq!(
        (found.digest, &*found.content_type),
        (blob("m2").digest, "x/y")
    );
    assert!(
        metadata
            .used_by(place, &layer.digest)
            .await
            .expect("used")
            .is_some()
    );

    let tags = metadata.list(place, "tags/", "", 10).await.expect("list");
    assert_eq!(
        tags.iter().map(|tag| &*tag.path).collect::<Vec<_>>(),
        ["tags/b", "tags/t"]
    );
    assert_eq!(
        metadata
            .list(place, "tags/", "b", 10)
            .await
            .expect("list")
            .len(),
        1
    );
    assert_eq!(
        metadata
            .list(place, "tags/", "", 1)
            .await
            .expect("list")
            .len(),
        1
    );
    let all = metadata
        .referrers(place, &subject, "", 10)
        .await
        .expect("referrers");
    assert_eq!(all.len(), 2);
    assert!(all[0].digest < all[1].digest && &*all[0].metadata == "{\"a\":1}");
    let rest = metadata
        .referrers(place, &subject, &all[0].digest.to_string(), 10)
        .await
        .expect("referrers");
    assert_eq!(rest.len(), 1);
    let names = metadata
        .packages("oci/suite/", "oci/suite0", 10)
        .await
        .expect("packages");
    assert_eq!(names, ["oci/suite/m".into()]);

    let stale = metadata
        .drop_tag(place, "tags/t", Some(&blob("m1").digest))
        .await;
    assert!(matches!(stale, Err(Error::Unmet("tag"))));
    metadata
        .drop_manifest(place, &blob("m1").digest)
        .await
        .expect("drop");
    assert!(
        metadata
            .find(place, "tags/b")
            .await
            .expect("find")
            .is_none(),
        "its tags go with it"
    );
    metadata
        .drop_tag(place, "tags/t", None)
        .await
        .expect("drop");
    assert!(
        metadata.revision(place).await.expect("revision").is_some(),
        "a manifest without tags is still there"
    );
    metadata
        .drop_manifest(place, &blob("m2").digest)
        .await
        .expect("drop");
    assert_eq!(metadata.revision(place).await.expect("revision"), None);
    assert!(
        metadata
            .referrers(place, &subject, "", 10)
            .await
            .expect("referrers")
            .is_empty()
    );
}

async fn uploads(metadata: &Metadata, repo: i64) {
    let putting = Putting {
        place: PackageKey { repo, package: "u" },
        by: "user:suite",
    };
    let id = format!("{:x}", metadata.new_id());
    let state = Hasher::new(Algorithm::Sha256).state();
    let progress = Progress {
        id: &id,
        version: 0,
        algorithm: Algorithm::Sha256,
        received: 5,
        hash_state: &state,
        boot_id: "i",
    };
    assert!(metadata.upload(&id).await.expect("load").is_none());
    metadata.save_upload(putting, progress).await.expect("save");
    assert!(matches!(
        metadata.save_upload(putting, progress).await,
        Err(Error::Unmet("upload"))
    ));
    metadata
        .save_upload(
            putting,
            Progress {
                version: 1,
                received: 9,
                ..progress
            },
        )
        .await
        .expect("save");
    let row = metadata.upload(&id).await.expect("load").expect("there");
    assert_eq!((row.received, row.version, row.finished), (9, 2, false));
    assert_eq!(row.hash_state.as_deref(), Some(&state[..]));
    let finish = |version| {
        Some(Finish {
            id: &id,
            version,
            principal: "user:suite",
        })
    };
    let old = metadata.keep_blob(putting, blob("up"), finish(1)).await;
    assert!(matches!(old, Err(Error::Unmet("upload"))));
    metadata
        .keep_blob(putting, blob("up"), finish(2))
        .await
        .expect("finish");
    assert!(
        metadata
            .upload(&id)
            .await
            .expect("load")
            .expect("there")
            .finished
    );
    let again = metadata
        .save_upload(
            putting,
            Progress {
                version: 3,
                ..progress
            },
        )
        .await;
    assert!(
        matches!(again, Err(Error::Unmet("upload"))),
        "an ended upload takes no more"
    );
    let later = metadata.now().after(std::time::Duration::from_secs(1));
    let idle = metadata.idle_uploads(later, 1000).await.expect("idle");
    assert!(idle.iter().any(|idle| **idle == *id));
    metadata.forget_uploads(&idle, later).await.expect("forget");
    assert!(metadata.upload(&id).await.expect("load").is_none());
}

/// Of many that put one tag on condition of its absence, exactly one wins.
async fn races(metadata: &Metadata, repo: i64) {
    let mut racing = tokio::task::JoinSet::new();
    for racer in 0..32 {
        let metadata = metadata.clone();
        racing.spawn(async move {
            let putting = Putting {
                place: PackageKey { repo, package: "r" },
                by: "user:suite",
            };
            let new = NewManifest {
                putting,
                full_name: "oci/suite/r",
                blob: blob(&format!("racer {racer}")),
                content_type: "x/y",
                metadata: "",
                blobs: &[],
                absent: &[],
                manifests: &[],
                subject: None,
                tags: &["first"],
                expect: Expect::Absent,
            };
            metadata.keep_manifest(new).await
        });
    }
    let mut won = 0;
    while let Some(outcome) = racing.join_next().await {
        match outcome.expect("racer") {
            Ok(()) => won += 1,
            Err(Error::Unmet("tag")) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(won, 1);
}

/// While a tag moves on, others read it all the time: whoever asks after a push was acknowledged
/// sees it or a later one.
async fn reads_after_writes(metadata: &Metadata, repo: i64) {
    const PUSHES: u64 = 100;
    let putting = Putting {
        place: PackageKey {
            repo,
            package: "moving",
        },
        by: "user:suite",
    };
    let digests: Arc<Vec<Digest>> = Arc::new(
        (0..PUSHES)
            .map(|push| blob(&format!("push {push}")).digest)
            .collect(),
    );
    let acknowledged = Arc::new(AtomicU64::new(0));
    let mut readers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (metadata, digests, acknowledged) = (
            metadata.clone(),
            Arc::clone(&digests),
            Arc::clone(&acknowledged),
        );
        readers.spawn(async move {
            let mut reads = 0_u64;
            while acknowledged.load(Ordering::SeqCst) < PUSHES {
                let known = acknowledged.load(Ordering::SeqCst);
                let found = metadata
                    .find(
                        PackageKey {
                            repo,
                            package: "moving",
                        },
                        "tags/now",
                    )
                    .await
                    .expect("find");
                let seen = found.map_or(0, |found| {
                    digests
                        .iter()
                        .position(|digest| *digest == found.digest)
                        .expect("a digest of ours") as u64
                        + 1
                });
                assert!(
                    seen >= known,
                    "push {known} was acknowledged, {seen} was read"
                );
                reads += 1;
                tokio::task::yield_now().await;
            }
            reads
        });
    }
    for push in 0..PUSHES {
        let new = NewManifest {
            putting,
            full_name: "oci/suite/moving",
            blob: blob(&format!("push {push}")),
            content_type: "x/y",
            metadata: "",
            blobs: &[],
            absent: &[],
            manifests: &[],
            subject: None,
            tags: &["now"],
            expect: Expect::Any,
        };
        metadata.keep_manifest(new).await.expect("push");
        acknowledged.store(push + 1, Ordering::SeqCst);
    }
    while let Some(reads) = readers.join_next().await {
        assert!(reads.expect("reader") > 0);
    }
    metadata
        .drop_tag(putting.place, "tags/now", None)
        .await
        .expect("drop");
    assert!(
        metadata
            .find(putting.place, "tags/now")
            .await
            .expect("find")
            .is_none(),
        "a removed tag is gone at once"
    );
}

/// Files of mirrors are kept together, keep their history, and are `mark_checked` for anew.
async fn mirrored(metadata: &Metadata, repo: i64) {
    let place = PackageKey {
        repo,
        package: "left-pad",
    };
    let blob = |text: &str| {
        let bytes = bytes::Bytes::copy_from_slice(text.as_bytes());
        let digest = Digest::of(Algorithm::Sha256, &bytes);
        NewBlob {
            digest,
            size: bytes.len() as u64,
            bytes: Bytestore::Inline(bytes),
        }
    };
    let file = |path, text: &str, etag| NewFile {
        path,
        blob: blob(text),
        content_type: "",
        version: "1",
        etag,
        modified: "Mon",
        changes: true,
    };
    let name = format!("npm/suite-{repo}/left-pad");
    let both = vec![
        file("index", "one", "\"1\""),
        file("index.asc", "signed", ""),
    ];
    metadata
        .keep_files(place, Some(&name), ("upstream", metadata.now()), both, &[])
        .await
        .expect("keep");
    let first = metadata
        .find(place, "index")
        .await
        .expect("find")
        .expect("there");
    assert_eq!((&*first.etag, &*first.modified), ("\"1\"", "Mon"));
    assert!(
        metadata
            .find(place, "index.asc")
            .await
            .expect("find")
            .is_some()
    );

    metadata
        .mark_checked(place, "index", &first.digest)
        .await
        .expect("integrity");
    let again = metadata
        .find(place, "index")
        .await
        .expect("find")
        .expect("there");
    assert!(again.checked_at > first.checked_at);
    metadata
        .mark_checked(place, "index", &blob("other").digest)
        .await
        .expect("of other bytes: nothing");
    assert_eq!(
        metadata
            .find(place, "index")
            .await
            .expect("find")
            .expect("there")
            .checked_at,
        again.checked_at
    );

    metadata
        .keep_files(
            place,
            None,
            ("upstream", metadata.now()),
            vec![file("index", "one", "")],
            &[],
        )
        .await
        .expect("the same again");
    metadata
        .keep_files(
            place,
            None,
            ("upstream", metadata.now()),
            vec![file("index", "two", "")],
            &["index.asc"],
        )
        .await
        .expect("keep");
    assert!(
        metadata
            .find(place, "index.asc")
            .await
            .expect("find")
            .is_none()
    );
    let now = metadata.now().after(std::time::Duration::from_secs(1));
    let states = metadata
        .states(place, "index", now, 10)
        .await
        .expect("states");
    let digests: Vec<Digest> = states.iter().map(|(digest, _)| *digest).collect();
    assert_eq!(
        digests,
        [blob("two").digest, blob("one").digest],
        "each state once, the newest first"
    );
    assert_eq!(
        metadata
            .states(place, "index", states[0].1, 10)
            .await
            .expect("states"),
        states[1..]
    );
    let listed = metadata
        .packages(
            &format!("npm/suite-{repo}/"),
            &format!("npm/suite-{repo}0"),
            10,
        )
        .await;
    assert_eq!(listed.expect("packages"), [name.into()]);
}

/// A package changes one change at a time, and what was composed of it goes with every change.
async fn hosted(metadata: &Metadata, repo: i64) {
    let place = PackageKey {
        repo,
        package: "mine",
    };
    let name = format!("npm/suite-{repo}/mine");
    let blob = |text: &'static str| {
        let bytes = bytes::Bytes::from_static(text.as_bytes());
        NewBlob {
            digest: Digest::of(Algorithm::Sha256, &bytes),
            size: bytes.len() as u64,
            bytes: Bytestore::Inline(bytes),
        }
    };
    let add = |version: &str| Step::Add {
        path: format!("-/mine-{version}.tgz"),
        version: version.to_owned(),
        blob: blob("tarball"),
        content_type: "application/octet-stream",
        metadata: "{}".to_owned(),
    };
    let change =
        |revision, steps| metadata.change_package(place, &name, revision, "user:suite", steps);
    change(None, vec![add("1.0.0")]).await.expect("publish");
    assert!(
        metadata.find(place, OWNED).await.expect("find").is_some(),
        "the name is taken"
    );
    assert!(
        matches!(
            change(None, vec![add("2.0.0")]).await,
            Err(Error::Unmet("revision"))
        ),
        "someone was first"
    );
    let revision = metadata.revision(place).await.expect("revision");
    assert!(
        matches!(
            change(revision, vec![add("1.0.0")]).await,
            Err(Error::Unmet("file"))
        ),
        "it is there already"
    );

    let now = revision.expect("there");
    metadata
        .keep_composed(place, now, "index", "", blob("index of one"))
        .await
        .expect("compose");
    assert!(metadata.find(place, "index").await.expect("find").is_some());
    let latest = Step::Point {
        path: "tags/latest".into(),
        version: "2.0.0".into(),
        digest: blob("tarball").digest,
    };
    let deprecate = Step::SetMetadata {
        path: "-/mine-1.0.0.tgz".into(),
        metadata: "{\"yanked\":true}".into(),
    };
    change(revision, vec![add("2.0.0"), latest, deprecate])
        .await
        .expect("change");
    assert!(
        metadata.find(place, "index").await.expect("find").is_none(),
        "what was composed is gone"
    );
    let late = metadata
        .keep_composed(place, now, "index", "", blob("index of one"))
        .await;
    assert!(
        matches!(late, Err(Error::Unmet("revision"))),
        "what was composed of the past is not kept"
    );

    let files = metadata.published(place).await.expect("files");
    let listed: Vec<(&str, &str, &str)> = files
        .iter()
        .map(|file| (&*file.path, &*file.version, &*file.metadata))
        .collect();
    let expected = [
        ("-/mine-1.0.0.tgz", "1.0.0", "{\"yanked\":true}"),
        ("-/mine-2.0.0.tgz", "2.0.0", "{}"),
        (OWNED, "", ""),
        ("tags/latest", "2.0.0", ""),
    ];
    assert_eq!(listed, expected);
    let revision = metadata.revision(place).await.expect("revision");
    change(
        revision,
        vec![Step::Remove {
            path: "-/mine-1.0.0.tgz".into(),
        }],
    )
    .await
    .expect("remove");
    assert_eq!(metadata.published(place).await.expect("files").len(), 3);
}

/// Packages, versions and files go by key, and are dropped by name.
async fn listings(metadata: &Metadata, repo: i64) {
    let names = |limit, after: &'static str| async move {
        let packages = metadata
            .packages_of(repo, after, limit)
            .await
            .expect("packages");
        packages
            .into_iter()
            .map(|package| (package.name, package.live))
            .collect::<Vec<_>>()
    };
    assert!(names(100, "").await.contains(&("mine".into(), true)));
    assert_eq!(names(1, "min").await, [("mine".into(), true)]);
    assert!(
        !names(100, "mine")
            .await
            .iter()
            .any(|(name, _)| **name == *"mine")
    );
    let place = PackageKey {
        repo,
        package: "kept",
    };
    let file = |path: &'static str, version: &'static str| NewFile {
        path,
        blob: blob(path),
        content_type: "text/plain",
        version,
        etag: "",
        modified: "",
        changes: false,
    };
    let files = vec![
        file("index", ""),
        file("-/kept-1.tgz", "1"),
        file("-/kept-2.tgz", "2"),
        file("more-2", "2"),
        file("tags/latest", "2"),
    ];
    let name = format!("npm/suite-{repo}/kept");
    metadata
        .keep_files(place, Some(&name), ("upstream", metadata.now()), files, &[])
        .await
        .expect("keep");
    let versions = |after: &'static str, limit| async move {
        let versions = metadata
            .versions_of(place, By::Version, after, limit)
            .await
            .expect("versions");
        versions
            .into_iter()
            .map(|version| (version.name, version.files, version.size))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        versions("", 10).await,
        [("1".into(), 1, 12), ("2".into(), 2, 18)]
    );
    assert_eq!(versions("", 1).await, versions("", 10).await[..1]);
    assert_eq!(versions("1", 10).await, versions("", 10).await[1..]);
    let found = metadata
        .files_of(place, By::Version, "2", 10)
        .await
        .expect("files");
    let paths: Vec<&str> = found.iter().map(|file| &*file.path).collect();
    assert_eq!(
        (paths, &*found[0].created_by),
        (vec!["-/kept-2.tgz", "more-2"], "upstream")
    );
    assert_eq!(
        metadata
            .files_of(place, By::Version, "2", 1)
            .await
            .expect("files"),
        found[..1]
    );
    let tags = metadata
        .versions_of(place, By::Tag, "", 10)
        .await
        .expect("tags");
    assert_eq!(
        tags.iter().map(|tag| &*tag.name).collect::<Vec<_>>(),
        ["latest"]
    );
    assert!(
        metadata
            .versions_of(place, By::Tag, "latest", 10)
            .await
            .expect("tags")
            .is_empty()
    );
    let tagged = metadata
        .files_of(place, By::Tag, "latest", 10)
        .await
        .expect("file");
    assert_eq!(
        tagged.iter().map(|file| file.digest).collect::<Vec<_>>(),
        [blob("tags/latest").digest]
    );

    assert!(
        metadata
            .find(place, "more-2")
            .await
            .expect("find")
            .is_some()
    );
    metadata.drop_version(place, "2").await.expect("drop");
    assert!(matches!(
        metadata.drop_version(place, "2").await,
        Err(Error::Unmet("version"))
    ));
    assert!(matches!(
        metadata.drop_version(place, "").await,
        Err(Error::Unmet("version"))
    ));
    assert!(
        metadata
            .find(place, "more-2")
            .await
            .expect("find")
            .is_none(),
        "no look-up remembers it"
    );
    assert_eq!(versions("", 10).await, [("1".into(), 1, 12)]);
    metadata.drop_package(place).await.expect("drop");
    assert!(matches!(
        metadata.drop_package(place).await,
        Err(Error::Unmet("package"))
    ));
    assert!(metadata.find(place, "index").await.expect("find").is_none());
    assert!(
        !names(100, "")
            .await
            .iter()
            .any(|(name, _)| **name == *"kept")
    );
}

/// What tells of all packages is kept as one state, and goes with every change that shows or hides
/// a file.
async fn whole(metadata: &Metadata, repo: i64) {
    let all = PackageKey { repo, package: "" };
    let prefix = format!("rpm/suite-{repo}/");
    let add = |name: &str| {
        let path = format!("Packages/{name}.rpm");
        let (metadata, at) = (name.to_owned(), path.clone());
        let version = "1".to_owned();
        vec![
            Step::Add {
                path,
                version,
                blob: blob(name),
                content_type: "application/x-rpm",
                metadata,
            },
            Step::AddAddress {
                path: at,
                digest: blob(name).digest,
            },
        ]
    };
    let publish = async |name: &'static str, steps: Vec<Step>| {
        let place = PackageKey {
            repo,
            package: name,
        };
        let revision = metadata.revision(place).await.expect("revision");
        metadata
            .change_package(
                place,
                &format!("{prefix}{name}"),
                revision,
                "user:suite",
                steps,
            )
            .await
    };
    let first = metadata
        .index_revision(repo, &prefix)
        .await
        .expect("revision");
    assert_eq!(
        metadata
            .index_revision(repo, &prefix)
            .await
            .expect("revision"),
        first
    );
    for name in ["wholly-b", "wholly-a"] {
        publish(name, add(name)).await.expect("publish");
    }
    assert_eq!(metadata.shown(repo).await.expect("shown"), 2);
    let found = metadata
        .find(all, "Packages/wholly-a.rpm")
        .await
        .expect("find")
        .expect("shown");
    assert_eq!(
        (package_of(&found.etag), found.digest),
        (Some("wholly-a"), blob("wholly-a").digest)
    );
    let taken = publish(
        "wholly-c",
        vec![Step::AddAddress {
            path: "Packages/wholly-a.rpm".into(),
            digest: blob("wholly-a").digest,
        }],
    );
    assert!(
        matches!(taken.await, Err(Error::Unmet("file"))),
        "an address is one file's"
    );

    // Page by page, in their order.
    let (mut after, mut names) = ((Box::from("wholly"), Box::from("")), Vec::new());
    while let Some((package, file)) = metadata
        .all_published(repo, (&after.0, &after.1), 1)
        .await
        .expect("page")
        .pop()
    {
        after = (package.clone(), file.path.clone());
        names.extend((!file.metadata.is_empty()).then_some(package));
    }
    assert_eq!(names, ["wholly-a".into(), "wholly-b".into()]);

    let told = |path: &str, text: &str, lifetime| Told {
        path: path.into(),
        blob: blob(text),
        content_type: "",
        lifetime,
    };
    let state = |number: &str| {
        let head = told("head", number, CacheLifetime::UntilChange);
        vec![
            head,
            told("signature", number, CacheLifetime::UntilNext),
            told(number, number, CacheLifetime::Longer),
        ]
    };
    let keep = async |revision, number: &str, grace| {
        metadata
            .keep_index(
                repo,
                Of::Revision(revision),
                state(number),
                std::time::Duration::from_secs(grace),
            )
            .await
    };
    assert!(
        matches!(keep(first, "0", 60).await, Err(Error::Unmet("revision"))),
        "that is past"
    );
    let now = metadata
        .index_revision(repo, &prefix)
        .await
        .expect("revision");
    keep(now, "1", 60).await.expect("keep");
    publish(
        "wholly-a",
        vec![Step::RemoveAddress {
            path: "Packages/wholly-a.rpm".into(),
        }],
    )
    .await
    .expect("hide");
    assert!(
        metadata.find(all, "head").await.expect("find").is_none(),
        "the head is of the state before"
    );
    for path in ["signature", "1"] {
        assert!(
            metadata.find(all, path).await.expect("find").is_some(),
            "someone may still read it"
        );
    }
    let now = metadata
        .index_revision(repo, &prefix)
        .await
        .expect("revision");
    keep(now, "2", 0).await.expect("keep");
    let there = async |path: &str| metadata.find(all, path).await.expect("find").is_some();
    assert_eq!(
        (there("head").await, there("1").await, there("2").await),
        (true, false, true)
    );
    let signature = metadata
        .find(all, "signature")
        .await
        .expect("find")
        .expect("there");
    assert_eq!(signature.digest, blob("2").digest);
    // Of other repos a state lasts until the next one, and then for the grace; one elsewhere does
    // not end it.
    let others = async |folder: &str, list: &str, grace| {
        let list = told(&format!("{folder}{list}"), list, CacheLifetime::Longer);
        let head = told(
            &format!("elsewhere/{folder}head"),
            "head",
            CacheLifetime::Longer,
        );
        let grace = std::time::Duration::from_secs(grace);
        metadata
            .keep_index(repo, Of::Others(folder), vec![head, list], grace)
            .await
            .expect("keep");
    };
    others("members/", "one", 0).await;
    others("more/", "two", 0).await;
    assert!(there("members/one").await && there("more/two").await);
    others("members/", "three", 60).await;
    assert!(there("members/one").await, "someone may still read it");
    others("members/", "three", 0).await;
    assert_eq!(
        (there("members/one").await, there("members/three").await),
        (false, true)
    );
    // What belongs to no package is changed in the same way.
    let place = PackageKey { repo, package: "" };
    let given = Step::Add {
        path: "given".into(),
        version: String::new(),
        blob: blob("given"),
        content_type: "",
        metadata: String::new(),
    };
    let changed = metadata
        .change_package(place, &prefix, Some(now), "user:suite", vec![given])
        .await;
    changed.expect("give");
    let given: Vec<_> = metadata
        .published(place)
        .await
        .expect("files")
        .into_iter()
        .map(|file| file.path)
        .collect();
    assert_eq!((given, there("head").await), (vec!["given".into()], false));
    // Another key signs anew.
    let now = metadata
        .index_revision(repo, &prefix)
        .await
        .expect("revision");
    keep(now, "3", 60).await.expect("keep");
    metadata.change_repo(repo, "", "{}").await.expect("change");
    assert!(!there("signature").await, "it was made with the key before");
    assert!(
        !there("head").await && matches!(keep(now, "3", 60).await, Err(Error::Unmet("revision")))
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use larder_model::{Clock, Timestamp};
    use std::time::SystemTime;

    fn clock() -> Clock {
        Clock::new(|| {
            let since = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            Timestamp(i64::try_from(since.as_micros()).unwrap_or(0))
        })
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn sqlite() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("larder.db");
        all(&Metadata::sqlite(&path, 2, clock()).await.expect("open")).await;
        all(&Metadata::sqlite(&path, 2, clock())
            .await
            .expect("open again"))
        .await;
    }
}
