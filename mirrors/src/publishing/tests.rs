use super::*;
use crate::testing::stored;
use crate::{Protocol, cargo::Cargo, npm::Npm, pypi::Pypi};
use larder_model::{FileKind, Kind};
use std::io::Cursor;

fn steps(
    protocol: &dyn Protocol,
    change: &Change,
    files: &[StoredFile],
) -> Result<Vec<Step>, Kind> {
    let publishing = protocol.publishing().expect("publishing");
    let request = publishing.change("demo", change.clone());
    let request = request.map_err(|problem| problem.kind)?;
    let steps = request.action.steps(
        &mut Cursor::new(Vec::new()),
        files,
        &PublishLimits::default(),
    );
    steps.map_err(|problem| problem.kind)
}

fn reason(protocol: &dyn Protocol, file: &StoredFile) -> Option<String> {
    let publishing = protocol.publishing().expect("publishing");
    publishing.yank_reason(&file.metadata)
}

/// The files as they are after the steps.
fn after(files: &[StoredFile], steps: Vec<Step>) -> Vec<StoredFile> {
    let mut files = files.to_vec();
    for step in steps {
        match step {
            Step::Remove { kind, path } => {
                files.retain(|file| file.kind != kind || *file.path != *path);
            }
            Step::Add {
                kind,
                path,
                version,
                metadata,
                ..
            } => files.push(StoredFile {
                kind,
                ..stored(&path, &version, &metadata)
            }),
            Step::SetMetadata { path, metadata } => {
                files
                    .iter_mut()
                    .filter(|file| *file.path == *path)
                    .for_each(|file| file.metadata = metadata.as_str().into());
            }
            Step::SetTag { .. } | Step::AddAddress { .. } | Step::RemoveAddress { .. } => {}
        }
    }
    files
}

fn yank(version: &str, reason: &str) -> Change {
    Change::Yank {
        version: version.into(),
        reason: reason.into(),
    }
}

fn line(version: &str) -> StoredFile {
    let line = format!(
        r#"{{"name":"demo","vers":"{version}","deps":[],"cksum":"00","features":{{}},"yanked":false}}"#
    );
    stored(
        &format!("crates/demo/{version}"),
        version,
        &format!(r#"{{"line":{line},"description":""}}"#),
    )
}

fn wheels() -> Vec<StoredFile> {
    let (wheel, source) = ("demo-1.0-py3-none-any.whl", "demo-1.0.tar.gz");
    vec![
        stored(wheel, "1.0", r#"{"yanked":null}"#),
        stored(&format!("{wheel}.metadata"), "1.0", ""),
        stored(source, "1.0", r#"{"yanked":null}"#),
        stored("demo-2.0.tar.gz", "2.0", r#"{"yanked":null}"#),
    ]
}

#[test]
fn yanked_versions_say_why() {
    let files = wheels();
    let now = after(
        &files,
        steps(&Pypi, &yank("1.0.0", "broken"), &files).expect("steps"),
    );
    let reasons: Vec<_> = now.iter().map(|file| reason(&Pypi, file)).collect();
    assert_eq!(
        reasons,
        [
            Some("broken".to_owned()),
            None,
            Some("broken".to_owned()),
            None
        ]
    );
    assert_eq!(
        steps(&Pypi, &yank("1.0", "broken"), &now),
        Ok(Vec::new()),
        "once is enough"
    );
    let undone = after(
        &now,
        steps(
            &Pypi,
            &Change::Unyank {
                version: "1.0".into(),
            },
            &now,
        )
        .expect("steps"),
    );
    assert_eq!(undone, files);
    assert_eq!(steps(&Pypi, &yank("3.0", ""), &files), Err(Kind::NotFound));
    assert_eq!(
        steps(&Pypi, &yank("no version", ""), &files),
        Err(Kind::NotFound)
    );

    let crates = [line("1.0.0"), line("1.1.0")];
    let now = after(
        &crates,
        steps(&Cargo, &yank("1.0.0", ""), &crates).expect("steps"),
    );
    let reasons: Vec<_> = now.iter().map(|file| reason(&Cargo, file)).collect();
    assert_eq!(reasons, [Some(String::new()), None]);
    assert_eq!(
        steps(&Cargo, &yank("1.0.0", "broken"), &crates),
        Err(Kind::Invalid)
    );
    assert_eq!(steps(&Npm, &yank("1.0.0", ""), &[]), Err(Kind::Unsupported));
}

#[test]
fn deleted_versions_stay_reserved() {
    let tarballs = [
        stored("-/demo-1.0.0.tgz", "1.0.0", ""),
        stored("-/demo-2.0.0.tgz", "2.0.0", ""),
    ];
    let crates = [line("1.0.0+build"), line("2.0.0")];
    for (protocol, files, version, expected) in [
        (
            &Npm as &dyn Protocol,
            &tarballs[..],
            "1.0.0",
            &["artifact -/demo-2.0.0.tgz", "tombstone 1.0.0"][..],
        ),
        (
            &Cargo,
            &crates[..],
            "1.0.0+build",
            &["artifact crates/demo/2.0.0", "tombstone 1.0.0"],
        ),
        (
            &Pypi,
            &wheels()[..],
            "1",
            &[
                "artifact demo-2.0.tar.gz",
                "tombstone demo-1.0-py3-none-any.whl",
                "tombstone demo-1.0.tar.gz",
            ],
        ),
    ] {
        let one = Change::Remove {
            version: Some(version.into()),
        };
        let left = after(files, steps(protocol, &one, files).expect("steps"));
        let name = |file: &StoredFile| format!("{} {}", file.kind.word(), file.path);
        let mut paths: Vec<String> = left.iter().map(name).collect();
        paths.sort_unstable();
        assert_eq!(paths, expected);
        assert_eq!(
            steps(protocol, &one, &left),
            Err(Kind::NotFound),
            "it is gone already"
        );
        let none = after(
            &left,
            steps(protocol, &Change::Remove { version: None }, &left).expect("steps"),
        );
        assert!(
            none.iter().all(|file| file.kind == FileKind::Tombstone),
            "{none:?}"
        );
        assert_eq!(
            steps(protocol, &Change::Remove { version: None }, &none),
            Err(Kind::NotFound)
        );
    }
}
